-- +goose Up
-- The same table, told in other words than the program of before told it.
CREATE TABLE item (
	id     INTEGER PRIMARY KEY,
	name   TEXT NOT NULL UNIQUE,
	rank   INTEGER NOT NULL DEFAULT 0 CHECK (rank >= 0),
	parent INTEGER REFERENCES item (id)
) STRICT;
