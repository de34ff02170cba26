package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/sqlite"
)

// The Merlon side: the reference page written as the README shows one, in production mode behind a proxy on loopback.

//go:embed pages migrations
var siteFiles embed.FS

var (
	sitePages  = page.From(siteFiles, "pages")
	siteSchema = db.From(siteFiles, "migrations")

	notesPage = page.New[shownNotes](sitePages, "notes.html")
	helloShow = page.New[hello](sitePages, "hello.html")

	selectNotes = db.Query[Note](siteSchema, listNotes)
	addNote     = db.Exec(siteSchema, insertNote)
	selectItem  = db.Query[Item](siteSchema, pointItem)
	addItem     = db.Exec(siteSchema, insertItem)
	raiseItem   = db.Exec(siteSchema, updateItem)

	nameKey = session.NewKey[string]("name")

	// member lets in who is signed in, as the kit does it: by what the session holds, without a look at a table of users.
	member = merlon.NewAccess("member", memberOf)
)

type (
	shownNotes struct {
		User  string
		Notes []Note
	}
	hello   struct{}
	newNote struct {
		Text string `form:"required,max=500,lines" label:"Your note"`
	}
	oneNote struct {
		ID int64 `path:"id"`
	}
	onePerson struct {
		Name string `path:"name,max=64"`
	}
)

func memberOf(v *merlon.Visit) (string, error) {
	name, ok := nameKey.Get(v.Session)
	if !ok || v.Session.User() == 0 {
		return "", merlon.ErrForbidden
	}
	return name, nil
}

func showNotes(r *merlon.Read[string], _ merlon.None) (*merlon.Response, error) {
	list, err := selectNotes.All(r.DB)
	return merlon.Show(notesPage, shownNotes{r.User, list}), err
}

func showHello(*merlon.Read[string], merlon.None) (*merlon.Response, error) {
	return merlon.Show(helloShow, hello{}), nil
}

// postSeen is the ordinary POST of row flood: a row of the site's, beside those of the walk.
func postSeen(w *merlon.Write[string], _ form.Form[struct{}]) (*merlon.Response, error) {
	_, err := raiseItem.Run(w.DB, int64(1))
	return merlon.Redirect("/notes"), err
}

// What else the page links and posts to has to be there; nobody asks for it here.

func front(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Redirect("/notes"), nil
}

func showOne(*merlon.Read[string], oneNote) (*merlon.Response, error) { return merlon.NotFound(), nil }

func showPerson(*merlon.Read[string], onePerson) (*merlon.Response, error) {
	return merlon.NotFound(), nil
}

func postNote(*merlon.Write[string], form.Form[newNote]) (*merlon.Response, error) {
	return merlon.Redirect("/notes"), nil
}

// newSite puts the site together over the data of dir.
func newSite(dir string, parts ...merlon.Part) (*merlon.Site, error) {
	return newSiteOn(siteEnv(dir), sqlite.Engine("bench.db"), nil, parts...)
}

func siteEnv(dir string) merlon.Env {
	return merlon.Env{
		Data: dir,
		Settings: merlon.Settings{
			Origin: "https://" + siteHost, Proxies: []string{"127.0.0.0/8"}, ClientHeader: "X-Forwarded-For",
		},
		Log: slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError})),
	}
}

// newSiteOn puts the site together on any engine, its sessions in stores; nil: in the engine's database.
func newSiteOn(env merlon.Env, engine db.Engine, stores merlon.Stores, parts ...merlon.Part) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Engine: engine, Stores: stores, Pages: sitePages, Schema: siteSchema, Parts: parts,
		Routes: []merlon.Route{
			merlon.Get("/", merlon.Public(), front),
			merlon.Get("/notes", member, showNotes),
			merlon.Get("/notes/{id}", member, showOne),
			merlon.Get("/notes/{id}/edit", member, showOne),
			merlon.Get("/notes/{id}/history", member, showOne),
			merlon.Get("/people/{name}", member, showPerson),
			merlon.Post("/notes", member, postNote),
			merlon.Post("/seen", member, postSeen),
			merlon.Get("/hello", member, showHello),
		},
	})
}

// openSite starts the site over the data of dir.
func openSite(ctx context.Context, dir string, parts ...merlon.Part) (*merlon.Site, error) {
	site, err := newSite(dir, parts...)
	if err != nil {
		return nil, err
	}
	return site, site.Start(ctx)
}

// serveSite is the handler of a child.
func serveSite(dir string) (http.Handler, error) { return openSite(context.Background(), dir) }

// seedSite makes the data of the Merlon side: the rows of the page, and as many live sessions as asked for, in the order
// of visitor. It returns the values of their cookies.
func seedSite(ctx context.Context, dir string, sessions int, parts ...merlon.Part) (cookies []string, err error) {
	site, err := openSite(ctx, dir, parts...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close(ctx)) }()
	if cookies, err = fillSite(ctx, site, sessions); err != nil {
		return nil, err
	}
	return cookies, os.WriteFile(filepath.Join(dir, "sessions.txt"), []byte(strings.Join(cookies, "\n")), 0o600)
}

// fillSite is what seedSite does to a site that is open.
func fillSite(ctx context.Context, site *merlon.Site, sessions int) (cookies []string, err error) {
	house := site.House()
	err = house.Engine.Write(quiet(ctx), func(_ context.Context, w *db.Writer) error {
		for _, n := range notes(rowCount) {
			if _, err := addNote.Run(w, n.ID, n.Author, n.Title, n.Text, n.Votes, n.Replies, n.Done, n.Pinned); err != nil {
				return err
			}
		}
		if _, err := addItem.Run(w, int64(1), "seen", int64(0)); err != nil {
			return err
		}
		cookies, err = signIn(w, house.Sessions, 0, sessions)
		return err
	})
	return cookies, err
}

// signIn begins sessions the way a sign-in page does, many in one transaction.
func signIn(w *db.Writer, manager *session.Manager, first, count int) ([]string, error) {
	cookies := make([]string, 0, count)
	request, err := http.NewRequestWithContext(w.Context(), http.MethodPost, "https://"+siteHost+"/sign-in", nil)
	if err != nil {
		return nil, err
	}
	for i := first; i < first+count; i++ {
		state, err := manager.Load(w, request)
		if err != nil {
			return nil, err
		}
		s, err := manager.Begin(state, w)
		if err != nil {
			return nil, err
		}
		nameKey.Set(s, visitor(i%100_000))
		if err := errors.Join(s.Rotate(session.Level{User: int64(i + 1), Factors: 1}), s.Save()); err != nil {
			return nil, err
		}
		c, ok := s.Cookie()
		if !ok {
			return nil, fmt.Errorf("session %d has no cookie", i)
		}
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	return cookies, nil
}

// quiet drops the events of seeding.
func quiet(ctx context.Context) context.Context {
	return event.With(ctx, event.RecorderFunc(func(context.Context, event.Event) {}))
}
