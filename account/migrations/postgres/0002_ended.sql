-- +goose Up
-- what became of a link that works no more: 0 nothing yet, 1 it was used, 2 a newer one took its place, 3 it was made void.
-- The row stays until a day after its time, so that who opens the link is told.
ALTER TABLE merlon_ticket ADD COLUMN ended BIGINT NOT NULL DEFAULT 0;

-- +goose Down
DELETE FROM merlon_ticket WHERE ended <> 0;
ALTER TABLE merlon_ticket DROP COLUMN ended;
