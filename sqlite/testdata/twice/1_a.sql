-- +goose Up
CREATE TABLE a (id INTEGER);
