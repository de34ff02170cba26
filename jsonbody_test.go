package merlon_test

import (
	"embed"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed testdata/features
var featureFiles embed.FS

type vote struct {
	Text  string `form:"required,max=20" label:"Your vote"`
	Stars int    `form:"min=1,max=5"`
	Color string `form:"choices=red|green"`
}

type votesData struct{ Notes []note }

var (
	votePages = page.From(featureFiles, "testdata/features/pages")
	votesPage = page.New[votesData](votePages, "votes.html")
)

func showVotes(r *merlon.Read[account.Guest], _ merlon.None) (*merlon.Response, error) {
	list, err := allNotes.All(r.DB, 100)
	return merlon.Show(votesPage, votesData{list}), err
}

func addVote(w *merlon.Write[account.Guest], f form.Form[vote]) (*merlon.Response, error) {
	handled.Add(1)
	in, ok := f.Value()
	if !ok {
		return merlon.JSONProblems(422, f), nil
	}
	if in.Text == "taken" {
		return merlon.JSONProblems(422, f.Reject("Text", "Somebody said that.").Reject("", "Say <something> else.")), nil
	}
	_, err := insertNote.Run(w.DB, "vote", in.Text)
	return merlon.JSON(map[string]int{"stars": in.Stars}), err
}

func hookVote(w *merlon.Write[merlon.Visitor], f form.Form[vote]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.JSONProblems(422, f), nil
	}
	_, err := insertNote.Run(w.DB, "hook", in.Text)
	return merlon.JSON("ok"), err
}

func openVotes(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: votePages, Schema: siteSchema,
		Parts: []merlon.Part{account.New(account.Config{})},
		Routes: []merlon.Route{
			merlon.Get("/votes", account.Anyone(), showVotes),
			merlon.Post("/votes", account.Anyone(), addVote, merlon.JSONBody()),
			merlon.Post("/members/votes", account.SignedIn(), memberVote, merlon.JSONBody(), merlon.MaxBody(100)),
			merlon.Post("/hook", merlon.Public(), hookVote, merlon.JSONBody(), merlon.InsecureNoToken("a test of webhooks")),
			merlon.Post("/form", account.Anyone(), addVote),
		}})
}

func memberVote(w *merlon.Write[account.User], _ form.Form[vote]) (*merlon.Response, error) {
	return merlon.JSON(w.User.Name), nil
}

// script sends JSON as a page's own script would; each pair of header overrides what a browser would send.
func script(s *merlontest.Server, v *merlontest.Visitor, path, token, body string, header ...string) *merlontest.Visitor {
	r, _ := http.NewRequest("POST", s.URL(path), strings.NewReader(body))
	for i, h := 0, append([]string{"Content-Type", "application/json", "Origin", s.Site.Origin(), "Sec-Fetch-Site", "same-origin",
		"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Merlon-Token", token}, header...); i < len(h); i += 2 {
		if r.Header.Set(h[i], h[i+1]); h[i+1] == "" {
			r.Header.Del(h[i])
		}
	}
	return v.Do(r)
}

func tokenOn(t *testing.T, v *merlontest.Visitor) string {
	t.Helper()
	_, rest, ok := strings.Cut(v.Body, `data-merlon-token="`)
	token, _, _ := strings.Cut(rest, `"`)
	if !ok || len(token) != 86 {
		t.Fatalf("the page hands out no token:\n%s", v.Body)
	}
	return token
}

func votesIn(s *merlontest.Server) (n int) {
	s.Read(func(r *db.Reader) error {
		list, err := allNotes.All(r, 100)
		n = len(list)
		return err
	})
	return n
}

