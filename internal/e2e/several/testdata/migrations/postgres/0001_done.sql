-- +goose Up
CREATE TABLE done (what text NOT NULL);

-- +goose Down
DROP TABLE done;
