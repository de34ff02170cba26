package site

import (
	"crypto/sha256"
	"encoding/hex"
)

// A User is a row of the table users.
type User struct {
	ID      int64
	Email   string
	Name    string
	Role    string // "member", "editor", "admin"
	Hash    string
	Website string
	Bio     string
	Blocked bool
}

// Users are the demo's accounts: one administrator, one editor, three members.
var Users = []struct{ Email, Name, Role, Password string }{
	{"olga@club.example", "Olga Admin", "admin", "walnut bridge seven"},
	{"emil@club.example", "Emil Editor", "editor", "copper lantern two"},
	{"anna@club.example", "Anna Ahrens", "member", "violet harbour nine"},
	{"ben@club.example", "Ben Brook", "member", "silent meadow four"},
	{"carla@club.example", "Carla Cole", "member", "amber window six"},
}

const schema = `
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, role TEXT DEFAULT 'member', hash TEXT, website TEXT DEFAULT '',
  bio TEXT DEFAULT '', blocked INTEGER DEFAULT 0, failed INTEGER DEFAULT 0, picture BLOB, picture_type TEXT DEFAULT '');
CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id INTEGER, token TEXT);
CREATE TABLE news (id INTEGER PRIMARY KEY, title TEXT, body TEXT, published INTEGER DEFAULT 1, likes INTEGER DEFAULT 0);
CREATE TABLE comments (id INTEGER PRIMARY KEY, news_id INTEGER, user_id INTEGER, author TEXT, body TEXT);
CREATE TABLE events (id INTEGER PRIMARY KEY, title TEXT, place TEXT, day TEXT, owner_id INTEGER);
CREATE TABLE invitations (id INTEGER PRIMARY KEY, event_id INTEGER, user_id INTEGER);
CREATE TABLE bookings (id INTEGER PRIMARY KEY, event_id INTEGER, user_id INTEGER, places INTEGER);
CREATE TABLE messages (id INTEGER PRIMARY KEY, from_id INTEGER, to_id INTEGER, subject TEXT, body TEXT);
CREATE TABLE resets (code TEXT, user_id INTEGER);
CREATE TABLE subscribers (email TEXT PRIMARY KEY, secret TEXT, active INTEGER DEFAULT 1);
CREATE TABLE files (id INTEGER PRIMARY KEY, name TEXT UNIQUE, user_id INTEGER);
INSERT INTO news (title, body, published) VALUES ('Summer party', 'We meet at the lake.
Bring a chair.', 1), ('New rules', 'The boat house closes at nine.', 1), ('Budget, draft', 'Not for members yet: the fee rises to 90.', 0);
INSERT INTO comments (news_id, user_id, author, body) VALUES (1, 3, 'Anna Ahrens', 'I bring a cake.'), (1, 4, 'Ben Brook', 'See you there!');
INSERT INTO events (title, place, day, owner_id) VALUES ('Rowing', 'Boat house', '2026-06-01', 3), ('Quiz night', 'Club room', '2026-06-08', 4), ('Hike', 'Station', '2026-06-15', 2);
INSERT INTO bookings (event_id, user_id, places) VALUES (1, 4, 2), (2, 3, 1);
INSERT INTO messages (from_id, to_id, subject, body) VALUES (3, 4, 'Key', 'The key lies under the third stone.'), (4, 3, 'Thanks', 'Found it.'), (1, 5, 'Your fee', 'The fee of May is open.');
INSERT INTO subscribers (email, secret) VALUES ('reader@mail.example', '7f3d0f2a9be14c55a1d9c0ee52b7a6c4');
`

// handbook is what lies in the folder of the same name.
var handbook = map[string]string{
	"boats.txt": "Boats are cleaned after use.\nOars hang on the left wall.\n",
	"house.txt": "The last one locks the door.\nNo fires inside.\n",
}

func hash(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

// fill makes the tables and the demo's data, once.
func (s *Site) fill() error {
	var n int
	if err := s.db.QueryRow("SELECT count(*) FROM sqlite_master WHERE name = 'users'").Scan(&n); err != nil || n > 0 {
		return err
	}
	if _, err := s.db.Exec(schema); err != nil {
		return err
	}
	for _, u := range Users {
		if _, err := s.db.Exec("INSERT INTO users (email, name, role, hash) VALUES (?, ?, ?, ?)", u.Email, u.Name, u.Role, hash(u.Password)); err != nil {
			return err
		}
	}
	return nil
}

const userColumns = "id, email, name, role, hash, website, bio, blocked"

type scanner interface{ Scan(...any) error }

func scanUser(row scanner) (*User, error) {
	var u User
	if err := row.Scan(&u.ID, &u.Email, &u.Name, &u.Role, &u.Hash, &u.Website, &u.Bio, &u.Blocked); err != nil {
		return nil, err
	}
	return &u, nil
}
