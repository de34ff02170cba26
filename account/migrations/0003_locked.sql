-- +goose Up
-- accounts at which too many passwords were tried, until their owners are told, seconds later; a negative number stands for an
-- address without an account. Nothing but the time of the telling is put off, so that the request says nothing by its own.
CREATE TABLE merlon_locked (
	account INTEGER PRIMARY KEY,
	lang    TEXT NOT NULL
) STRICT;

-- +goose Down
DROP TABLE merlon_locked;
