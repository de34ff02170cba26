//go:build cgo

package main

import (
	"context"
	"database/sql"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3": SQLite compiled by a C compiler
)

// A mattnStore is SQLite through database/sql and cgo: prepared statements, a pool of readers, one connection that writes.
type mattnStore struct {
	readers, writer     *sql.DB
	point, list, update *sql.Stmt
}

func openMattn(dir string) (itemStore, error) {
	file := "file:" + filepath.Join(dir, "mattn.db") + "?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_txlock=immediate"
	s := &mattnStore{}
	var err error
	if s.writer, err = sql.Open("sqlite3", file); err != nil {
		return nil, err
	}
	s.writer.SetMaxOpenConns(1)
	if s.readers, err = sql.Open("sqlite3", file); err != nil {
		return nil, err
	}
	s.readers.SetMaxOpenConns(mixedClients)
	s.readers.SetMaxIdleConns(mixedClients)
	if err := s.seed(); err != nil {
		return nil, err
	}
	for _, p := range []struct {
		stmt **sql.Stmt
		db   *sql.DB
		text string
	}{{&s.point, s.readers, pointItem}, {&s.list, s.readers, listNotes}, {&s.update, s.writer, updateItem}} {
		if *p.stmt, err = p.db.Prepare(p.text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *mattnStore) seed() error {
	tx, err := s.writer.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, create := range []string{createNotes, createItems} {
		if _, err := tx.Exec(create); err != nil {
			return err
		}
	}
	for _, n := range notes(rowCount) {
		if _, err := tx.Exec(insertNote, n.ID, n.Author, n.Title, n.Text, n.Votes, n.Replies, n.Done, n.Pinned); err != nil {
			return err
		}
	}
	for _, i := range items() {
		if _, err := tx.Exec(insertItem, i.ID, i.Name, i.Quantity); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *mattnStore) one(ctx context.Context, id int64) (Item, error) {
	var i Item
	err := s.point.QueryRowContext(ctx, id).Scan(&i.ID, &i.Name, &i.Quantity)
	return i, err
}

func (s *mattnStore) notes(ctx context.Context) ([]Note, error) {
	return noteLister{s.list}.all(ctx)
}

func (s *mattnStore) add(ctx context.Context, id int64) error {
	_, err := s.update.ExecContext(ctx, id)
	return err
}

func (s *mattnStore) close() {
	s.readers.Close()
	s.writer.Close()
}
