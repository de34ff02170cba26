-- +goose Up
CREATE TABLE note (
	id      bigint PRIMARY KEY,
	author  text   NOT NULL,
	title   text   NOT NULL,
	text    text   NOT NULL,
	votes   bigint NOT NULL,
	replies bigint NOT NULL,
	done    bigint NOT NULL,
	pinned  bigint NOT NULL
);
CREATE TABLE item (
	id       bigint PRIMARY KEY,
	name     text   NOT NULL,
	quantity bigint NOT NULL
);

-- +goose Down
DROP TABLE item;
DROP TABLE note;
