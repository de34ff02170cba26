-- +goose Up
CREATE TABLE value (
	id   INTEGER PRIMARY KEY,
	i    INTEGER,
	f    REAL,
	s    TEXT,
	b    BLOB,
	flag INTEGER,
	at   TEXT,
	j    TEXT
) STRICT;

-- +goose Down
DROP TABLE value;
