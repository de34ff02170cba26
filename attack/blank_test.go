package attack_test

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

// Everybody's own books, with the limits that such forms have.
type (
	Book struct {
		ID    int64
		Title string
	}
	NewBook struct {
		Title string `form:"required,max=100,min=30"`
		Shelf string `form:"required,max=5"`
		Since string `form:"required,date,max=2026-12-31"`
		Year  int    `form:"required,min=1400,max=2100"`
	}
	BookChange struct {
		ID   int64 `path:"id"`
		Year int   `form:"required,min=1400,max=2100"`
	}
	Loan struct {
		Number string `form:"required,max=20"`
	}
	BooksPage struct {
		Books []Book
		Form  form.Form[NewBook]
	}
	BookPage struct {
		ID    int64
		Title string
		Form  form.Form[BookChange]
	}
	BookPath struct {
		ID int64 `path:"id"`
	}
	LendPage struct{ Form form.Form[Loan] }
)

//go:embed testdata/books
var bookFiles embed.FS

var (
	bookPages  = page.From(bookFiles, "testdata/books/pages")
	bookSchema = db.From(bookFiles, "testdata/books/migrations")
	booksPage  = page.New[BooksPage](bookPages, "books.html")
	bookPage   = page.New[BookPage](bookPages, "book.html")
	lendPage   = page.New[LendPage](bookPages, "lend.html")
	allBooks   = db.Query[Book](bookSchema, "SELECT id, title FROM book WHERE owner = $1")
	oneBook    = db.Query[Book](bookSchema, "SELECT id, title FROM book WHERE owner = $1 AND id = $2")
	insertBook = db.Returning[int64](bookSchema, "INSERT INTO book (owner, title, year) VALUES ($1, $2, $3) RETURNING id")
	ownBook    = db.Exec(bookSchema, "UPDATE book SET year = $1 WHERE owner = $2 AND id = $3")
	anyBook    = db.Query[Book](bookSchema, "SELECT id, title FROM book WHERE id = $1")
)

const lentNumber = "978-3-16-148410-0"

func books(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	list, err := allBooks.All(r.DB, r.User.ID)
	return merlon.Show(booksPage, BooksPage{Books: list}), err
}

func addBook(w *merlon.Write[account.User], f form.Form[NewBook]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, booksPage, BooksPage{Form: f}), nil
	}
	id, err := insertBook.Run(w.DB, w.User.ID, in.Title, in.Year)
	return merlon.Redirect("/books/{id}", id), err
}

func book(r *merlon.Read[account.User], in BookPath) (*merlon.Response, error) {
	b, err := oneBook.One(r.DB, r.User.ID, in.ID)
	return merlon.Show(bookPage, BookPage{ID: b.ID, Title: b.Title}), err
}

func change(w *merlon.Write[account.User], f form.Form[BookChange]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, bookPage, BookPage{ID: in.ID, Form: f}), nil
	}
	done, err := ownBook.Run(w.DB, in.Year, w.User.ID, in.ID)
	if err == nil && done.Rows == 0 {
		err = db.ErrNoRow
	}
	return merlon.Redirect("/"), err
}

// anyones is book without the owner in its statement.
func anyones(r *merlon.Read[account.User], in BookPath) (*merlon.Response, error) {
	b, err := anyBook.One(r.DB, in.ID)
	return merlon.Show(bookPage, BookPage{ID: b.ID, Title: b.Title}), err
}

func lend(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Show(lendPage, LendPage{}), nil
}

func lent(_ *merlon.Write[account.User], f form.Form[Loan]) (*merlon.Response, error) {
	if in, ok := f.Value(); !ok || in.Number != lentNumber {
		return merlon.ShowStatus(422, lendPage, LendPage{f.Reject("Number", "No book has this number.")}), nil
	}
	return merlon.Redirect("/"), nil
}

