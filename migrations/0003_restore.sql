-- +goose Up
-- one row each time that the data came from a backup; the newest one's salt goes into the keys of cookies and forms
CREATE TABLE merlon_restore (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	at      INTEGER NOT NULL,
	instant INTEGER NOT NULL,
	point   TEXT    NOT NULL,
	theft   INTEGER NOT NULL,
	salt    BLOB    NOT NULL
) STRICT;

-- +goose Down
DROP TABLE merlon_restore;
