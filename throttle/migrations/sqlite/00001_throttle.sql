-- +goose Up
-- One row a bucket that is not empty. The key is an HMAC of what the bucket counts, so that the table names no account, no
-- address and no device. Times are Unix microseconds.
CREATE TABLE merlon_throttle (
	key BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 32),
	kind TEXT NOT NULL,
	state BLOB NOT NULL,
	expires INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX merlon_throttle_expires ON merlon_throttle (expires);

-- +goose Down
DROP TABLE merlon_throttle;
