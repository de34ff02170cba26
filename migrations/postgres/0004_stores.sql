-- +goose Up
-- where sessions are kept, if not here: one row from the first start on that kept them elsewhere, with the name of the sessions there
CREATE TABLE merlon_store (
	id         bigint PRIMARY KEY CHECK (id = 1),
	at         bigint NOT NULL,
	place      text   NOT NULL,
	generation text   NOT NULL
);

-- +goose Down
DROP TABLE merlon_store;
