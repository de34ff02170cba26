-- +goose Up
ALTER TABLE profile ADD COLUMN photo TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE profile DROP COLUMN photo;
