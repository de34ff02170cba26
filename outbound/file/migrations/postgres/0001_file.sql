-- +goose Up
CREATE TABLE merlon_file (
	name    TEXT    PRIMARY KEY,
	hash    TEXT    NOT NULL,
	type    TEXT    NOT NULL,
	size    BIGINT NOT NULL,
	width   BIGINT NOT NULL,
	height  BIGINT NOT NULL,
	client  TEXT    NOT NULL,
	created BIGINT NOT NULL,
	removed BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX merlon_file_hash ON merlon_file (hash);
CREATE INDEX merlon_file_removed ON merlon_file (removed) WHERE removed > 0;

-- +goose Down
DROP TABLE merlon_file;
