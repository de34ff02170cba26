-- +goose Up
-- Of uploads from before nobody knows who sent them: they count for nobody.
ALTER TABLE merlon_file ADD COLUMN owner INTEGER NOT NULL DEFAULT -1;
CREATE INDEX merlon_file_owner ON merlon_file (owner, size);

-- +goose Down
DROP INDEX merlon_file_owner;
ALTER TABLE merlon_file DROP COLUMN owner;
