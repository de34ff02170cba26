-- +goose Up
CREATE TABLE merlon_once (
	id     bytea PRIMARY KEY,
	sum    bytea NOT NULL,
	answer bytea NOT NULL,
	at     bigint NOT NULL
);
CREATE INDEX merlon_once_at ON merlon_once (at);

-- what was typed into a form, while its user signs in again: one a user, sealed under a key that only the browser has
CREATE TABLE merlon_kept (
	"user"    bigint PRIMARY KEY,
	box     bytea NOT NULL,
	expires bigint NOT NULL
);

-- +goose Down
DROP TABLE merlon_kept;
DROP TABLE merlon_once;
