// Package script_test drives a page whose own script posts JSON, and a page of another site that tries to.
package script_test

import (
	"embed"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/e2e/browser"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/static"
)

//go:embed testdata
var files embed.FS

type vote struct {
	Text  string `form:"required,max=20"`
	Stars int    `form:"min=1,max=4"`
}

type count struct{ N int64 }

var (
	pages      = page.From(files, "testdata/pages")
	assets     = static.From(files, "testdata/static")
	schema     = db.From(files, "testdata/migrations")
	votesPage  = page.New[struct{}](pages, "votes.html")
	insertVote = db.Exec(schema, "INSERT INTO vote (text) VALUES ($1)")
	countVotes = db.Query[count](schema, "SELECT COUNT(*) AS n FROM vote")
)

func TestMain(m *testing.M) { browser.Main(m) }

func showVotes(*merlon.Read[account.Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Show(votesPage, struct{}{}), nil
}

func addVote(w *merlon.Write[account.Guest], f form.Form[vote]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.JSONProblems(422, f), nil
	}
	_, err := insertVote.Run(w.DB, in.Text)
	return merlon.JSON(map[string]int{"stars": in.Stars}), err
}

func open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "votes", Engine: sqlite.Engine("votes.db"), Pages: pages, Static: assets, Schema: schema,
		Parts: []merlon.Part{account.New(account.Config{})},
		Routes: []merlon.Route{
			merlon.Get("/", account.Anyone(), showVotes),
			merlon.Post("/votes", account.Anyone(), addVote, merlon.JSONBody()),
		}})
}

func votes(s *merlontest.Server) (n int64) {
	s.Read(func(r *db.Reader) error {
		c, err := countVotes.One(r)
		n = c.N
		return err
	})
	return n
}

// TestScriptPostsJSON clicks three times: each answer brings the token of the next, and a verdict is shown.
func TestScriptPostsJSON(t *testing.T) {
	s := merlontest.Start(t, open)
	tab := browser.Open(t)
	tab.Go(s.URL("/"))
	for i, want := range []string{"200 3", "200 4", "422 Enter 4 or less."} {
		tab.Click("#vote")
		for end := time.Now().Add(time.Minute); tab.Text("#said") != want; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("click %d: the page says %q, want %q; %v, %v\n%s\n%s", i+1, tab.Text("#said"), want, tab.Errors(), tab.Violations(), tab.HTML(), s.Log)
			}
		}
	}
	if n := votes(s); n != 2 {
		t.Errorf("%d votes, want 2", n)
	}
	if v := tab.Violations(); len(v) != 0 {
		t.Errorf("the page's policy: %v", v)
	}
	if found := tab.Axe(); len(found) != 0 {
		t.Errorf("axe: %v", found)
	}
}

// TestAnotherSiteCannotPostJSON: what a browser sends across sites without asking is not taken, what it asks for is refused,
// and the token cannot be read.
func TestAnotherSiteCannotPostJSON(t *testing.T) {
	s := merlontest.Start(t, open)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "look here") }))
	t.Cleanup(evil.Close)
	tab := browser.Open(t)
	tab.Go(s.URL("/")) // the visitor has a cookie there
	tab.Go(evil.URL)
	try := func(options string) string {
		return browser.Eval[string](tab, `fetch("`+s.URL("/votes")+`", {method: "POST", credentials: "include", body: '{"Text":"evil"}', `+options+`}).then(r => r.type + " " + r.status, e => "stopped")`)
	}
	for _, options := range []string{
		`mode: "no-cors", headers: {"Content-Type": "text/plain"}`,
		`mode: "no-cors", headers: {"Content-Type": "application/x-www-form-urlencoded"}`,
		`mode: "no-cors", headers: {"Content-Type": "application/json"}`, // the browser makes text/plain of it
		`mode: "cors", headers: {"Content-Type": "application/json"}`,
		`mode: "cors", headers: {"Content-Type": "application/json", "Merlon-Token": "x"}`,
	} {
		if got := try(options); got != "stopped" && !strings.HasPrefix(got, "opaque ") {
			t.Errorf("%s: the other site reads %q", options, got)
		}
	}
	if got := browser.Eval[string](tab, `fetch("`+s.URL("/")+`", {credentials: "include"}).then(r => r.text(), e => "stopped")`); got != "stopped" {
		t.Errorf("the other site reads the page with the token: %.80s", got)
	}
	if n := votes(s); n != 0 {
		t.Errorf("%d votes from another site", n)
	}
}
