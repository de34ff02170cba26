package checks_test

import (
	"embed"
	"net/http"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/static"
)

// Forms, routes, statements, files and texts as a developer in a hurry writes them, each breaking one rule.

type (
	untagged struct {
		Text  string `form:"max=500" label:"Text"`
		Admin bool
	}
	boundless struct {
		Text string `form:"required" label:"Text"`
	}
	excluding struct {
		Text  string `form:"max=500" label:"Text"`
		Admin bool   `form:"-"`
	}
	embedding struct {
		note
		More string `form:"max=500" label:"More"`
	}
	pointing struct {
		Age *int `form:""`
	}
	misspelt struct {
		Text string `form:"requird,max=500" label:"Text"`
	}
	uploading struct {
		Picture []byte `form:"max_bytes=1000000,types=image/png"`
	}
	hoarding struct {
		Film form.File `form:"max_bytes=1000001,types=application/pdf" label:"Film"`
	}
	passwordQuery struct {
		Password secret.String `query:"password,password,max=1024"`
	}
	printed struct {
		Password string `form:"password,max=1024" label:"Password"`
	}
	rowForm struct {
		Text string `form:"max=10" label:"Text"`
	}
)

func act[In any](*merlon.Write[merlon.Visitor], form.Form[In]) (*merlon.Response, error) {
	return merlon.Redirect("/"), nil
}

func actNote(*merlon.Write[merlon.Visitor], form.Form[newNote]) (*merlon.Response, error) {
	return merlon.Redirect("/"), nil
}

func byPassword(*merlon.Read[merlon.Visitor], passwordQuery) (*merlon.Response, error) {
	return nil, nil
}

func member(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) { return nil, nil }

func brokenRoutes() []merlon.Route {
	p := merlon.Public()
	return []merlon.Route{
		merlon.Get("/", p, showNotes), merlon.Get("/", p, showNotes),
		merlon.Get("/closed", merlon.Access[merlon.Visitor]{}, showNotes),
		merlon.Get("/inline", p, func(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) { return nil, nil }),
		merlon.Mount("/hook", p, http.NotFoundHandler(), merlon.InsecureNoToken("")),
		merlon.Get("/framed", p, showNotes, merlon.Embeddable("https://partner.example", "")),
		merlon.Post("/row", p, act[rowForm], merlon.OwnLinksOnly()),
		merlon.Post("/untagged", p, act[untagged]), merlon.Post("/boundless", p, act[boundless]), merlon.Post("/excluding", p, act[excluding]),
		merlon.Post("/embedding", p, act[embedding]), merlon.Post("/pointing", p, act[pointing]), merlon.Post("/misspelt", p, act[misspelt]), merlon.Post("/printed", p, act[printed]),
		merlon.Post("/uploading", p, act[uploading]), merlon.Post("/map", p, act[map[string]string]), merlon.Get("/password", p, byPassword),
	}
}

// openRoutes start, and are worth a word.
func openRoutes() []merlon.Route {
	p := merlon.Public()
	return []merlon.Route{
		merlon.Get("/", p, showNotes), merlon.Post("/", p, addNote),
		merlon.Get("/admin/users", p, showNotes),
		merlon.Get("/members", account.SignedIn(), member), merlon.Post("/members", p, actNote),
		merlon.Post("/import", p, actNote, merlon.MaxBody(64<<20)),
		merlon.Mount("/live/", p, http.NotFoundHandler(), merlon.InsecureStreaming("the score of the match")),
	}
}

// callNotes calls statements: the first call and the third are sound.
func callNotes(w *db.Writer, args []any) {
	_, _ = moveNote.Run(w, "x", 1)
	_, _ = moveNote.Run(w, "x")
	_, _ = moveNotes.Choose("text").All(w, args...)
	_, _ = moveNotes.Choose("text").All(w)
}

var _ = callNotes

type (
	wrongRow struct{ Titel string }
	anyRow   struct{ Text any }
	timeRow  struct{ ID time.Time }
)

var (
	brokenSchema = db.From(files, "testdata/migrations")
	twiceSchema  = db.From(files, "testdata/migrations").Named("account")
	badSchema    = db.From(files, "testdata/badmigrations")
	noneLimited  = db.From(files, "testdata/migrations")
	laxSchema    = db.From(files, "testdata/laxmigrations")
	calledSchema = db.From(files, "testdata/migrations")
	moveNote     = db.Exec(calledSchema, "UPDATE note SET text = $1 WHERE id = $2")
	moveNotes    = db.Query[note](calledSchema, "SELECT text FROM note WHERE id = $1 ORDER BY {0} LIMIT 1", db.Choice{"": "id", "text": "text"})
	_            = []any{
		db.Query[note](brokenSchema, "SELEC text FROM note"),
		db.Query[note](brokenSchema, "SELECT txet AS text FROM note LIMIT 1"),
		db.Query[wrongRow](brokenSchema, "SELECT text FROM note LIMIT 1"),
		db.Query[note](brokenSchema, "SELECT text FROM note WHERE id = ? LIMIT 1"),
		db.Exec(brokenSchema, "DELETE FROM note; DELETE FROM note"),
		db.Query[note](brokenSchema, "DELETE FROM note RETURNING text"),
		db.Exec(brokenSchema, "INSERT INTO note (author, text) VALUES ('', '') RETURNING id"),
		db.Query[note](brokenSchema, "SELECT text FROM note ORDER BY {0} LIMIT 1"),
		db.Query[note](brokenSchema, "SELECT text FROM note WHERE id = $1... LIMIT 1"),
		db.Query[anyRow](brokenSchema, "SELECT text FROM note LIMIT 1"),
		db.Query[timeRow](brokenSchema, "SELECT id FROM note LIMIT 1"),
		db.Query[rowForm](brokenSchema, "SELECT text FROM note LIMIT 1"),
		db.Query[note](noneLimited, "SELECT text FROM note ORDER BY id"),
	}
	badStatic  = static.From(files, "testdata/badstatic")
	noStatic   = static.From(embed.FS{}, "static")
	wrongAttrs = page.From(files, "testdata/sound", page.Attr("onclick", page.Text))
	badTexts   = merlon.TextsFrom(files, "testdata/texts")
)
