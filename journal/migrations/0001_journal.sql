-- +goose Up
CREATE TABLE merlon_event (
	seq      INTEGER PRIMARY KEY AUTOINCREMENT,
	at       INTEGER NOT NULL,
	id       TEXT    NOT NULL,
	property TEXT    NOT NULL,
	outcome  TEXT    NOT NULL,
	title    TEXT    NOT NULL,
	request  TEXT    NOT NULL,
	method   TEXT    NOT NULL,
	route    TEXT    NOT NULL,
	client   TEXT    NOT NULL,
	user_id  INTEGER NOT NULL,
	detail   TEXT    NOT NULL,
	link     INTEGER UNIQUE,
	prev     BLOB,
	hash     BLOB,
	-- whose account it is about, from the details: the chain covers those, so it cannot be changed by itself
	account  INTEGER GENERATED ALWAYS AS (CASE WHEN json_valid(detail) THEN CAST(json_extract(detail, '$.account') AS INTEGER) END) VIRTUAL
) STRICT;
CREATE INDEX merlon_event_account ON merlon_event (account, seq) WHERE account IS NOT NULL;
CREATE INDEX merlon_event_id ON merlon_event (id, seq);
CREATE INDEX merlon_event_user ON merlon_event (user_id, seq) WHERE user_id <> 0;

-- One row: where the chain begins (what came before was purged) and where it ends.
CREATE TABLE merlon_event_chain (
	one         INTEGER PRIMARY KEY CHECK (one = 1),
	anchor_link INTEGER NOT NULL,
	anchor_hash BLOB    NOT NULL,
	head_link   INTEGER NOT NULL,
	head_hash   BLOB    NOT NULL
) STRICT;
INSERT INTO merlon_event_chain (one, anchor_link, anchor_hash, head_link, head_hash)
VALUES (1, 0, zeroblob(32), 0, zeroblob(32));

CREATE TABLE merlon_refusal (
	minute   INTEGER NOT NULL,
	id       TEXT    NOT NULL,
	network  TEXT    NOT NULL,
	route    TEXT    NOT NULL,
	property TEXT    NOT NULL,
	title    TEXT    NOT NULL,
	count    INTEGER NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	PRIMARY KEY (minute, id, network, route)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE merlon_refusal;
DROP TABLE merlon_event_chain;
DROP TABLE merlon_event;
