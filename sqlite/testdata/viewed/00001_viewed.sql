-- +goose Up
CREATE TABLE viewed (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE VIEW viewed_open AS SELECT id, text FROM viewed;
CREATE VIEW viewed_short AS SELECT id FROM viewed_open;
-- +goose StatementBegin
CREATE TRIGGER viewed_add INSTEAD OF INSERT ON viewed_open
BEGIN INSERT INTO viewed (text) VALUES (new.text); END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE viewed;
