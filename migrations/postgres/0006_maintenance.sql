-- +goose Up
-- what processes that share this database were told last: to close to visitors, or to open; the number rises with each word
CREATE TABLE merlon_maintenance (
	id     bigint PRIMARY KEY CHECK (id = 1),
	number bigint NOT NULL,
	closed bigint NOT NULL
);

-- +goose Down
DROP TABLE merlon_maintenance;
