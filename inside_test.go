package merlon_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

func stuck(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return nil, fmt.Errorf("a write: %w", db.ErrDiskReadOnly)
}

// In development an error page says cause, route, id and what explains more; in production it says none of it. A failure is
// one line of the log.
func TestErrorPagesTellTheInside(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, path string
		status             int
		development        []string
	}{
		{"method", "POST", "/search", 405, []string{"cause    a method", "request  ", "more     explain MRL-HTTP-001"}},
		{"access", "GET", "/denied", 403, []string{"cause    a visitor who may not come in", "route    GET /denied, for nobody, ", "more     explain MRL-AUTH-001"}},
		{"file", "GET", "/static/site.css", 404, []string{"cause    no route answers GET /static/site.css; it looks like a file: embed its folder"}},
		{"failure", "GET", "/fails", 500, []string{"cause    it went wrong inside", "route    GET /fails, for ", "more     explain MRL-SITE-010"}},
		{"read-only disk", "GET", "/stuck", 503, []string{"route    GET /stuck, for ", "more     explain MRL-SITE-010"}},
		{"query", "GET", "/search?page=-1", 400, []string{"the query value", "query tags allow", "more     explain MRL-FORM-030"}},
		{"nothing", "GET", "/serach", 404, []string{"no route answers GET /serach", "/search"}},
	} {
		for _, mode := range []merlon.Mode{merlon.Development, merlon.Production} {
			var log bytes.Buffer
			env := merlon.Env{Data: t.TempDir(), Mode: mode, Log: slog.New(slog.NewTextHandler(&log, nil))}
			env.Settings.Origin = "https://site.test"
			site, err := openTestSiteWith(env, merlon.Get("/denied", nobody, plain), merlon.Get("/fails", merlon.Public(), failing), merlon.Get("/stuck", merlon.Public(), stuck))
			if err != nil {
				t.Fatal(err)
			}
			if err := site.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(c.method, "https://site.test"+c.path, nil)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set("Origin", "https://site.test")
			answer := httptest.NewRecorder()
			site.ServeHTTP(answer, r)
			if err := site.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if answer.Code != c.status {
				t.Errorf("%s in %v: status %d, want %d: %s", c.name, mode, answer.Code, c.status, answer.Body)
			}
			for _, want := range c.development {
				if has := strings.Contains(answer.Body.String(), want); has != (mode == merlon.Development) {
					t.Errorf("%s in %v: the page says %q: %v\n%s", c.name, mode, want, has, answer.Body)
				}
			}
			if n := strings.Count(log.String(), "it went wrong inside"); c.status == http.StatusInternalServerError && n != 1 {
				t.Errorf("%s in %v: the failure is logged %d times:\n%s", c.name, mode, n, log.String())
			}
		}
	}
}

// TestThePanickingLine: in development the page of a panic names the line of the site's own code that it came from, also when
// the panic itself is in another's; in production it names none.
func TestThePanickingLine(t *testing.T) {
	source, err := os.ReadFile("inside_test.go")
	if err != nil {
		t.Fatal(err)
	}
	line := func(mark string) string {
		for i, text := range strings.Split(string(source), "\n") {
			if strings.HasSuffix(text, "// "+mark) {
				return "at       inside_test.go:" + strconv.Itoa(i+1) + "\n"
			}
		}
		t.Fatalf("no line of inside_test.go is marked %q", mark)
		return ""
	}
	for _, mode := range []merlon.Mode{merlon.Development, merlon.Production} {
		env := merlon.Env{Data: t.TempDir(), Mode: mode, Log: slog.New(slog.DiscardHandler)}
		env.Settings.Origin = "https://site.test"
		site, err := openTestSiteWith(env, merlon.Get("/nil", merlon.Public(), panicsOnNil), merlon.Get("/deep", merlon.Public(), panicsDeep))
		if err != nil {
			t.Fatal(err)
		}
		if err := site.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{"/nil": line("the nil map"), "/deep": line("the deep call")} {
			answer := httptest.NewRecorder()
			site.ServeHTTP(answer, httptest.NewRequest("GET", "https://site.test"+path, nil))
			if answer.Code != http.StatusInternalServerError {
				t.Errorf("%s in %v: status %d", path, mode, answer.Code)
			}
			body := answer.Body.String()
			if has := strings.Contains(body, want); has != (mode == merlon.Development) {
				t.Errorf("%s in %v: the page says %q: %v\n%s", path, mode, want, has, body)
			}
			if mode == merlon.Production && strings.Contains(body, ".go:") {
				t.Errorf("%s: production names a file:\n%s", path, body)
			}
		}
		if err := site.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

var noCounts map[string]int

func panicsOnNil(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	noCounts["x"]++ // the nil map
	return merlon.Text("never"), nil
}

func panicsDeep(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Text(strings.Repeat("x", -len(os.Args))), nil // the deep call
}

// TestAFloodOfFailuresIsNoFloodOfLines: of one route's failures ten a second are logged and the rest is counted; another
// route's failure is among them. The seconds are those of the lines: a slow machine may need more than one.
func TestAFloodOfFailuresIsNoFloodOfLines(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return openTestSiteWith(env, merlon.Get("/fails", merlon.Public(), failing), merlon.Get("/fails/too", merlon.Public(), failing))
	})
	v := s.Visitor()
	for range 300 {
		v.Get("/fails").Is(500)
	}
	v.Get("/fails/too").Is(500)
	if err := s.Site.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := s.Log.String()
	lines, seconds := 0, map[string]int{}
	for _, m := range regexp.MustCompile(`time=(\S+)\.\d+Z level=ERROR .* route="GET /fails" `).FindAllStringSubmatch(log, -1) {
		lines++
		seconds[m[1]]++
	}
	for second, n := range seconds {
		if n > 10+1 { // one may have happened at the end of the second before
			t.Errorf("%d failures of one route are logged at %s, want 10", n, second)
		}
	}
	told := 0
	for _, m := range regexp.MustCompile(`not logged" id=\S+ route="GET /fails" count=(\d+)`).FindAllStringSubmatch(log, -1) {
		n, _ := strconv.Atoi(m[1])
		told += n
	}
	if lines < 10 || lines+told != 300 {
		t.Errorf("of 300 failures %d are logged and %d are told to be left out", lines, told)
	}
	if n := strings.Count(log, `route="GET /fails/too"`); n != 1 {
		t.Errorf("the other route's failure is logged %d times:\n%s", n, log)
	}
}
