package merlon_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A site with one of each fault that New refuses.

type wrongNote struct {
	ID    int64
	Titel string // no such column
}

type userRow struct {
	ID   int64
	Text string `form:"required,max=10"`
}

type noLimit struct {
	Text string `form:"required" label:"Text"`
}

type wrongData struct{ Title string }

var (
	wrongPages  = page.From(siteFiles, "testdata/refused/pages")
	wrongSchema = db.From(siteFiles, "testdata/site/migrations")
	wrongField  = page.New[wrongData](wrongPages, "field.html")
	wrongLink   = page.New[wrongData](wrongPages, "link.html")
	missingPage = page.New[wrongData](wrongPages, "mising.html")
	wrongForm   = page.New[wrongData](wrongPages, "form.html")

	wrongColumn = db.Query[note](wrongSchema, "SELECT id, txet AS text FROM note LIMIT 1")
	wrongRow    = db.Query[wrongNote](wrongSchema, "SELECT id, text FROM note LIMIT 1")
	wrongQuery  = db.Query[note](wrongSchema, "DELETE FROM note RETURNING id, text")
	rowQuery    = db.Query[userRow](wrongSchema, "SELECT id, text FROM note LIMIT 1")
)

func rowForm(w *merlon.Write[merlon.Visitor], _ form.Form[userRow]) (*merlon.Response, error) {
	return merlon.Redirect("/"), nil
}

func limitless(w *merlon.Write[merlon.Visitor], f form.Form[noLimit]) (*merlon.Response, error) {
	if _, ok := f.Value(); !ok {
		return merlon.Redirect("//evil.example/"), nil
	}
	return merlon.Redirect("/inlin"), nil
}

func openRefused(env merlon.Env) (*merlon.Site, error) {
	_, _, _, _, _, _, _, _ = wrongField, wrongLink, missingPage, wrongForm, wrongColumn, wrongRow, wrongQuery, rowQuery
	return merlon.New(env, merlon.Config{Name: "Refused!", Engine: sqlite.Engine("x.db"), Pages: wrongPages, Schema: wrongSchema,
		Routes: []merlon.Route{
			merlon.Get("/", merlon.Public(), plain),
			merlon.Get("/", merlon.Public(), plain),
			merlon.Get("/inline", merlon.Public(), func(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) { return nil, nil }),
			merlon.Get("/open", merlon.Access[merlon.Visitor]{}, plain),
			merlon.Post("/row", merlon.Public(), rowForm),
			merlon.Post("/limitless", merlon.Public(), limitless),
			merlon.Get("/framed", merlon.Public(), plain, merlon.Embeddable("https://partner.example", "")),
		}})
}

var lineNumber = regexp.MustCompile(`(?:[\w.-]+/)?(refuse_test)\.go:\d+`)

func TestNewRefusesAllAtOnce(t *testing.T) {
	site, err := openRefused(merlon.Env{Mode: merlon.Test, Data: t.TempDir()})
	var faults check.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("New = %v, want faults", err)
	}
	// sorted without the name of the checkout's folder, which stands before the file's
	blocks := strings.Split(lineNumber.ReplaceAllString(faults.Error(), "$1.go:LINE"), "\n\n")
	slices.Sort(blocks)
	got := strings.Join(blocks, "\n\n") + "\n"
	golden := filepath.Join("testdata", "refused", "golden.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("New says:\n%s\nwant:\n%s\n(go test -run %s -update rewrites it)", got, want, t.Name())
	}
	for _, f := range faults {
		if f.Where == "" || f.Do == "" || f.ID == "" {
			t.Errorf("a finding lacks its place, remedy or id: %+v", f)
		}
	}
	if err := site.Start(context.Background()); err == nil {
		t.Error("a site with faults started")
	}
	if n := len(site.Check(context.Background()).Findings(check.Low)); n < len(faults) {
		t.Errorf("check shows %d findings of %d", n, len(faults))
	}
}

