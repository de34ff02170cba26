package merlon_test

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/sqlite"
)

// The site of this room's tests: notes, and traps that fail in every way a handler can.

//go:embed testdata/site testdata/refused
var siteFiles embed.FS

type note struct {
	ID   int64
	Text string
}

type newNote struct {
	Text string `form:"required,lines,max=2000" label:"Your note"`
}

type noteByID struct {
	ID int64 `path:"id"`
}

type searchInput struct {
	Q    string `query:"q,max=1000"`
	Page int    `query:"page,min=0,max=1000"`
}

type fileInput struct {
	Name string `path:"name,max=100"`
}

type notesData struct {
	Notes []note
	Form  form.Form[newNote]
	Last  int64
	Trap  fails
}

// fails is page data whose method fails when asked.
type fails struct{ On bool }

// String makes fails printable; it panics when the trap is set.
func (f fails) String() string {
	if f.On {
		panic("the page fails half-way")
	}
	return ""
}

type plainData struct{ Text string }

var (
	sitePages  = page.From(siteFiles, "testdata/site/pages")
	siteSchema = db.From(siteFiles, "testdata/site/migrations")
	notesPage  = page.New[notesData](sitePages, "notes.html")
	plainPage  = page.New[plainData](sitePages, "plain.html")

	// for sites that show none of the pages above
	noPages      = page.From(siteFiles, "testdata/site/migrations")
	noStatements = db.From(siteFiles, "testdata/site/migrations")

	allNotes   = db.Query[note](siteSchema, "SELECT id, text FROM note ORDER BY id LIMIT $1")
	insertNote = db.Exec(siteSchema, "INSERT INTO note (author, text) VALUES ($1, $2)")
	removeNote = db.Exec(siteSchema, "DELETE FROM note WHERE id = $1")

	testKey = session.NewKey[string]("test.color")

	// handled counts how often the handler of POST /notes ran.
	handled atomic.Int64
	// ruleTest is the event of the trap.
	ruleTest = check.Rule{ID: "TEST-001", Property: check.Integrity, Title: "a test event", Why: "w", Attack: "a", Right: "r", Source: "s"}
)

func showNotes(r *merlon.Read[account.Guest], _ merlon.None) (*merlon.Response, error) {
	list, err := allNotes.All(r.DB, 100)
	return merlon.Show(notesPage, notesData{Notes: list, Last: 1}), err
}

func addNote(w *merlon.Write[account.Guest], f form.Form[newNote]) (*merlon.Response, error) {
	handled.Add(1)
	in, ok := f.Value()
	if !ok {
		list, err := allNotes.All(w.DB, 100)
		return merlon.ShowStatus(422, notesPage, notesData{Notes: list, Form: f, Last: 1}), err
	}
	_, err := insertNote.Run(w.DB, "anon", in.Text)
	return merlon.Redirect("/notes"), err
}

func deleteNote(w *merlon.Write[account.Guest], f form.Form[noteByID]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := removeNote.Run(w.DB, in.ID)
	return merlon.Redirect("/notes"), err
}

func oneNote(r *merlon.Read[account.Guest], in noteByID) (*merlon.Response, error) {
	return merlon.Show(plainPage, plainData{fmt.Sprint("note ", in.ID)}), nil
}

func plain(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Show(plainPage, plainData{"hello"}), nil
}

func search(_ *merlon.Read[merlon.Visitor], in searchInput) (*merlon.Response, error) {
	return merlon.Show(plainPage, plainData{in.Q}), nil
}

func oneFile(_ *merlon.Read[merlon.Visitor], in fileInput) (*merlon.Response, error) {
	return merlon.Text(in.Name), nil
}

func private(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	return merlon.Show(plainPage, plainData{"private " + r.User.Name}), nil
}

func boardOnly(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Show(plainPage, plainData{"board"}), nil
}

// trapForm chooses how the handler fails after it has written everything that a request can leave behind.
type trapForm struct {
	How string `form:"required,choices=error|panic|status|page|nil|redirect" label:"How"`
}

