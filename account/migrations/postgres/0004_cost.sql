-- +goose Up
-- what hashes of passwords cost, measured once for all processes of the site: memory in KiB, and passes
CREATE TABLE merlon_cost (
	id     bigint PRIMARY KEY CHECK (id = 1),
	memory bigint NOT NULL,
	passes bigint NOT NULL
);

-- +goose Down
DROP TABLE merlon_cost;
