-- +goose Up
-- due: when to run it next, while it runs the end of its lease, and of one given up the time of that. held: after a
-- restore, until somebody releases it.
CREATE TABLE merlon_job (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	name     TEXT    NOT NULL,
	series   TEXT    NOT NULL DEFAULT '',
	state    TEXT    NOT NULL CHECK (state IN ('waiting', 'held', 'given up')),
	created  INTEGER NOT NULL,
	due      INTEGER NOT NULL,
	tries    INTEGER NOT NULL DEFAULT 0,
	problem  TEXT    NOT NULL DEFAULT '',
	argument BLOB    NOT NULL
) STRICT;
CREATE INDEX merlon_job_due ON merlon_job (due, id) WHERE state = 'waiting';
CREATE UNIQUE INDEX merlon_job_series ON merlon_job (series) WHERE series <> '';

-- +goose Down
DROP TABLE merlon_job;
