package merlon_test

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed testdata/parts
var partFiles embed.FS

// stopping is a part that notes what is done with it.
func stopping(name string, log *[]string, fails error) merlon.Part {
	p := merlon.Part{
		Start: func(context.Context, *merlon.House) error { *log = append(*log, "start "+name); return fails },
		Stop: func(ctx context.Context, h *merlon.House) error {
			if ctx.Err() != nil {
				return errors.New("the context was over before")
			}
			err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
				_, err := insertNote.Run(w, "stop", name)
				return err
			})
			*log = append(*log, "stop "+name)
			return err
		},
	}
	switch name { // names are constants of the program
	case "one":
		p.Name = "one"
	case "two":
		p.Name = "two"
	default:
		p.Name = "three"
	}
	return p
}

func openStopping(t *testing.T, parts ...merlon.Part) *merlon.Site {
	t.Helper()
	site, err := merlon.New(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Schema: siteSchema, Parts: parts})
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// Parts stop in the reverse of their order, after the tasks' last run, with the database open; a second Close stops nothing.
func TestPartsStop(t *testing.T) {
	var log []string
	two := stopping("two", &log, nil)
	two.Tasks = []merlon.Task{{Name: "two/last", Every: time.Hour, Last: true, Run: func(context.Context, *merlon.House) error {
		log = append(log, "task")
		return nil
	}}}
	site := openStopping(t, stopping("one", &log, nil), two)
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel() // whoever closes the site has no time left: the parts have theirs
	if err := site.Close(over); err != nil {
		t.Error(err)
	}
	if err := site.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if want := []string{"start one", "start two", "task", "stop two", "stop one"}; !slices.Equal(log, want) {
		t.Errorf("got %q, want %q", log, want)
	}
}

// A part that fails to stop is told, and keeps neither another part nor the database from closing.
func TestPartsStopWhenOneFails(t *testing.T) {
	var log []string
	bad, worse := stopping("two", &log, nil), stopping("three", &log, nil)
	bad.Stop = func(context.Context, *merlon.House) error { return errors.New("the pipe is stuck") }
	worse.Stop = func(context.Context, *merlon.House) error { panic("half-way") }
	site := openStopping(t, stopping("one", &log, nil), bad, worse)
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := site.Close(t.Context())
	if err == nil || !strings.Contains(err.Error(), "part two: stop: the pipe is stuck") || !strings.Contains(err.Error(), "part three: stop: panic: half-way") {
		t.Errorf("Close = %v, want both failures by name", err)
	}
	if !slices.Contains(log, "stop one") {
		t.Errorf("got %q: the first part was not stopped", log)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Errorf("after the close: %v", err)
	}
	_ = site.Close(t.Context())
}

// When a part does not start those before it are stopped, and neither it nor those behind it are.
func TestPartsStopWhenOneDoesNotStart(t *testing.T) {
	var log []string
	site := openStopping(t, stopping("one", &log, nil), stopping("two", &log, errors.New("no")), stopping("three", &log, nil))
	if err := site.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "part two: no") {
		t.Fatalf("Start = %v", err)
	}
	if want := []string{"start one", "start two", "stop one"}; !slices.Equal(log, want) {
		t.Errorf("got %q, want %q", log, want)
	}
}

// Two parts that would take each other's place are refused at New; the honest neighbours start.
func TestPartsDoNotReplaceEachOther(t *testing.T) {
	overFirst, overSecond := page.From(partFiles, "testdata/parts/over"), page.From(partFiles, "testdata/parts/own")
	home := merlon.Get("/in", merlon.Public(), plain)
	for _, c := range []struct {
		name  string
		pages *page.Files
		parts []merlon.Part
		want  string
	}{
		{"two sign-in pages", nil, []merlon.Part{{Name: "one", SignIn: "/in"}, {Name: "two", SignIn: "/other"}}, "several parts have a sign-in page: one (/in), two (/other)"},
		{"one name twice", nil, []merlon.Part{{Name: "one"}, {Name: "one"}}, `two parts have the name "one"`},
		{"one file over others' twice", nil, []merlon.Part{{Name: "one", Over: overFirst}, {Name: "two", Over: overSecond}}, "parts one and two both put a file over others' twice.html"},
		{"the site's own file before both", page.From(partFiles, "testdata/parts/own"), []merlon.Part{{Name: "one", Over: overFirst}, {Name: "two", Over: overSecond}}, ""},
		{"neighbours", nil, []merlon.Part{{Name: "one", SignIn: "/in"}, {Name: "two", Over: overFirst}}, ""},
	} {
		_, err := merlon.New(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, merlon.Config{Name: "test", Engine: sqlite.Engine("x.db"), Schema: siteSchema,
			Pages: cmp.Or(c.pages, sitePages), Parts: c.parts, Routes: append(testRoutes()[:1:1], home)})
		var faults merlon.Faults
		errors.As(err, &faults)
		found := slices.DeleteFunc(faults, func(f check.Finding) bool { return f.ID != merlon.RulePart.ID })
		switch {
		case c.want == "" && len(found) > 0:
			t.Errorf("%s: refused: %v", c.name, found)
		case c.want != "" && (len(found) != 1 || found[0].What != c.want || found[0].Where != "Config.Parts"):
			t.Errorf("%s: got %v, want %q", c.name, found, c.want)
		}
	}
}

