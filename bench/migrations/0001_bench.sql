-- +goose Up
CREATE TABLE note (
	id      INTEGER PRIMARY KEY,
	author  TEXT NOT NULL,
	title   TEXT NOT NULL,
	text    TEXT NOT NULL,
	votes   INTEGER NOT NULL,
	replies INTEGER NOT NULL,
	done    INTEGER NOT NULL,
	pinned  INTEGER NOT NULL
) STRICT;
CREATE TABLE item (
	id       INTEGER PRIMARY KEY,
	name     TEXT NOT NULL,
	quantity INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE item;
DROP TABLE note;
