-- +goose Up
CREATE TABLE merlon_file (
	name    TEXT    PRIMARY KEY,
	hash    TEXT    NOT NULL,
	type    TEXT    NOT NULL,
	size    INTEGER NOT NULL,
	width   INTEGER NOT NULL,
	height  INTEGER NOT NULL,
	client  TEXT    NOT NULL,
	created INTEGER NOT NULL,
	removed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX merlon_file_hash ON merlon_file (hash);
CREATE INDEX merlon_file_removed ON merlon_file (removed) WHERE removed > 0;

-- +goose Down
DROP TABLE merlon_file;
