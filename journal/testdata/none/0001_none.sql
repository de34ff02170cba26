-- +goose Up
CREATE TABLE merlon_tamper_none (id INTEGER PRIMARY KEY);

-- +goose Down
DROP TABLE merlon_tamper_none;
