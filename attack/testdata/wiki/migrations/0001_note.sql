-- +goose Up
CREATE TABLE note (
	id    INTEGER PRIMARY KEY,
	owner INTEGER NOT NULL,
	text  TEXT NOT NULL
) STRICT;
CREATE INDEX note_owner ON note (owner);

-- +goose Down
DROP TABLE note;