func TestJSONBody(t *testing.T) {
	s := merlontest.Start(t, openVotes)
	v := s.Visitor().Get("/votes").Is(200)
	if got := v.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("a page with a token may be kept: %q", got)
	}
	token := tokenOn(t, v)
	script(s, v, "/votes", token, `{"Text":"a","Stars":3,"Admin":1}`).Is(200)
	if v.Body != "{\"stars\":3}\n" || v.Header.Get("Content-Type") != "application/json" || v.Header.Get("X-Content-Type-Options") != "nosniff" || v.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("answered %q with %v", v.Body, v.Header)
	}
	if !strings.Contains(s.Log.String(), "fields in a post that the form does not have") {
		t.Error("the undeclared field was not recorded")
	}
	next := v.Header.Get("Merlon-Token")

	// the same once more is a double click; another body with the used token is refused
	before := handled.Load()
	if script(s, v, "/votes", token, `{"Text":"a", "Stars":3,"Admin":1}`).Is(200); v.Body != "{\"stars\":3}\n" || handled.Load() != before {
		t.Errorf("the second arrival: %q, the handler ran %d times more", v.Body, handled.Load()-before)
	}
	script(s, v, "/votes", token, `{"Text":"b","Stars":3}`).Is(403)
	if v.Header.Get("Merlon-Token") != "" {
		t.Error("a refusal hands out a token")
	}
	script(s, v, "/votes", next, `{"Text":"b","Stars":3}`).Is(200)
	if n := votesIn(s); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}

	// a verdict: sentences by field, nothing kept, the token still good
	token = v.Header.Get("Merlon-Token")
	script(s, v, "/votes", token, `{"Stars":9,"Color":"blue"}`).Is(422)
	var said struct{ Problems map[string]string }
	if err := json.Unmarshal([]byte(v.Body), &said); err != nil || len(said.Problems) != 3 || said.Problems["Text"] != "Enter a value." || said.Problems["Stars"] != "Enter 5 or less." {
		t.Errorf("problems %q, %v", v.Body, err)
	}
	script(s, v, "/votes", token, `{"Text":"taken"}`).Is(422)
	if v.Body != `{"problems":{"":"Say \u003csomething\u003e else.","Text":"Somebody said that."}}`+"\n" {
		t.Errorf("a rejection: %s", v.Body)
	}
	script(s, v, "/votes", token, `{"Text":"c"}`).Is(200)
	if n := votesIn(s); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

func TestJSONBodyUnderAttack(t *testing.T) {
	s := merlontest.Start(t, openVotes)
	v := s.Visitor().Get("/votes")
	token, good := tokenOn(t, v), `{"Text":"a"}`
	other := tokenOn(t, s.Visitor().Get("/votes"))
	before := handled.Load()
	for _, c := range []struct {
		name, path, token, body string
		header                  []string
		status                  int
	}{
		{"text/plain", "/votes", token, good, []string{"Content-Type", "text/plain"}, 415},
		{"no type", "/votes", token, good, []string{"Content-Type", ""}, 415},
		{"a form to a JSON route", "/votes", token, "Text=a&merlon_token=" + token, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"JSON to a form's route", "/form", token, good, nil, 415},
		{"text/plain to a form's route", "/form", token, good, []string{"Content-Type", "text/plain"}, 415},
		{"from another site", "/votes", token, good, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"from another origin of the site", "/votes", token, good, []string{"Origin", "http://other.localhost", "Sec-Fetch-Site", "same-site"}, 403},
		{"no token", "/votes", "", good, nil, 403},
		{"another's token", "/votes", other, good, nil, 403},
		{"the token in the body", "/votes", "", `{"Text":"a","merlon_token":"` + token + `"}`, nil, 403},
		{"the token in the query", "/votes?merlon_token=" + token, "", good, nil, 403},
		{"another type", "/votes", token, `{"Text":1}`, nil, 400},
		{"twice", "/votes", token, `{"Text":"a","Text":"b"}`, nil, 400},
		{"no JSON", "/votes", token, `Text=a`, nil, 400},
		{"too large", "/members/votes", token, `{"Text":"` + strings.Repeat("a", 100) + `"}`, nil, 403}, // access before the body
		{"text/plain to a webhook", "/hook", "", good, []string{"Content-Type", "text/plain"}, 415},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := script(s, v.Clone(), c.path, c.token, c.body, c.header...).Is(c.status)
			if c.path == "/form" {
				return
			}
			var e struct {
				Status      int
				Title, Text string
			}
			if err := json.Unmarshal([]byte(got.Body), &e); err != nil || e.Status != c.status || e.Title == "" || e.Text == "" {
				t.Errorf("a script cannot read the refusal: %v: %s", err, got.Body)
			}
			if told := strings.Contains(e.Text, "application/json"); told != (c.status == 415) || told && strings.Contains(e.Text, "the form") {
				t.Errorf("what kind of data the route takes: %q", e.Text)
			}
			if got.Header.Get("Merlon-Token") != "" || strings.Contains(got.Body, token) {
				t.Error("a refusal hands out a token")
			}
		})
	}
	if n := votesIn(s); n != 0 || handled.Load() != before {
		t.Errorf("%d rows, the handler ran %d times: want none", n, handled.Load()-before)
	}
	got := script(s, v.Clone(), "/members/votes", token, good).Is(403)
	if !strings.Contains(got.Body, `"signIn":"/sign-in"`) {
		t.Errorf("who must sign in is not told where: %s", got.Body)
	}
	script(s, s.SignedIn("Ann"), "/members/votes", "", `{"Text":"`+strings.Repeat("a", 100)+`"}`).Is(413)
	// a webhook needs no token and sees no cookie
	script(s, v.Clone(), "/hook", "", good, "Origin", "", "Sec-Fetch-Site", "").Is(200)
	if n := votesIn(s); n != 1 {
		t.Errorf("%d rows after a webhook, want 1", n)
	}
}