type sealedForm struct {
	Price int64 `form:"sealed"`
}

func takeSealed(*merlon.Write[account.Guest], form.Form[sealedForm]) (*merlon.Response, error) {
	return merlon.Redirect("/"), nil
}

// An option on a route for which it means nothing is refused with its place.
func TestOptionsThatChangeNothing(t *testing.T) {
	stream := merlon.InsecureStreaming("a test of streams")
	hook := http.HandlerFunc(plainHandler)
	for _, c := range []struct {
		want  string // "": it fits
		route merlon.Route
	}{
		{"OwnLinksOnly", merlon.Post("/x", account.Anyone(), addNote, merlon.OwnLinksOnly())},
		{"OwnLinksOnly", merlon.Mount("/x/", merlon.Public(), hook, merlon.OwnLinksOnly())},
		{"Primary", merlon.Post("/x", account.Anyone(), addNote, merlon.Primary())},
		{"Primary", merlon.Mount("/x/", merlon.Public(), hook, merlon.Primary())},
		{"Embeddable", merlon.Post("/x", account.Anyone(), addNote, merlon.Embeddable("https://a.example", "r"))},
		{"Embeddable", merlon.Mount("/x/", merlon.Public(), hook, merlon.Embeddable("https://a.example", "r"))},
		{"InsecureNoToken", merlon.Get("/x", merlon.Public(), plain, merlon.InsecureNoToken("r"))},
		{"InsecureStreaming", merlon.Get("/x", merlon.Public(), plain, stream)},
		{"InsecureStreaming", merlon.Post("/x", account.Anyone(), addNote, stream)},
		{"MaxBody", merlon.Get("/x", merlon.Public(), plain, merlon.MaxBody(1<<20))},
		{"MaxBody beside InsecureStreaming", merlon.Mount("/x/", merlon.Public(), hook, merlon.MaxBody(9), stream)},
		{"a largest body of 0 bytes", merlon.Mount("/x/", merlon.Public(), hook, merlon.MaxBody(0))},
		{"has a sealed field", merlon.Post("/x", account.Anyone(), takeSealed)},
		{"JSONBody", merlon.Get("/x", merlon.Public(), plain, merlon.JSONBody())},
		{"JSONErrors", merlon.Post("/x", merlon.Public(), hookVote, merlon.JSONErrors())},
		{"JSONBody", merlon.Mount("/x/", merlon.Public(), hook, merlon.JSONBody())},
		{"", merlon.Get("/x", merlon.Public(), plain, merlon.OwnLinksOnly(), merlon.Primary(), merlon.Embeddable("https://a.example", "r"))},
		{"", merlon.Post("/x", merlon.Public(), hookVote, merlon.JSONBody(), merlon.MaxBody(9), merlon.InsecureNoToken("r"))},
		{"", merlon.Mount("/x/", merlon.Public(), hook, merlon.MaxBody(9), merlon.InsecureNoToken("r"))},
		{"", merlon.Mount("/x/", merlon.Public(), hook, stream, merlon.InsecureNoToken("r"))},
	} {
		_, err := openTestSiteWith(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, c.route)
		var faults merlon.Faults
		errors.As(err, &faults)
		switch {
		case c.want == "" && len(faults) > 0:
			t.Errorf("an option that fits is refused: %v", faults)
		case c.want != "" && (len(faults) != 1 || faults[0].ID != merlon.RuleOption.ID || !strings.Contains(faults[0].What, c.want) || !strings.HasPrefix(faults[0].Where, "part_test.go:")):
			t.Errorf("%s: got %v", c.want, faults)
		}
	}
}

// TestALackIsToldOnce: of parts that need each other in a row the missing one is told, and nothing of what they would have brought.
func TestALackIsToldOnce(t *testing.T) {
	_, err := merlon.New(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Parts: []merlon.Part{
		{Name: "first", Needs: "second", Routes: []merlon.Route{{}}},
		{Name: "second", Needs: "third", Routes: []merlon.Route{{}}},
		{Name: "other"},
	}})
	var faults check.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || faults[0].ID != merlon.RuleLacking.ID {
		t.Fatalf("told: %v", err)
	}
	if want := "add third.New(third.Config{}) to Config.Parts"; faults[0].Do != want { // the site's other parts stay
		t.Errorf("advice %q, want %q", faults[0].Do, want)
	}
}
