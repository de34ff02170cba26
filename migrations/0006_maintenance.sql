-- +goose Up
-- what processes that share this database were told last: to close to visitors, or to open; the number rises with each word
CREATE TABLE merlon_maintenance (
	id     INTEGER PRIMARY KEY CHECK (id = 1),
	number INTEGER NOT NULL,
	closed INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE merlon_maintenance;
