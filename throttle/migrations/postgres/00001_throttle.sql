-- +goose Up
-- One row a bucket that is not empty. The key is an HMAC of what the bucket counts, so that the table names no account, no
-- address and no device. Times are Unix microseconds.
CREATE TABLE merlon_throttle (
	key bytea NOT NULL PRIMARY KEY CHECK (length(key) = 32),
	kind text NOT NULL,
	state bytea NOT NULL,
	expires bigint NOT NULL
);
CREATE INDEX merlon_throttle_expires ON merlon_throttle (expires);

-- +goose Down
DROP TABLE merlon_throttle;
