-- +goose NO TRANSACTION
-- +goose Up
ATTACH 'elsewhere.db' AS other;
