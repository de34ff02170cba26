package attack_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

// A plain handler is mounted in a site of Merlon's: its pages are looked at from outside, its files by their bytes.
type plain struct {
	data string
	bad  bool
}

// ServeHTTP implements [http.Handler].
func (p plain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	q := r.FormValue("q")
	if !p.bad {
		q = "nothing of yours"
	}
	if r.URL.Path == "/plain/count" && p.bad {
		f, err := os.OpenFile(filepath.Join(p.data, "hits.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, _ = f.WriteString("hit\n")
			_ = f.Close()
		}
	}
	fmt.Fprintf(w, `<!doctype html><html lang="en"><title>plain</title><p>%s</p><a href="/plain/?q=a">q</a> <a href="/plain/count">count</a></html>`, q)
}

func openPlain(bad bool) func(merlon.Env) (*merlon.Site, error) {
	return func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "plain", Engine: sqlite.Engine("plain.db"), Parts: []merlon.Part{account.New(account.Config{})},
			Routes: []merlon.Route{merlon.Mount("/plain/", merlon.Public(), plain{env.Data, bad})}})
	}
}

// TestMounted: what a mounted handler does is found, and a sound one has no finding.
func TestMounted(t *testing.T) {
	o := attack.Options{Routes: []string{"/plain/*"}, Classes: []string{"forgery", "injection"}, Budget: 5 * time.Minute}
	report, err := attack.Site(t.Context(), openPlain(true), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{attack.RuleMarkup.ID + " GET /plain/", attack.RuleRowsForAll.ID + " GET /plain/count"} {
		if !slices.ContainsFunc(report.Findings, func(f attack.Finding) bool { return f.ID+" "+f.Route == want }) {
			t.Errorf("%s was not found: %v\n%s", want, report.Findings, report.Coverage)
		}
	}
	if report, err = attack.Site(t.Context(), openPlain(false), o); err != nil || len(report.Findings) != 0 {
		t.Errorf("invented: %v, %v", report.Findings, err)
	}
}

// TestDataInUse: data that another process has is not copied.
func TestDataInUse(t *testing.T) {
	dir := t.TempDir()
	site, err := openPlain(false)(merlon.Env{Data: dir, Mode: merlon.Test})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := attack.Site(t.Context(), openPlain(false), attack.Options{Data: dir}); !errors.Is(err, db.ErrLocked) {
		t.Errorf("got %v, want db.ErrLocked", err)
	}
	if err := site.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestClasses: a class that is none is refused with the nearest one.
func TestClasses(t *testing.T) {
	err := attack.Options{Classes: []string{"forgry"}}.Validate()
	if err == nil || !strings.Contains(err.Error(), "did you mean forgery?") {
		t.Errorf("got %v", err)
	}
}

// TestWishesThatFitNothing: with a mistyped route or role nothing would be tried, and so nothing found.
func TestWishesThatFitNothing(t *testing.T) {
	for want, o := range map[string]attack.Options{
		`no route of the site fits "/plian/*"`: {Routes: []string{"/plain/", "/plian/*"}, Classes: []string{"access"}},
		`nobody of the site's is "boad"`:       {As: []string{"user", "boad"}, Classes: []string{"access"}},
	} {
		if _, err := attack.Site(t.Context(), openPlain(false), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestLinksInData: a data folder that is a symbolic link is copied, and one within it, which is not, is told.
func TestLinksInData(t *testing.T) {
	dir, link := t.TempDir(), filepath.Join(t.TempDir(), "data")
	site, err := openPlain(false)(merlon.Env{Data: dir, Mode: merlon.Test})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(site.Start(t.Context()), site.Close(t.Context()), os.WriteFile(filepath.Join(dir, "mine.txt"), []byte("x"), 0o600),
		os.Symlink(t.TempDir(), filepath.Join(dir, "pictures")), os.Symlink(dir, link)); err != nil {
		t.Fatal(err)
	}
	copied := false
	open := func(env merlon.Env) (*merlon.Site, error) {
		if _, err := os.Stat(filepath.Join(env.Data, "mine.txt")); err == nil && strings.Contains(env.Data, "merlon-attack-") {
			copied = true
		}
		return openPlain(false)(env)
	}
	report, err := attack.Site(t.Context(), open, attack.Options{Data: link, Classes: []string{"access"}, Budget: 5 * time.Minute})
	if err != nil || !copied || !report.Unchanged {
		t.Fatalf("%v, copied %v", err, copied)
	}
	if c := tallyOf(t, report, "access"); !slices.Contains(c.Left, "the data: pictures is a symbolic link, and the copy is without it") {
		t.Errorf("left %q", c.Left)
	}
}
