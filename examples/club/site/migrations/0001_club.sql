-- +goose Up
CREATE TABLE news (
	id      INTEGER PRIMARY KEY,
	author  INTEGER NOT NULL,
	title   TEXT NOT NULL,
	text    TEXT NOT NULL,
	created TEXT NOT NULL
);
CREATE TABLE comment (
	id      INTEGER PRIMARY KEY,
	news    INTEGER NOT NULL REFERENCES news (id) ON DELETE CASCADE,
	author  INTEGER NOT NULL,
	text    TEXT NOT NULL,
	created TEXT NOT NULL
);
CREATE INDEX comment_news ON comment (news);
CREATE TABLE outing (
	id     INTEGER PRIMARY KEY,
	title  TEXT NOT NULL,
	place  TEXT NOT NULL,
	day    TEXT NOT NULL,
	places INTEGER NOT NULL,
	about  TEXT NOT NULL
);
CREATE TABLE seat (
	outing INTEGER NOT NULL REFERENCES outing (id) ON DELETE CASCADE,
	member INTEGER NOT NULL,
	PRIMARY KEY (outing, member)
) WITHOUT ROWID;
CREATE TABLE profile (
	member INTEGER PRIMARY KEY,
	phone  TEXT NOT NULL,
	boat   TEXT NOT NULL,
	about  TEXT NOT NULL,
	shown  INTEGER NOT NULL
);
CREATE TABLE message (
	id      INTEGER PRIMARY KEY,
	name    TEXT NOT NULL,
	email   TEXT NOT NULL,
	text    TEXT NOT NULL,
	created TEXT NOT NULL,
	done    INTEGER NOT NULL DEFAULT 0
);

-- +goose Down
DROP TABLE message;
DROP TABLE profile;
DROP TABLE seat;
DROP TABLE outing;
DROP TABLE comment;
DROP TABLE news;
