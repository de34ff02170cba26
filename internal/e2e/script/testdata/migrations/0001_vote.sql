-- +goose Up
CREATE TABLE vote (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;

-- +goose Down
DROP TABLE vote;
