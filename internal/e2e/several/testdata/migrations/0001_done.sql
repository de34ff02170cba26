-- +goose Up
CREATE TABLE done (what TEXT NOT NULL) STRICT;

-- +goose Down
DROP TABLE done;
