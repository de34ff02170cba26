// Package replicas_test holds a whole site whose pages are read from two standbys of its PostgreSQL.
package replicas_test

import (
	"context"
	"embed"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/postgres"
	"github.com/merlon-web/merlon/valkey"
)

func TestMain(m *testing.M) { os.Exit(pgpeer.Main(m)) }

type note struct{ Text string }

type newNote struct {
	Text string `form:"required,max=100" label:"Text"`
}

type notesData struct {
	Notes []note
	Form  form.Form[newNote]
}

type byText struct {
	Text string `path:"text,max=100"`
}

//go:embed testdata
var files embed.FS

var (
	pages    = page.From(files, "testdata/pages")
	schema   = db.From(files, "testdata/migrations")
	notes    = page.New[notesData](pages, "notes.html")
	allNotes = db.Query[note](schema, "SELECT text FROM note ORDER BY id LIMIT $1")
	findNote = db.Query[note](schema, "SELECT text FROM note WHERE text = $1 ORDER BY id LIMIT 1")
	addNote  = db.Exec(schema, "INSERT INTO note (text) VALUES ($1)")
	delNotes = db.Exec(schema, "DELETE FROM note WHERE text LIKE $1")

	// slowly is told when a reader of /slow has its snapshot, and ends it with its answer.
	slowly = make(chan chan bool)
	tries  atomic.Int64 // of the handler of /notes/{text}

	ruleLooked = check.Rule{ID: "TEST-002", Property: check.Integrity, Title: "a note was looked for", Why: "w", Attack: "a", Right: "r", Source: "s"}
)

func show[U any](r *merlon.Read[U], _ merlon.None) (*merlon.Response, error) {
	all, err := allNotes.All(r.DB, 1000)
	return merlon.Show(notes, notesData{Notes: all}), err
}

func one(r *merlon.Read[merlon.Visitor], in byText) (*merlon.Response, error) {
	tries.Add(1)
	r.Record(ruleLooked, event.Failed, slog.String("text", in.Text))
	n, err := findNote.One(r.DB, in.Text)
	return merlon.Show(notes, notesData{Notes: []note{n}}), err
}

func slow(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	if _, err := findNote.One(r.DB, "first"); err != nil {
		return nil, err
	}
	select {
	case on := <-slowly:
		on <- true
		<-on
	default:
	}
	return show(r, merlon.None{})
}

func add[U any](w *merlon.Write[U], f form.Form[newNote]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, notes, notesData{Form: f}), nil
	}
	_, err := addNote.Run(w.DB, in.Text)
	return merlon.Redirect("/"), err
}

func addMine(w *merlon.Write[account.User], f form.Form[newNote]) (*merlon.Response, error) {
	if _, err := add(w, f); err != nil {
		return nil, err
	}
	return merlon.Redirect("/mine"), nil
}

// hook gives out its token, and writes what is posted to it by a transaction of its own.
func hook(rw http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		rw.Header().Set("Merlon-Token", merlon.MountToken(r.Context()))
		return
	}
	text, _ := io.ReadAll(r.Body)
	if err := hooked.Load().Engine.Write(r.Context(), func(_ context.Context, w *db.Writer) error {
		_, err := addNote.Run(w, string(text))
		return err
	}); err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
	}
}

var hooked atomic.Pointer[merlon.House]

var board = account.HasRole("board")

// world is the site and what it stands on.
type world struct {
	*merlontest.Server
	t        *testing.T
	pg       *pgpeer.Server
	database string
	standbys []*pgpeer.Server
}

// start starts the site; its sessions are on a server of their own if there is one.
func start(t *testing.T, sessions string) *world {
	t.Helper()
	need.Time(t, "ten seconds of two standbys")
	w := &world{t: t, pg: pgpeer.Shared(t)}
	w.database = w.pg.Database(t)
	w.standbys = []*pgpeer.Server{w.pg.Standby(t), w.pg.Standby(t)}
	w.Server = merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		env.Settings.Database.URL = w.pg.URL(pgpeer.Owner, w.database)
		for _, one := range w.standbys {
			env.Settings.Database.Replicas = append(env.Settings.Database.Replicas, strings.Replace(one.URL("", w.database), "//@", "//", 1))
		}
		c := merlon.Config{Name: "test", Engine: postgres.Or(env, nil), Pages: pages, Schema: schema, Parts: []merlon.Part{account.New(account.Config{})},
			Routes: []merlon.Route{
				merlon.Get("/", merlon.Public(), show[merlon.Visitor]), merlon.Post("/notes", merlon.Public(), add[merlon.Visitor]),
				merlon.Get("/fresh", merlon.Public(), show[merlon.Visitor], merlon.Primary()), merlon.Get("/slow", merlon.Public(), slow),
				merlon.Get("/notes/{text}", merlon.Public(), one),
				merlon.Get("/mine", account.SignedIn(), show[account.User]), merlon.Post("/mine", account.SignedIn(), addMine),
				merlon.Get("/board", board, show[account.User]),
				merlon.Mount("/hook", merlon.Public(), http.HandlerFunc(hook)),
			}}
		if sessions != "" {
			env.Settings.Valkey.URL = sessions
			c.Stores = valkey.Or(env)
		}
		return merlon.New(env, c)
	})
	hooked.Store(w.Site.House())
	w.write("first")
	w.follow()
	return w
}

// write adds a note, of nobody's.
func (w *world) write(text string) {
	w.t.Helper()
	w.Write(func(dw *db.Writer) error {
		_, err := addNote.Run(dw, text)
		return err
	})
}

func (w *world) follow() {
	w.t.Helper()
	w.pg.Follow(w.t, w.standbys...)
	w.until("readers go to the replicas", func() bool {
		return w.replicas()[0].Fault == "" && w.replicas()[1].Fault == ""
	})
}

func (w *world) pause() {
	w.t.Helper()
	for _, s := range w.standbys {
		s.Pause(w.t)
	}
}

// What stands still is read for five seconds: what takes longer than stillTime is tried again.
const (
	stillTime  = 3 * time.Second
	stillTries = 6
)

// still has the standbys stand still, with all that there is, and does something. It is done again if a busy machine took so long
// that nobody reads them any more: read tells whether that may be by now.
func (w *world) still(do func(try int, read func() bool)) {
	w.t.Helper()
	for try := range stillTries {
		w.follow()
		began, shown := time.Now(), false
		w.pause()
		do(try, func() bool {
			shown = time.Since(began) < stillTime || try == stillTries-1
			return shown
		})
		w.resume()
		if shown {
			return
		}
	}
}

func (w *world) resume() {
	w.t.Helper()
	for _, s := range w.standbys {
		s.Resume(w.t)
	}
	w.follow()
}

func (w *world) replicas() []db.Replica { return w.Site.House().Replicas() }

// served counts the readers that the replicas have had.
func (w *world) served() (n int64) {
	for _, r := range w.replicas() {
		n += r.Readers
	}
	return n
}

func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	for range 3000 { // not a time: a machine may stand still for a while
		if is() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.t.Fatalf("%s: still not so: %+v", what, w.replicas())
}

// events counts the lines of the log that have all texts.
func (w *world) events(texts ...string) (n int) {
	for line := range strings.Lines(w.Log.String()) {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(line, text)
		}
		if all {
			n++
		}
	}
	return n
}
