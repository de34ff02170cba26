package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/examples/leaky/site"
	"github.com/merlon-web/merlon/sqlite"
)

// openMounted is a site of Merlon's in which the public pages of the broken twin are mounted.
func openMounted(t *testing.T) func(merlon.Env) (*merlon.Site, error) {
	return func(env merlon.Env) (*merlon.Site, error) {
		folder := filepath.Join(env.Data, "leaky")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
		inner, err := site.New(site.Config{Folder: folder})
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { inner.Close() })
		everybody := merlon.Public()
		routes := []merlon.Route{
			merlon.Mount("/news", everybody, inner),
			merlon.Mount("/news/", everybody, inner),
			merlon.Mount("/events", everybody, inner),
			merlon.Mount("/events/", everybody, inner),
			merlon.Mount("/search", everybody, inner),
			merlon.Mount("/contact", everybody, inner),
			merlon.Mount("/out", everybody, inner),
			merlon.Mount("/sponsors/", everybody, inner),
			merlon.Mount("/login", everybody, inner),
			merlon.Mount("/logout", everybody, inner),
			merlon.Mount("/signup", everybody, inner),
			merlon.Mount("/forgot", everybody, inner),
			merlon.Mount("/reset", everybody, inner),
			merlon.Mount("/handbook", everybody, inner),
			merlon.Mount("/handbook/", everybody, inner),
			merlon.Mount("/api/", everybody, inner),
			merlon.Mount("/static/", everybody, inner),
			merlon.Mount("/debug/", everybody, inner),
			merlon.Mount("/version", everybody, inner),
		}
		return merlon.New(env, merlon.Config{Name: "leaky", Engine: sqlite.Engine("outer.db"), Parts: []merlon.Part{account.New(account.Config{})}, Routes: routes})
	}
}

// closed are holes of the public pages that mounting closes: what stands before a handler is Merlon's then.
var closed = strings.Fields("L12 L21 L30 L31 L42 L44 L57 L64 L65 L66")

// open are holes of the public pages that mounting leaves: what a handler does with a visitor's words is its own.
var open = strings.Fields("L23 L29 L34 L41 L43 L74")

// TestAttackedMounted attacks the broken twin inside a site of Merlon's, as a stranger: its own members cannot sign in there,
// since no form of it has the token that a mount asks for.
func TestAttackedMounted(t *testing.T) {
	t.Parallel()
	report, err := attack.Site(t.Context(), openMounted(t), attack.Options{As: []string{"anonymous"}, Budget: 5 * time.Minute, Classes: []string{"platform", "output", "forgery", "injection"},
		Routes: strings.Fields("/news* /search /handbook* /api/* /out /login /logout /signup /contact /forgot /reset /debug/* /static/ /version /sponsors/ /events*")})
	if err != nil {
		t.Fatal(err)
	}
	found, invented := tally(report)
	var ids []string
	for id := range found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	t.Logf("found %v\n%s", ids, report.Coverage)
	for _, f := range invented {
		t.Errorf("invented %s %s: %s", f.ID, f.Route, f.What)
	}
	for _, id := range closed {
		if f, ok := found[id]; ok {
			t.Errorf("%s is not closed: %s %s: %s", id, f.ID, f.Route, f.What)
		}
	}
	for _, id := range open {
		if _, ok := found[id]; !ok {
			t.Errorf("%s was not found", id)
		}
	}
}
