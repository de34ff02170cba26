-- +goose Up
CREATE TABLE note (
	id     INTEGER PRIMARY KEY,
	author TEXT NOT NULL,
	text   TEXT NOT NULL
) STRICT;

-- +goose Down
DROP TABLE note;
