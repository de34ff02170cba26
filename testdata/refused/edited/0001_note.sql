-- +goose Up
CREATE TABLE note (
	id     INTEGER PRIMARY KEY,
	author TEXT,
	text   TEXT
);

-- +goose Down
DROP TABLE note;
