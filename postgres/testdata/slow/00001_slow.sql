-- +goose Up
CREATE TABLE slow (n bigint);
SELECT pg_sleep(0.5);
