-- +goose Up
CREATE TABLE merlon_mail (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	recipient TEXT    NOT NULL,
	kind      TEXT    NOT NULL,
	state     TEXT    NOT NULL CHECK (state IN ('queued', 'held', 'sent', 'failed')),
	created   INTEGER NOT NULL,
	tries     INTEGER NOT NULL DEFAULT 0,
	next_try  INTEGER NOT NULL,
	settled   INTEGER NOT NULL DEFAULT 0,
	problem   TEXT    NOT NULL DEFAULT '',
	content   BLOB    NOT NULL
) STRICT;
CREATE INDEX merlon_mail_due ON merlon_mail (next_try, id) WHERE state = 'queued';
CREATE INDEX merlon_mail_settled ON merlon_mail (settled) WHERE state IN ('sent', 'failed');

-- +goose Down
DROP TABLE merlon_mail;
