-- +goose Up
CREATE TABLE merlon_once (
	id     BLOB PRIMARY KEY,
	sum    BLOB NOT NULL,
	answer BLOB NOT NULL,
	at     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX merlon_once_at ON merlon_once (at);

-- +goose Down
DROP TABLE merlon_once;
