-- +goose Up
CREATE TABLE loose (n INTEGER, t, d DATETIME);
INSERT INTO loose VALUES ('free', 1, '2026-01-02 03:04:05'), (1, 'x', '2026-01-02'), (2, x'00', 'yesterday');
