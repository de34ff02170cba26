// The query asks whose note it is.
package fixed

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed pages migrations
var files embed.FS

type note struct {
	ID   int64
	Text string
}

type newNote struct {
	Text string `form:"required,max=500" label:"Your note"`
}

type byID struct {
	ID int64 `path:"id"`
}

type home struct {
	Notes []note
	Form  form.Form[newNote]
}

var (
	pages    = page.From(files, "pages")
	schema   = db.From(files, "migrations")
	homePage = page.New[home](pages, "notes.html")
	notePage = page.New[note](pages, "note.html")
	mine     = db.Query[note](schema, "SELECT id, text FROM note WHERE owner = $1 ORDER BY id DESC LIMIT 50")
	one      = db.Query[note](schema, "SELECT id, text FROM note WHERE owner = $1 AND id = $2")
	insert   = db.Returning[int64](schema, "INSERT INTO note (owner, text) VALUES ($1, $2) RETURNING id")
)

func notes(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	list, err := mine.All(r.DB, r.User.ID)
	return merlon.Show(homePage, home{Notes: list}), err
}

func show(r *merlon.Read[account.User], in byID) (*merlon.Response, error) {
	n, err := one.One(r.DB, r.User.ID, in.ID)
	return merlon.Show(notePage, n), err
}

func add(w *merlon.Write[account.User], f form.Form[newNote]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, homePage, home{Form: f}), nil
	}
	id, err := insert.Run(w.DB, w.User.ID, in.Text)
	return merlon.Redirect("/notes/{id}", id), err
}

// Open is the site.
func Open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Engine: sqlite.Engine("site.db"), Pages: pages, Schema: schema,
		Parts: []merlon.Part{account.New(account.Config{})},
		Routes: []merlon.Route{
			merlon.Get("/", account.SignedIn(), notes),
			merlon.Get("/notes/{id}", account.SignedIn(), show),
			merlon.Post("/notes", account.SignedIn(), add),
		},
	})
}
