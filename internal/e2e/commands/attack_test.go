package commands_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/merlontest"
)

// TestAttackFinds: a site with a hole at a loopback address makes exit 1, in every form of the report.
func TestAttackFinds(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<title>x</title>" + r.FormValue("q") + `<a href="/?q=a">a</a>`))
	}))
	defer srv.Close()
	run := func(args ...string) string {
		t.Helper()
		var out, errs strings.Builder
		if code := cli.Run(t.Context(), site.Open, append([]string{"attack", srv.URL, "--class", "injection"}, args...), &out, &errs); code != cli.ExitFailed {
			t.Fatalf("%v exited %d, want 1:\n%s%s", args, code, out.String(), errs.String())
		}
		return out.String()
	}
	if text := run(); !strings.Contains(text, "the data: those of the site at "+srv.URL+", of which there is no copy") || !strings.Contains(text, "FAIL  injection") || !strings.Contains(text, attack.RuleMarkup.ID) || !strings.Contains(text, "curl ") {
		t.Errorf("text: %s", text)
	}
	var doc struct {
		Schema   string
		Findings []struct{ ID, Route, Curl string }
	}
	if err := json.Unmarshal([]byte(run("--json")), &doc); err != nil || doc.Schema != "merlon/attack/v1" || len(doc.Findings) != 1 || doc.Findings[0].ID != attack.RuleMarkup.ID {
		t.Errorf("json: %v %+v", err, doc)
	}
	var sarif struct {
		Version string
		Runs    []struct {
			Tool    struct{ Driver struct{ Name string } }
			Results []struct{ RuleID string }
		}
	}
	if err := json.Unmarshal([]byte(run("--format", "sarif")), &sarif); err != nil || sarif.Version != "2.1.0" || sarif.Runs[0].Tool.Driver.Name != "merlon attack" || len(sarif.Runs[0].Results) != 1 {
		t.Errorf("sarif: %v %+v", err, sarif)
	}
	var junit struct {
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name string `xml:"name,attr"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(run("--format", "junit")), &junit); err != nil || junit.Failures != 1 || len(junit.Suites) != 1+len(attack.Classes()) {
		t.Errorf("junit: %v %+v", err, junit)
	}
	lines := strings.Split(strings.TrimSpace(run("--stream")), "\n")
	for _, l := range lines {
		if !json.Valid([]byte(l)) || !strings.Contains(l, "merlon/attack-line/v1") {
			t.Errorf("stream: %s", l)
		}
	}
	if len(lines) < 3 {
		t.Errorf("stream: %d lines", len(lines))
	}
}

// TestAttackDevelopment: what a site says to its developer is no finding where it runs in development, and is not called clean; the same
// words of any other site are one.
func TestAttackDevelopment(t *testing.T) {
	need.Time(t, "attacks a club")
	club, err := site.Open(merlon.Env{Data: t.TempDir(), Mode: merlon.Development, NoJobs: true, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = club.Start(t.Context())
	}
	if err == nil {
		_, err = club.Demo(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = club.Close(context.WithoutCancel(t.Context())) }()
	for name, c := range map[string]struct {
		h    http.Handler
		code int
		says string
	}{
		"development": {club, cli.ExitDone, "not reached: what error pages tell (MRL-ATK-070): the site runs in development"},
		"another": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/_merlon/dev/mail" {
				http.NotFound(w, r)
				return
			}
			club.ServeHTTP(w, r)
		}), cli.ExitFailed, "MRL-ATK-070"},
	} {
		srv := httptest.NewServer(c.h)
		var out, errs strings.Builder
		code := cli.Run(t.Context(), site.Open, []string{"attack", srv.URL, "--class", "output", "--budget", "10m"}, &out, &errs)
		srv.Close()
		if code != c.code || !strings.Contains(out.String(), c.says) || strings.Contains(out.String(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA says") {
			t.Errorf("%s exited %d, want %d:\n%s%s", name, code, c.code, errs.String(), out.String())
		}
	}
}

// TestAttackMisnamed: at an address, too, it is wrong usage to ask for a route or a role that there is not.
func TestAttackMisnamed(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<title>x</title><a href="/news/7">a</a> <a href="/files/a.txt">b</a><form method=post action=/send><input name=a></form>`))
	}))
	defer srv.Close()
	for _, c := range []struct {
		code int
		args string
		says string
	}{
		{cli.ExitUsage, "--routes /nope", "no page or form that was found fits"},
		{cli.ExitUsage, "--routes /news/*,/sned", "did you mean /send?"},
		{cli.ExitUsage, "--routes /nwes/*", "did you mean /news/*?"},
		{cli.ExitUsage, "--as user", "name some of anonymous"},
		{cli.ExitDone, "--routes /news/{id} --class limits", ""},
		{cli.ExitDone, "--routes /files/ --class limits", ""},
		{cli.ExitDone, "--routes /send,/debug/* --class limits", ""},
	} {
		var out, errs strings.Builder
		args := append([]string{"attack", srv.URL}, strings.Fields(c.args)...)
		if code := cli.Run(t.Context(), site.Open, args, &out, &errs); code != c.code || !strings.Contains(errs.String(), c.says) || c.code != cli.ExitDone && out.Len() > 0 {
			t.Errorf("%v exited %d, want %d:\n%s%s", c.args, code, c.code, errs.String(), out.String())
		}
	}
}

