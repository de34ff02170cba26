-- +goose Up
CREATE TABLE note (id INTEGER PRIMARY KEY);

-- +goose Down
DROP TABLE note;
