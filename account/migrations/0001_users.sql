-- +goose Up
CREATE TABLE merlon_user (
	id       INTEGER PRIMARY KEY,
	email    TEXT NOT NULL UNIQUE,
	name     TEXT NOT NULL,
	password TEXT NOT NULL,
	roles    TEXT NOT NULL DEFAULT '',
	created  INTEGER NOT NULL,
	disabled INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE merlon_setup (
	hash    BLOB PRIMARY KEY,
	expires INTEGER NOT NULL
) WITHOUT ROWID;
-- what the site's own statements may join: no address, no hash
CREATE VIEW merlon_member AS SELECT id, name, roles, created FROM merlon_user WHERE disabled = 0;

-- +goose Down
DROP VIEW merlon_member;
DROP TABLE merlon_setup;
DROP TABLE merlon_user;