func TestStartRefusesAPendingMigration(t *testing.T) {
	dir := t.TempDir()
	start := func(more bool) error {
		cfg := merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Schema: siteSchema, Pages: sitePages,
			Parts: []merlon.Part{account.New(account.Config{})}, Routes: testRoutes()}
		if !more {
			cfg.Parts = nil
			cfg.Pages = nil
			cfg.Routes = nil
		}
		site, err := merlon.New(merlon.Env{Mode: merlon.Test, Data: dir}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := site.Start(context.Background()); err != nil {
			return err
		}
		return site.Close(context.Background())
	}
	if err := start(false); err != nil {
		t.Fatal(err)
	}
	err := start(true)
	if !errors.Is(err, merlon.ErrPending) || !strings.Contains(err.Error(), "account/0001_users.sql") || !strings.Contains(err.Error(), "migrate up") {
		t.Fatalf("Start = %v, want the pending migration by name and the command", err)
	}
}

// A migration that has run and whose file was changed since: the start is refused with the file's name, until it is put back.
func TestStartRefusesAnEditedMigration(t *testing.T) {
	dir := t.TempDir()
	start := func(schema *db.Schema) error {
		site, err := merlon.New(merlon.Env{Mode: merlon.Test, Data: dir}, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Schema: schema})
		if err != nil {
			t.Fatal(err)
		}
		if err := site.Start(context.Background()); err != nil {
			return err
		}
		return site.Close(context.Background())
	}
	if err := start(siteSchema); err != nil {
		t.Fatal(err)
	}
	err := start(db.From(siteFiles, "testdata/refused/edited"))
	var edited *db.EditedError
	if !errors.As(err, &edited) || len(edited.Findings) == 0 || edited.Findings[0].ID != db.RuleEdited.ID {
		t.Fatalf("Start = %v, want the edited migration", err)
	}
	if f := edited.Findings[0]; !strings.HasPrefix(f.Where, "testdata/refused/edited/0001_") || !strings.Contains(f.Do, "put the file back") {
		t.Errorf("the finding is %v, want the file and what to do", f)
	}
	if err := start(siteSchema); err != nil {
		t.Errorf("with the file put back: %v", err)
	}
}

func TestStartRefusesASecondOnTheSameFile(t *testing.T) {
	dir := t.TempDir()
	open := func() *merlon.Site {
		site, err := openTestSite(merlon.Env{Mode: merlon.Test, Data: dir})
		if err != nil {
			t.Fatal(err)
		}
		return site
	}
	first, second := open(), open()
	if err := first.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer first.Close(context.Background())
	if err := second.Start(context.Background()); !errors.Is(err, db.ErrLocked) {
		t.Fatalf("the second start: %v, want ErrLocked", err)
	}
}

func TestDeclarationsAreSealed(t *testing.T) { // SQL-8
	site := openedSite(t)
	if err := site.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer site.Close(context.Background())
	defer func() {
		if p := recover(); p == nil {
			t.Error("a query laundered through a generic helper was declared after the start")
		}
	}()
	launder[note](siteSchema)
}

// launder is the trick that the seal is for: a conversion that the compiler allows inside a generic function is not needed;
// reflection or a generic constant type would do. Here any late declaration stands for it.
func launder[Row any](s *db.Schema) { db.Query[Row](s, "SELECT id, text FROM note LIMIT 1") }

// TestRoutesOfALackingPart: who asks for the users of a part that is not there would let nobody in, and is told so at the start.
func TestRoutesOfALackingPart(t *testing.T) {
	_, err := merlon.New(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: noPages, Schema: noStatements, Routes: []merlon.Route{
		merlon.Get("/mine", account.SignedIn(), private), merlon.Get("/board", account.HasRole("board"), boardOnly)}})
	for _, want := range []string{`route "GET /mine" asks for "signed in", and the site lacks the part "account"`, `route "GET /board" asks for "signed in + role board"`, "account.New(account.Config{})", "MRL-ROUTE-002"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the start says %v, want %s", err, want)
		}
	}
}
