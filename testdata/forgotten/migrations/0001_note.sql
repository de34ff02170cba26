-- +goose Up
CREATE TABLE note (id INTEGER PRIMARY KEY) STRICT;

-- +goose Down
DROP TABLE note;
