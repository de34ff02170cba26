-- +goose Up
CREATE TABLE parent_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, more TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO parent_new (id, name) SELECT id, name FROM parent;
DROP TABLE parent;
ALTER TABLE parent_new RENAME TO parent;