func showTrap(*merlon.Read[account.Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Show(trapPage, trapData{}), nil
}

type trapData struct{ Form form.Form[trapForm] }

var trapPage = page.New[trapData](sitePages, "trap.html")

func springTrap(w *merlon.Write[account.Guest], f form.Form[trapForm]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, trapPage, trapData{f}), nil
	}
	if _, err := insertNote.Run(w.DB, "trap", "half"); err != nil {
		return nil, err
	}
	to, err := mailbox.ParseAddress("ann@example.test")
	if err != nil {
		return nil, err
	}
	if err := w.House().Mails.Queue(w.DB, mailbox.Mail{To: to, Kind: "test", Subject: "half", Text: "half"}); err != nil {
		return nil, err
	}
	testKey.Set(w.Session, "half")
	w.Record(ruleTest, event.Done)
	switch in.How {
	case "error":
		return nil, errors.New("the trap's own error")
	case "panic":
		panic("the trap's own panic")
	case "status":
		return merlon.ShowStatus(409, plainPage, plainData{"no"}), nil
	case "page":
		return merlon.Show(notesPage, notesData{Trap: fails{true}}), nil
	case "redirect":
		return nowhere(), nil
	}
	return nil, nil
}

// nowhere is out of sight for New, which reads the handlers themselves.
func nowhere() *merlon.Response { return merlon.Redirect("/nowhere") }

type pairData struct{ Form form.Form[newNote] }

var pairPage = page.New[pairData](sitePages, "pair.html")

func showPair(*merlon.Read[account.Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Show(pairPage, pairData{}), nil
}

// addPair writes two rows that belong together: one without the other is a half post.
func addPair(w *merlon.Write[account.Guest], f form.Form[newNote]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, pairPage, pairData{f}), nil
	}
	if _, err := insertNote.Run(w.DB, "left", in.Text); err != nil {
		return nil, err
	}
	_, err := insertNote.Run(w.DB, "right", in.Text)
	return merlon.Redirect("/pair"), err
}

// plainHandler is an ordinary http.Handler of the vectors: it says what it read.
func plainHandler(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "%s %s cookie=%q body=%q", r.Method, r.URL.Path, r.Header.Get("Cookie"), body)
}

func openTestSite(env merlon.Env) (*merlon.Site, error) { return openTestSiteWith(env) }

func openTestSiteWith(env merlon.Env, more ...merlon.Route) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: sitePages, Schema: siteSchema,
		Parts:  []merlon.Part{account.New(account.Config{Hashing: floor(env)})},
		Routes: append(testRoutes(), more...)})
}

// floor is what hashes cost at the least: a site that runs as in the world would measure the machine first. One in mode Test
// takes less by itself.
func floor(env merlon.Env) (p password.Params) {
	if env.Mode != merlon.Test {
		p = password.Params{Memory: 19 << 10, Time: 2}
	}
	return p
}

func testRoutes() []merlon.Route {
	return []merlon.Route{
		merlon.Get("/", merlon.Public(), plain),
		merlon.Get("/notes", account.Anyone(), showNotes),
		merlon.Post("/notes", account.Anyone(), addNote),
		merlon.Get("/notes/{id}", account.Anyone(), oneNote),
		merlon.Post("/notes/{id}/delete", account.Anyone(), deleteNote),
		merlon.Get("/search", merlon.Public(), search),
		merlon.Get("/files/{name}", merlon.Public(), oneFile),
		merlon.Get("/mine", account.SignedIn(), private),
		merlon.Get("/board", account.HasRole("board"), boardOnly),
		merlon.Get("/own", merlon.Public(), plain, merlon.OwnLinksOnly()),
		merlon.Get("/framed", merlon.Public(), plain, merlon.Embeddable("https://partner.example", "their page shows ours")),
		merlon.Get("/trap", account.Anyone(), showTrap),
		merlon.Post("/trap", account.Anyone(), springTrap),
		merlon.Post("/pair", account.Anyone(), addPair),
		merlon.Get("/pair", account.Anyone(), showPair),
		merlon.Get("/size", account.Anyone(), showSize),
		merlon.Post("/size", account.Anyone(), big),
		merlon.Mount("/hook/", merlon.Public(), http.HandlerFunc(plainHandler), merlon.InsecureNoToken("a test of webhooks")),
		merlon.Mount("/mounted/", account.Anyone(), http.HandlerFunc(plainHandler)),
	}
}

var nobody = merlon.NewAccess("nobody", func(*merlon.Visit) (merlon.Visitor, error) { return merlon.Visitor{}, merlon.ErrForbidden })

func failing(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return nil, errors.New("it went wrong inside")
}
