package main

import (
	"fmt"
	"strings"
)

// A Note is a row of the reference page. Its three texts are what a page that is read must allocate at least.
type Note struct {
	ID      int64
	Author  string
	Title   string
	Text    string
	Votes   int64
	Replies int64
	Done    bool
	Pinned  bool
}

// NotesPage is what every template of the reference page is given.
type NotesPage struct {
	User  string
	Token string // of peers that put it in by hand; the floor has none
	Notes []Note
}

// sessionCount is how many sessions the page's own is looked up among. Tests, which measure nothing, set a smaller one.
var sessionCount = 10_000

const (
	rowCount = 50 // rows on the reference page

	createNotes = `CREATE TABLE note (
	id     INTEGER PRIMARY KEY,
	author TEXT NOT NULL,
	title  TEXT NOT NULL,
	text   TEXT NOT NULL,
	votes  INTEGER NOT NULL,
	replies INTEGER NOT NULL,
	done    INTEGER NOT NULL,
	pinned  INTEGER NOT NULL
)`
	insertNote = "INSERT INTO note (id, author, title, text, votes, replies, done, pinned) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
	listNotes  = "SELECT id, author, title, text, votes, replies, done, pinned FROM note ORDER BY id DESC LIMIT 50"
)

var words = strings.Fields(`wall gate tower stone bridge keep moat arrow watch lantern bell river mason ladder bread
	harvest miller orchard letter winter candle market ferry shepherd cellar barrel north rope anvil cloak`)

// notes returns the first n rows of the data set, the same in every process. The texts hold what must be escaped, but only
// characters that every peer escapes to the same bytes: quotes have a spelling of their own in Django.
func notes(n int) []Note {
	list := make([]Note, n)
	state := uint32(2463534242)
	next := func(below int) int { // xorshift: the same everywhere
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		return int(state % uint32(below))
	}
	some := func(count int) string {
		picked := make([]string, count)
		for i := range picked {
			picked[i] = words[next(len(words))]
		}
		return strings.Join(picked, " ")
	}
	for i := range list {
		text := some(5)
		switch i % 5 {
		case 1:
			text += " <b>& more</b>"
		case 3:
			text += " für 3 < 4 Bögen"
		}
		list[i] = Note{
			ID: int64(i + 1), Author: words[next(len(words))], Title: some(3), Text: text,
			Votes: int64(next(5000)), Replies: int64(next(90)), Done: i%3 == 0, Pinned: i%7 == 0,
		}
	}
	return list
}

// visitor is the name that the i-th session is signed in as; all names are of one length.
func visitor(i int) string { return fmt.Sprintf("visitor %05d", i) }
