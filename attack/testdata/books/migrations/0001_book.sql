-- +goose Up
CREATE TABLE book (
	id    INTEGER PRIMARY KEY,
	owner INTEGER NOT NULL,
	title TEXT NOT NULL,
	year  INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE book;