func openBooks(hole bool) func(merlon.Env) (*merlon.Site, error) {
	show := book
	if hole {
		show = anyones
	}
	return func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "books", Engine: sqlite.Engine("books.db"), Pages: bookPages, Schema: bookSchema, Parts: []merlon.Part{account.New(account.Config{})},
			Routes: []merlon.Route{
				merlon.Get("/", account.SignedIn(), books),
				merlon.Post("/books", account.SignedIn(), addBook),
				merlon.Get("/books/{id}", account.SignedIn(), show),
				merlon.Post("/books/{id}", account.SignedIn(), change),
				merlon.Get("/lend", account.SignedIn(), lend),
				merlon.Post("/lend", account.SignedIn(), lent),
			}})
	}
}

// TestBehindLimits: a form whose fields have ordinary limits hides no hole, and what it takes is told where nothing that is made up is taken.
func TestBehindLimits(t *testing.T) {
	o := attack.Options{Routes: []string{"/books*", "/lend"}, Classes: []string{"access"}, Budget: 5 * time.Minute}
	report, err := attack.Site(t.Context(), openBooks(true), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) != 1 || report.Findings[0].ID != attack.RuleOthersPage.ID || report.Findings[0].Route != "GET /books/{id}" {
		t.Errorf("another one's book that is shown was not found: %v\n%s", report.Findings, report.Coverage)
	}
	blank := []attack.Blank{{Route: "POST /lend", Page: "/lend", Said: "Number: No book has this number.", Sent: true, Fields: 1}}
	told := "form /lend of /lend: nothing that was filled in was accepted (Number: No book has this number.): what lies behind it was not seen"
	if got := report.Coverage; !slices.Equal(got.Blank, blank) || !slices.Contains(got.NotReached, told) {
		t.Errorf("blank: %v\n%s", got.Blank, got)
	}
	attack.Typed("/lend", "Number", lentNumber)(&o)
	report, err = attack.Site(t.Context(), openBooks(false), o)
	if err != nil || len(report.Findings) != 0 || len(report.Coverage.Blank) != 0 {
		t.Errorf("%v, findings %v\n%s", err, report.Findings, report.Coverage)
	}
}

// TestTestFailsForBlanks: a test does not pass in silence over a form behind which nothing was seen, unless a reason is given.
func TestTestFailsForBlanks(t *testing.T) {
	for name, c := range map[string]struct {
		more []attack.Choice
		want string
	}{
		"silent":   {nil, "POST _lend: the form of /lend that is sent to /lend accepted nothing"},
		"reason":   {[]attack.Choice{attack.Unfilled("/lend", "TestLend looks at it")}, ""},
		"none":     {[]attack.Choice{attack.Unfilled("/lend", " ")}, "has no reason"},
		"nowhere":  {[]attack.Choice{attack.Unfilled("/lent", "x")}, "did you mean /lend?"},
		"no field": {[]attack.Choice{attack.Typed("/lend", "Nummber", "x")}, "did you mean Number?"},
	} {
		said := &recorder{ctx: t.Context()}
		quick := func(o *attack.Options) { o.Classes, o.Routes = []string{"access"}, []string{"/lend"} }
		attack.Test(said, openBooks(false), append(c.more, quick)...)
		if got := strings.Join(said.errors(), "\n"); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: the test says %q, want %q", name, got, c.want)
		}
	}
}

// A recorder is a test that only notes what it would fail for.
type recorder struct {
	ctx  context.Context
	name string
	said *[]string
}

func (r *recorder) errors() []string {
	if r.said == nil {
		return nil
	}
	return *r.said
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Logf(string, ...any)      {}
func (r *recorder) Skipf(string, ...any)     {}
func (r *recorder) Errorf(format string, args ...any) {
	if r.said == nil {
		r.said = new([]string)
	}
	*r.said = append(*r.said, r.name+": "+fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...) }
func (r *recorder) Run(name string, f func(*recorder)) bool {
	if r.said == nil {
		r.said = new([]string)
	}
	f(&recorder{ctx: r.ctx, name: name, said: r.said})
	return true
}
