-- +goose Up
CREATE TABLE guarded (id INTEGER PRIMARY KEY, name TEXT NOT NULL, secret TEXT NOT NULL);
CREATE VIEW guarded_open AS SELECT id, name FROM guarded;
-- +goose StatementBegin
CREATE TRIGGER guarded_final BEFORE UPDATE ON guarded
BEGIN SELECT RAISE(ABORT, 'final'); END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE guarded;
