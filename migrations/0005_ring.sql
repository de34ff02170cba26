-- +goose Up
-- by which keys this data is sealed: of each one a hash that tells nothing of it, so that a process with others is refused
CREATE TABLE merlon_ring (
	id    INTEGER PRIMARY KEY,
	proof BLOB    NOT NULL
) STRICT;

-- +goose Down
DROP TABLE merlon_ring;
