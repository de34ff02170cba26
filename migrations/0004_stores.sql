-- +goose Up
-- where sessions are kept, if not here: one row from the first start on that kept them elsewhere, with the name of the sessions there
CREATE TABLE merlon_store (
	id         INTEGER PRIMARY KEY CHECK (id = 1),
	at         INTEGER NOT NULL,
	place      TEXT    NOT NULL,
	generation TEXT    NOT NULL
) STRICT;

-- +goose Down
DROP TABLE merlon_store;
