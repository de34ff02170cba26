-- +goose Up
-- what an authenticator knows a user by: random, so that it tells nobody who it is (WebAuthn 3, 14.6.1)
CREATE TABLE merlon_passkey_handle (
	user   INTEGER PRIMARY KEY,
	handle BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE merlon_passkey (
	id         INTEGER PRIMARY KEY,
	user       INTEGER NOT NULL,
	credential BLOB NOT NULL UNIQUE,
	-- COSE_Key: public, a copy of the database signs nobody in
	public     BLOB NOT NULL,
	aaguid     BLOB NOT NULL,
	counter    INTEGER NOT NULL,
	-- may be copied to other devices of its owner, and is copied now
	eligible   INTEGER NOT NULL,
	backed     INTEGER NOT NULL,
	transports TEXT NOT NULL,
	name       TEXT NOT NULL,
	created    INTEGER NOT NULL,
	-- the last sign-in with it, 0: none yet
	used       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX merlon_passkey_user ON merlon_passkey (user);
-- challenges that were answered, until they would be too old anyway
CREATE TABLE merlon_passkey_challenge (
	hash    BLOB PRIMARY KEY,
	expires INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX merlon_passkey_challenge_expires ON merlon_passkey_challenge (expires);

-- +goose Down
DROP TABLE merlon_passkey_challenge;
DROP TABLE merlon_passkey;
DROP TABLE merlon_passkey_handle;
