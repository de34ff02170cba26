-- +goose Up
CREATE TABLE item (
	id    INTEGER PRIMARY KEY,
	owner INTEGER NOT NULL,
	title TEXT NOT NULL,
	likes INTEGER NOT NULL DEFAULT 0
) STRICT;

-- +goose Down
DROP TABLE item;
