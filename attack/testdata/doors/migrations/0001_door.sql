-- +goose Up
CREATE TABLE door (
	id     INTEGER PRIMARY KEY,
	owner  TEXT NOT NULL,
	code   TEXT NOT NULL,
	label  TEXT NOT NULL DEFAULT ''
) STRICT;

-- +goose Down
DROP TABLE door;
