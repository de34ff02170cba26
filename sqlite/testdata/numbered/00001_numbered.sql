-- +goose Up
CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL);

-- +goose Down
DROP TABLE numbered;