// TestAttackCutShort: an attack that found nothing and did not come to its end is not clean, and what it saw is printed, as one document.
func TestAttackCutShort(t *testing.T) {
	for name, c := range map[string]struct {
		budget string
		at     func(asked int, cancel func())
		code   int
		says   string
	}{
		"time": {"2s", func(int, func()) { time.Sleep(120 * time.Millisecond) }, cli.ExitCannot, "the time was over before the end of injection"},
		"interrupted": {"10m", func(asked int, cancel func()) {
			if asked == 8 {
				cancel()
			}
		}, cli.ExitInterrupted, "interrupted"},
		"dead": {"10m", func(asked int, _ func()) {
			if asked > 8 {
				panic(http.ErrAbortHandler)
			}
		}, cli.ExitCannot, "the site answers no more"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var asked atomic.Int64
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.at(int(asked.Add(1)), cancel)
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(`<title>x</title><a href="/?q=a">a</a>`))
		}))
		var out, errs strings.Builder
		code := cli.Run(ctx, site.Open, []string{"attack", srv.URL, "--class", "injection", "--json", "--budget", c.budget}, &out, &errs)
		srv.Close()
		cancel()
		var doc struct {
			Schema   string
			Coverage struct{ Requests int }
		}
		if err := json.Unmarshal([]byte(out.String()), &doc); code != c.code || err != nil || doc.Schema != "merlon/attack/v1" || doc.Coverage.Requests == 0 || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%s: exited %d, %v:\n%.500s\n%s", name, code, err, out.String(), errs.String())
		}
	}
}

// TestAttackLeavesNothing: the original data is as it was, and Ctrl-C leaves no copy behind.
func TestAttackLeavesNothing(t *testing.T) {
	need.Time(t, "attacks a club")
	data, temp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Run("data", func(t *testing.T) { merlontest.StartIn(t, data, site.Open).SignedIn("Ann") })
	sums := func() string {
		var all strings.Builder
		files, err := filepath.Glob(filepath.Join(data, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if b, err := os.ReadFile(f); err == nil && !strings.HasSuffix(f, "-shm") {
				all.WriteString(f + string(b))
			}
		}
		return all.String()
	}
	before := sums()
	empty := func() {
		t.Helper()
		left, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range left {
			if strings.HasPrefix(f.Name(), "merlon-attack-") {
				t.Errorf("%s was left behind", f.Name())
			}
		}
	}
	var out, errs strings.Builder
	args := []string{"attack", "--data", data, "--class", "access,injection", "--routes", "/contact", "--json"}
	if code := cli.Run(t.Context(), site.Open, args, &out, &errs); code != cli.ExitDone || !strings.Contains(out.String(), `"original_unchanged": true`) ||
		!strings.Contains(out.String(), `"data": "a copy of `+data+`"`) {
		t.Errorf("exited %d:\n%s%s", code, out.String(), errs.String())
	}
	empty()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	out.Reset()
	if code := cli.Run(ctx, site.Open, args, &out, &errs); code != cli.ExitInterrupted || !json.Valid([]byte(out.String())) {
		t.Errorf("interrupted: exited %d:\n%s", code, out.String())
	}
	empty()
	if before == "" || sums() != before {
		t.Error("the original data is not as it was")
	}
}
