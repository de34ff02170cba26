package merlon_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/sqlite"
)

// TestWithoutAToken: a form that never had a token is not called one that was open too long, neither to the visitor nor in
// the log nor in development.
func TestWithoutAToken(t *testing.T) {
	t.Parallel()
	const none, old = "lacked the token", "open too long"
	for _, mode := range []merlon.Mode{merlon.Development, merlon.Production} {
		var log bytes.Buffer
		env := merlon.Env{Data: t.TempDir(), Mode: mode, Log: slog.New(slog.NewTextHandler(&log, nil))}
		env.Settings.Origin = "https://site.test"
		site, err := merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: votePages, Schema: siteSchema,
			Parts: []merlon.Part{account.New(account.Config{})},
			Routes: []merlon.Route{merlon.Get("/votes", account.Anyone(), showVotes), merlon.Post("/votes", account.Anyone(), addVote, merlon.JSONBody()),
				merlon.Post("/form", account.Anyone(), addVote), merlon.Mount("/mounted", account.Anyone(), http.HandlerFunc(mountedDoes))}})
		if err != nil {
			t.Fatal(err)
		}
		if err := site.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name, path, kind, body, token string
			want, never                   string // the visitor is told
			id, other                     string
		}{
			{"a form", "/form", "application/x-www-form-urlencoded", "Text=a", "", none, old, "MRL-CSRF-022", "MRL-CSRF-020"},
			{"a form with another's", "/form", "application/x-www-form-urlencoded", "Text=a&merlon_token=AAAA", "", old, none, "MRL-CSRF-020", "MRL-CSRF-022"},
			{"JSON", "/votes", "application/json", `{"Text":"a"}`, "", none, old, "MRL-CSRF-022", "MRL-CSRF-020"},
			{"JSON with another's", "/votes", "application/json", `{"Text":"a"}`, "AAAA", old, none, "MRL-CSRF-020", "MRL-CSRF-022"},
			{"a mounted handler", "/mounted", "text/plain", "a", "", "", old, "MRL-CSRF-022", "MRL-CSRF-020"},
			{"a mounted handler with another's", "/mounted", "text/plain", "a", "AAAA", "", none, "MRL-CSRF-020", "MRL-CSRF-022"},
		} {
			log.Reset()
			r := httptest.NewRequest("POST", "https://site.test"+c.path, strings.NewReader(c.body))
			for name, value := range map[string]string{"Content-Type": c.kind, "Origin": "https://site.test", "Sec-Fetch-Site": "same-origin", "Merlon-Token": c.token} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			answer := httptest.NewRecorder()
			site.ServeHTTP(answer, r)
			said := answer.Body.String()
			if answer.Code != http.StatusForbidden || !strings.Contains(said, c.want) || strings.Contains(said, c.never) {
				t.Errorf("%s in %v: status %d: %s", c.name, mode, answer.Code, said)
			}
			if strings.Contains(said, "explain "+c.id) != (mode == merlon.Development) || strings.Contains(said, c.other) {
				t.Errorf("%s in %v names another rule than %s: %s", c.name, mode, c.id, said)
			}
			if !strings.Contains(log.String(), c.id) || strings.Contains(log.String(), c.other) {
				t.Errorf("%s in %v: the log has another rule than %s: %s", c.name, mode, c.id, log.String())
			}
		}
		if err := site.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUnknownMembers: a misspelt member of a JSON body is told with its problems, in development alone, by a name of bounded
// length.
func TestUnknownMembers(t *testing.T) {
	t.Parallel()
	for _, mode := range []merlon.Mode{merlon.Development, merlon.Production} {
		env := merlon.Env{Data: t.TempDir(), Mode: mode, Log: slog.New(slog.DiscardHandler)}
		env.Settings.Origin = "https://site.test"
		site, err := merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: votePages, Schema: siteSchema,
			Parts: []merlon.Part{account.New(account.Config{})},
			Routes: []merlon.Route{merlon.Get("/votes", account.Anyone(), showVotes), merlon.Post("/votes", account.Anyone(), addVote, merlon.JSONBody()),
				merlon.Post("/hook", merlon.Public(), hookVote, merlon.JSONBody(), merlon.InsecureNoToken("a test"))}})
		if err != nil {
			t.Fatal(err)
		}
		if err := site.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		long := strings.Repeat("x", 200)
		for body, want := range map[string]string{
			`{"Txet":"a"}`:                          `"detail":"no field is called \"Txet\" (did you mean \"Text\"?)"`,
			`{"` + long + `":1}`:                    `"detail":"no field is called \"` + long[:64] + `\""`,
			`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}`: `no field is called \"e\"","problems"`,
			`{"Text":""}`:                           "",
		} {
			r := httptest.NewRequest("POST", "https://site.test/hook", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			answer := httptest.NewRecorder()
			site.ServeHTTP(answer, r)
			said := answer.Body.String()
			shown := mode == merlon.Development && want != ""
			if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(said, `"Text":"Enter a value."`) || strings.Contains(said, "detail") != shown || shown && !strings.Contains(said, want) {
				t.Errorf("%s in %v: status %d: %s", body, mode, answer.Code, said)
			}
		}
		if err := site.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
