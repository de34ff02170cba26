-- +goose Up
-- an id is never given twice: what names a deleted user must not become the next one's
CREATE TABLE merlon_user (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	email    TEXT NOT NULL UNIQUE,
	name     TEXT NOT NULL,
	password TEXT NOT NULL,
	roles    TEXT NOT NULL DEFAULT '',
	created  INTEGER NOT NULL,
	disabled INTEGER NOT NULL DEFAULT 0,
	-- when the address was proven to be the user's, 0: not yet
	verified INTEGER NOT NULL DEFAULT 0,
	-- when the password was chosen, 0: there is none, or it came from elsewhere
	chosen   INTEGER NOT NULL DEFAULT 0,
	-- when the account is to be deleted, 0: not
	leaving  INTEGER NOT NULL DEFAULT 0,
	-- when its user first signed in, or the account came with a password from elsewhere, 0: not yet
	entered  INTEGER NOT NULL DEFAULT 0,
	-- the language that its user has chosen, empty: as the browser says
	lang     TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX merlon_user_leaving ON merlon_user (leaving) WHERE leaving > 0;
CREATE INDEX merlon_user_unverified ON merlon_user (created) WHERE verified = 0;
-- links that work once: only the hash of a link's code is kept
CREATE TABLE merlon_ticket (
	hash    BLOB PRIMARY KEY,
	kind    TEXT NOT NULL,
	user    INTEGER NOT NULL,
	email   TEXT NOT NULL,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX merlon_ticket_user ON merlon_ticket (user, kind);
CREATE INDEX merlon_ticket_expires ON merlon_ticket (expires);
-- browsers that signed in before: only the hash of the cookie's number is kept
CREATE TABLE merlon_device (
	id      INTEGER PRIMARY KEY AUTOINCREMENT, -- its limits are named by it, and outlive it
	user    INTEGER NOT NULL,
	hash    BLOB NOT NULL UNIQUE,
	label   TEXT NOT NULL,
	created INTEGER NOT NULL,
	seen    INTEGER NOT NULL,
	-- until when the second step is skipped on it, 0: it is asked
	trusted INTEGER NOT NULL DEFAULT 0,
	-- whether every factor was shown on it: one that was remembered by a mailed link has not
	entered INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX merlon_device_user ON merlon_device (user);
-- authenticator apps: the secret rests sealed
CREATE TABLE merlon_totp (
	user    INTEGER PRIMARY KEY,
	secret  BLOB NOT NULL,
	created INTEGER NOT NULL,
	used    INTEGER NOT NULL DEFAULT 0,
	-- the last time step that was used: a code works once
	step    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE merlon_recovery (
	user    INTEGER NOT NULL,
	place   INTEGER NOT NULL,
	hash    BLOB NOT NULL,
	created INTEGER NOT NULL,
	used    INTEGER NOT NULL DEFAULT 0,
	-- when the owner said that the codes are kept, 0: not yet
	kept    INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (user, place)
) WITHOUT ROWID, STRICT;
-- what the site's own statements may join: no address, no hash; who is shut out, leaves or never proved an address is not there
CREATE VIEW merlon_member AS SELECT id, name, roles, created FROM merlon_user WHERE verified <> 0 AND disabled = 0 AND leaving = 0;

-- +goose Down
DROP VIEW merlon_member;
DROP TABLE merlon_recovery;
DROP TABLE merlon_totp;
DROP TABLE merlon_device;
DROP TABLE merlon_ticket;
DROP TABLE merlon_user;