// A form's token is not a script's, and the other way round.
func TestJSONTokenIsOfItsRoute(t *testing.T) {
	s := merlontest.Start(t, openTestSite)
	v := s.Visitor().Get("/notes")
	hidden := v.Fields("/notes").Get("merlon_token")
	votes := merlontest.Start(t, openVotes)
	script(votes, votes.Visitor().Get("/votes"), "/votes", hidden, `{"Text":"a"}`).Is(403)
}

func TestJSONRoutesAreJudged(t *testing.T) {
	env := merlon.Env{Mode: merlon.Test, Data: t.TempDir()}
	open := func(routes ...merlon.Route) string {
		_, err := merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: votePages, Schema: siteSchema,
			Parts: []merlon.Part{account.New(account.Config{})}, Routes: append(routes, merlon.Get("/votes", account.Anyone(), showVotes))})
		var faults merlon.Faults
		if err != nil && !errors.As(err, &faults) {
			t.Fatal(err)
		}
		return faults.Error()
	}
	for _, c := range []struct {
		name, want string
		route      merlon.Route
	}{
		{"no such route", `votes.html:3:96: the token is for "/votes", and no route answers POST there`, merlon.Post("/vote", account.Anyone(), addVote, merlon.JSONBody())},
		{"a form's route", "which takes forms: they bring their own", merlon.Post("/votes", account.Anyone(), addVote)},
		{"a route without tokens", "which asks for none", merlon.Post("/votes", merlon.Public(), hookVote, merlon.JSONBody(), merlon.InsecureNoToken("x"))},
		{"a GET", "has the option JSONBody, which changes nothing there", merlon.Get("/x", merlon.Public(), plain, merlon.JSONBody())},
	} {
		if got := open(c.route); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s\nwant %s", c.name, got, c.want)
		}
	}
	_, err := openTestSiteWith(env, merlon.Post("/deep/notes", account.Anyone(), addNote, merlon.JSONBody()))
	if err != nil {
		t.Errorf("an honest route: %v", err)
	}
}

func TestVisitorPostsJSON(t *testing.T) {
	s := merlontest.Start(t, openVotes)
	v := s.Visitor().Get("/votes")
	v.PostJSON("/votes", v.ScriptToken(), `{"Text":"a"}`).Is(200)
	v.PostJSON("/votes", v.ScriptToken(), `{"Text":"b"}`).Is(200)
	v.PostJSON("/votes", "", `{"Text":"c"}`).Is(403)
	if n := votesIn(s); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

func secretVotes(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	list, err := allNotes.All(r.DB, 100)
	return merlon.JSON(list), err
}

func brokenVotes(*merlon.Read[account.Guest], merlon.None) (*merlon.Response, error) {
	return nil, errors.New("it went wrong inside")
}

// TestJSONErrors: a script that reads is answered as JSON, also when it is refused or the site fails, and a list of nothing is
// a list.
func TestJSONErrors(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return openTestSiteWith(env, merlon.Get("/secret.json", account.SignedIn(), secretVotes, merlon.JSONErrors()),
			merlon.Get("/broken.json", account.Anyone(), brokenVotes, merlon.JSONErrors()))
	})
	var told struct {
		Status              int
		Title, Text, SignIn string
	}
	for _, c := range []struct {
		path, signIn string
		status       int
	}{{"/secret.json?a=b", "/sign-in", 403}, {"/broken.json", "", 500}} {
		v := s.Visitor().Get(c.path).Is(c.status)
		told.SignIn = ""
		if err := json.Unmarshal([]byte(v.Body), &told); err != nil || told.Status != c.status || told.Title == "" || told.Text == "" || told.SignIn != c.signIn {
			t.Errorf("%s: %v %+v\n%s", c.path, err, told, v.Body)
		}
	}
	if v := s.SignedIn("Ann").Get("/secret.json").Is(200); strings.TrimSpace(v.Body) != "[]" {
		t.Errorf("no rows are %q", v.Body)
	}
}
