-- +goose Up
CREATE TABLE merlon_once (
	id     BLOB PRIMARY KEY,
	sum    BLOB NOT NULL,
	answer BLOB NOT NULL,
	at     INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX merlon_once_at ON merlon_once (at);

-- what was typed into a form, while its user signs in again: one a user, sealed under a key that only the browser has
CREATE TABLE merlon_kept (
	user    INTEGER PRIMARY KEY,
	box     BLOB NOT NULL,
	expires INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE merlon_kept;
DROP TABLE merlon_once;
