-- +goose Up
-- by which keys this data is sealed: of each one a hash that tells nothing of it, so that a process with others is refused
CREATE TABLE merlon_ring (
	id    bigint PRIMARY KEY,
	proof bytea  NOT NULL
);

-- +goose Down
DROP TABLE merlon_ring;
