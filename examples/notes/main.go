// Command notes is the second site of the README: everybody's own notes, with sign-in, a search and a page for each.
package main

import (
	"context"
	"embed"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

type Note struct {
	ID   int64
	Text string
}

type NewNote struct {
	Text string `form:"required,lines,max=500" label:"Your note"`
}

type Search struct {
	Words string `query:"words,max=80"`
}

type ByID struct {
	ID int64 `path:"id"`
}

type NotesPage struct {
	Words string
	Notes []Note
	Form  form.Form[NewNote]
}

//go:embed pages migrations
var files embed.FS

var (
	pages      = page.From(files, "pages")
	schema     = db.From(files, "migrations")
	notesPage  = page.New[NotesPage](pages, "notes.html")
	notePage   = page.New[Note](pages, "note.html")
	findNotes  = db.Query[Note](schema, `SELECT id, text FROM note WHERE owner = $1 AND text LIKE $2 ESCAPE '\' ORDER BY id DESC LIMIT 50`)
	oneNote    = db.Query[Note](schema, "SELECT id, text FROM note WHERE owner = $1 AND id = $2")
	allNotes   = db.Query[Note](schema, "SELECT id, text FROM note WHERE owner = $1 ORDER BY id LIMIT 10000")
	insertNote = db.Returning[int64](schema, "INSERT INTO note (owner, text) VALUES ($1, $2) RETURNING id")
	dropNotes  = db.Exec(schema, "DELETE FROM note WHERE owner = $1")
)

func notes(r *merlon.Read[account.User], in Search) (*merlon.Response, error) {
	list, err := findNotes.All(r.DB, r.User.ID, db.Contains(in.Words))
	return merlon.Show(notesPage, NotesPage{Words: in.Words, Notes: list}), err
}

func note(r *merlon.Read[account.User], in ByID) (*merlon.Response, error) {
	n, err := oneNote.One(r.DB, r.User.ID, in.ID) // no such note, or somebody else's: 404
	return merlon.Show(notePage, n), err
}

func addNote(w *merlon.Write[account.User], f form.Form[NewNote]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, notesPage, NotesPage{Form: f}), nil
	}
	id, err := insertNote.Run(w.DB, w.User.ID, in.Text)
	return merlon.Redirect("/notes/{id}", id), err
}

func export(_ context.Context, r *db.Reader, u account.User) (map[string]any, error) {
	list, err := allNotes.All(r, u.ID)
	return map[string]any{"notes": list}, err
}

func deleted(_ context.Context, w *db.Writer, u account.User, _ time.Time) error {
	_, err := dropNotes.Run(w, u.ID)
	return err
}

func open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "notes", Engine: sqlite.Engine("notes.db"), Pages: pages, Schema: schema,
		Parts: []merlon.Part{account.New(account.Config{Hooks: account.Hooks{Export: export, Deleted: deleted}})},
		Routes: []merlon.Route{
			merlon.Get("/", account.SignedIn(), notes),
			merlon.Get("/notes/{id}", account.SignedIn(), note),
			merlon.Post("/notes", account.SignedIn(), addNote),
		}})
}

func main() { cli.Main(open) }
