package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"crypto/rand"

	"github.com/alexedwards/scs/v2"
	_ "modernc.org/sqlite" // the driver "sqlite" of floor and kit
)

// peerDB opens the SQLite file of a Go peer as a careful program does: WAL, synchronous FULL, a busy timeout.
func peerDB(dir string) (*sql.DB, error) {
	file := filepath.Join(dir, "peer.db")
	return sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
}

// seedPeers makes the one file that floor, kit and hand share: the rows of the page and, for the two with sessions,
// scs's own table with sessionCount rows. The tokens go to sessions.txt, one a line, in the order of visitor.
func seedPeers(dir string) error {
	db, err := peerDB(dir)
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, create := range []string{
		createNotes,
		"CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL)",
		"CREATE INDEX sessions_expiry_idx ON sessions(expiry)",
	} {
		if _, err := tx.Exec(create); err != nil {
			return err
		}
	}
	for _, n := range notes(rowCount) {
		if _, err := tx.Exec(insertNote, n.ID, n.Author, n.Title, n.Text, n.Votes, n.Replies, n.Done, n.Pinned); err != nil {
			return err
		}
	}
	insert, err := tx.Prepare("INSERT INTO sessions (token, data, expiry) VALUES ($1, $2, julianday('now') + 30)")
	if err != nil {
		return err
	}
	deadline := time.Now().Add(30 * 24 * time.Hour)
	tokens := make([]string, sessionCount)
	for i := range tokens {
		tokens[i] = randomToken()
		data, err := scs.GobCodec{}.Encode(deadline, map[string]any{"name": visitor(i)})
		if err != nil {
			return err
		}
		if _, err := insert.Exec(tokens[i], data); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "sessions.txt"), []byte(strings.Join(tokens, "\n")), 0o600)
}

func randomToken() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}

// noteLister reads the rows of the page by a statement that is prepared once.
type noteLister struct{ list *sql.Stmt }

func newNoteLister(db *sql.DB) (noteLister, error) {
	list, err := db.Prepare(listNotes)
	return noteLister{list}, err
}

func (l noteLister) all(ctx context.Context) ([]Note, error) {
	rows, err := l.list.QueryContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("list notes: %w", err)
	}
	defer rows.Close()
	found := make([]Note, 0, rowCount)
	for rows.Next() {
		var n Note
		if err := rows.Scan(&n.ID, &n.Author, &n.Title, &n.Text, &n.Votes, &n.Replies, &n.Done, &n.Pinned); err != nil {
			return nil, fmt.Errorf("list notes: %w", err)
		}
		found = append(found, n)
	}
	return found, rows.Err()
}
