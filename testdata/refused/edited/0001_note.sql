-- +goose Up
CREATE TABLE note (
	id     INTEGER PRIMARY KEY,
	author TEXT,
	text   TEXT
) STRICT;

-- +goose Down
DROP TABLE note;
