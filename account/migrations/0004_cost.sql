-- +goose Up
-- what hashes of passwords cost, measured once for all processes of the site: memory in KiB, and passes
CREATE TABLE merlon_cost (
	id     INTEGER PRIMARY KEY CHECK (id = 1),
	memory INTEGER NOT NULL,
	passes INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE merlon_cost;
