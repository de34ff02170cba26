// Command guestbook is the first site of the README: one page, one form, one table.
package main

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

type Note struct{ Author, Text string }

type NewNote struct {
	Author string `form:"required,max=80" label:"Your name"`
	Text   string `form:"required,lines,max=500" label:"Your note"`
}

type NotesPage struct {
	Notes []Note
	Form  form.Form[NewNote]
}

//go:embed pages migrations
var files embed.FS

var (
	pages      = page.From(files, "pages")
	schema     = db.From(files, "migrations")
	notesPage  = page.New[NotesPage](pages, "notes.html")
	listNotes  = db.Query[Note](schema, "SELECT author, text FROM note ORDER BY id DESC LIMIT $1")
	insertNote = db.Exec(schema, "INSERT INTO note (author, text) VALUES ($1, $2)")
)

func notes(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	list, err := listNotes.All(r.DB, 50)
	return merlon.Show(notesPage, NotesPage{Notes: list}), err
}

func addNote(w *merlon.Write[merlon.Visitor], f form.Form[NewNote]) (*merlon.Response, error) {
	note, ok := f.Value()
	if !ok {
		list, err := listNotes.All(w.DB, 50)
		return merlon.ShowStatus(422, notesPage, NotesPage{list, f}), err
	}
	_, err := insertNote.Run(w.DB, note.Author, note.Text)
	return merlon.Redirect("/").Notice("Thank you."), err
}

func open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "guestbook", Engine: sqlite.Engine("guestbook.db"), Pages: pages, Schema: schema,
		Routes: []merlon.Route{merlon.Get("/", merlon.Public(), notes), merlon.Post("/notes", merlon.Public(), addNote)}})
}

func main() { cli.Main(open) }
