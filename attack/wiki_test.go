package attack_test

import (
	"embed"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

// Notes that all users share, of which the list shows the two oldest and a search finds the others; or everybody's own.
type (
	Note struct {
		ID   int64
		Text string
	}
	NewNote struct {
		Text string `form:"required,lines,max=500" label:"Your note"`
	}
	NoteSearch struct {
		Words string `query:"words,max=80"`
	}
	NotePath struct {
		ID int64 `path:"id"`
	}
	NotesPage struct {
		Words string
		Notes []Note
		Form  form.Form[NewNote]
	}
)

//go:embed testdata/wiki
var wikiFiles embed.FS

var (
	wikiPages  = page.From(wikiFiles, "testdata/wiki/pages")
	wikiSchema = db.From(wikiFiles, "testdata/wiki/migrations")
	notesPage  = page.New[NotesPage](wikiPages, "notes.html")
	notePage   = page.New[Note](wikiPages, "note.html")
	allNotes   = db.Query[Note](wikiSchema, `SELECT id, text FROM note WHERE $1 > 0 AND text LIKE $2 ESCAPE '\' ORDER BY id LIMIT 2`)
	ownNotes   = db.Query[Note](wikiSchema, `SELECT id, text FROM note WHERE owner = $1 AND text LIKE $2 ESCAPE '\' ORDER BY id DESC LIMIT 20`)
	oneNote    = db.Query[Note](wikiSchema, "SELECT id, text FROM note WHERE $1 > 0 AND id = $2")
	insertNote = db.Returning[int64](wikiSchema, "INSERT INTO note (owner, text) VALUES ($1, $2) RETURNING id")
)

func openWiki(own, wild bool) func(merlon.Env) (*merlon.Site, error) {
	list := func(r *merlon.Read[account.User], in NoteSearch) (*merlon.Response, error) {
		query, words := allNotes, any(db.Contains(in.Words))
		if own {
			query = ownNotes
		}
		if wild {
			words = "%" + in.Words + "%"
		}
		notes, err := query.All(r.DB, r.User.ID, words)
		return merlon.Show(notesPage, NotesPage{Words: in.Words, Notes: notes}), err
	}
	one := func(r *merlon.Read[account.User], in NotePath) (*merlon.Response, error) {
		n, err := oneNote.One(r.DB, r.User.ID, in.ID)
		return merlon.Show(notePage, n), err
	}
	add := func(w *merlon.Write[account.User], f form.Form[NewNote]) (*merlon.Response, error) {
		in, ok := f.Value()
		if !ok {
			return merlon.ShowStatus(422, notesPage, NotesPage{Form: f}), nil
		}
		id, err := insertNote.Run(w.DB, w.User.ID, in.Text)
		return merlon.Redirect("/notes/{id}", id), err
	}
	return func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "wiki", Engine: sqlite.Engine("wiki.db"), Pages: wikiPages, Schema: wikiSchema, Parts: []merlon.Part{account.New(account.Config{})},
			Routes: []merlon.Route{merlon.Get("/", account.SignedIn(), list), merlon.Get("/notes/{id}", account.SignedIn(), one), merlon.Post("/notes", account.SignedIn(), add)}})
	}
}

// TestSharedRows: where all users share all rows and a list shows some of them, a page that no list leads to is nobody's; where
// each has a list of their own, it is another's. A constant statement takes % and _ from whoever searches.
func TestSharedRows(t *testing.T) {
	for _, c := range []struct {
		name, class string
		own, wild   bool
		want        []string
	}{
		{"shared", "output,access", false, false, nil},
		{"each their own", "access", true, false, []string{attack.RuleOthersPage.ID + " GET /notes/{id}"}},
		{"words", "injection", true, false, nil},
		{"wildcards", "injection", true, true, []string{attack.RuleWildcard.ID + " GET /"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			report, err := attack.Site(t.Context(), openWiki(c.own, c.wild), attack.Options{Classes: strings.Split(c.class, ","), Budget: 5 * time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range report.Findings {
				got = append(got, f.ID+" "+f.Route)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q\n%s", got, c.want, report.Coverage)
			}
		})
	}
}
