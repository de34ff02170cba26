package attack_test

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
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

// Everybody's own items, which a page lists for their owner alone, and a board on which all may like all, and which shows each what
// they have not liked yet, others' first.
type (
	Item struct {
		ID    int64
		Title string
	}
	NewItem struct {
		Title string `form:"required,max=100"`
	}
	ItemPath struct {
		ID int64 `path:"id"`
	}
	Rename struct {
		ID    int64  `form:"required"`
		Title string `form:"max=100"`
	}
	Owned struct {
		Owner int64 `form:"hidden,required"`
	}
	ItemsPage struct {
		Items []Item
		Form  form.Form[NewItem]
		Clear form.Form[Owned]
	}
)

//go:embed testdata/rows
var rowFiles embed.FS

var (
	rowPages   = page.From(rowFiles, "testdata/rows/pages")
	rowSchema  = db.From(rowFiles, "testdata/rows/migrations")
	minePage   = page.New[ItemsPage](rowPages, "mine.html")
	boardPage  = page.New[ItemsPage](rowPages, "board.html")
	mineItems  = db.Query[Item](rowSchema, "SELECT id, title FROM item WHERE owner = $1 ORDER BY id DESC LIMIT 50")
	boardItems = db.Query[Item](rowSchema, "SELECT id, title FROM item WHERE id NOT IN (SELECT item FROM liked WHERE who = $1) ORDER BY owner = $1, id DESC LIMIT 50")
	addItem    = db.Exec(rowSchema, "INSERT INTO item (owner, title) VALUES ($1, $2)")
	likeItem   = db.Exec(rowSchema, "UPDATE item SET likes = likes + 1 WHERE id = $1")
	noteLike   = db.Exec(rowSchema, "INSERT INTO liked (item, who) VALUES ($1, $2) ON CONFLICT DO NOTHING")
	oneItem    = db.Query[Item](rowSchema, "SELECT id, title FROM item WHERE id = $1 AND (owner = $2 OR $3)")
	clearItems = db.Exec(rowSchema, "DELETE FROM item WHERE owner = $1")
	itemPage   = page.New[Item](rowPages, "item.html")
	dropAny    = db.Exec(rowSchema, "DELETE FROM item WHERE id = $1")
	dropMine   = db.Exec(rowSchema, "DELETE FROM item WHERE id = $1 AND owner = $2")
	nameAny    = db.Exec(rowSchema, "UPDATE item SET title = $1 WHERE id = $2")
	nameMine   = db.Exec(rowSchema, "UPDATE item SET title = $1 WHERE id = $2 AND owner = $3")
)

func showMine(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	list, err := mineItems.All(r.DB, r.User.ID)
	return merlon.Show(minePage, ItemsPage{Items: list, Clear: form.New(Owned{r.User.ID})}), err
}

// showItem shows an item to its owner, showAny to everybody who is signed in.
func showItem(r *merlon.Read[account.User], in ItemPath) (*merlon.Response, error) {
	one, err := oneItem.One(r.DB, in.ID, r.User.ID, false)
	return merlon.Show(itemPage, one), err
}

func showAny(r *merlon.Read[account.User], in ItemPath) (*merlon.Response, error) {
	one, err := oneItem.One(r.DB, in.ID, r.User.ID, true)
	return merlon.Show(itemPage, one), err
}

// clearMine takes all of a user's items away, clearAny of whomever the form names.
func clearMine(w *merlon.Write[account.User], _ form.Form[Owned]) (*merlon.Response, error) {
	_, err := clearItems.Run(w.DB, w.User.ID)
	return merlon.Redirect("/mine"), err
}

func clearAny(w *merlon.Write[account.User], f form.Form[Owned]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := clearItems.Run(w.DB, in.Owner)
	return merlon.Redirect("/mine"), err
}

func showBoard(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	list, err := boardItems.All(r.DB, r.User.ID)
	return merlon.Show(boardPage, ItemsPage{Items: list}), err
}

func postItem(w *merlon.Write[account.User], f form.Form[NewItem]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, minePage, ItemsPage{Form: f}), nil
	}
	_, err := addItem.Run(w.DB, w.User.ID, in.Title)
	return merlon.Redirect("/board"), err // not where the forms of one's own stand
}

func postLike(w *merlon.Write[account.User], f form.Form[ItemPath]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := likeItem.Run(w.DB, in.ID)
	if err == nil {
		_, err = noteLike.Run(w.DB, in.ID, w.User.ID)
	}
	return merlon.Redirect("/board"), err
}

func removeMine(w *merlon.Write[account.User], f form.Form[ItemPath]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := dropMine.Run(w.DB, in.ID, w.User.ID)
	return merlon.Redirect("/mine"), err
}

func renameMine(w *merlon.Write[account.User], f form.Form[Rename]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := nameMine.Run(w.DB, in.Title, in.ID, w.User.ID)
	return merlon.Redirect("/mine"), err
}

// removeAny and renameAny are removeMine and renameMine without the owner in their statements.
func removeAny(w *merlon.Write[account.User], f form.Form[ItemPath]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := dropAny.Run(w.DB, in.ID)
	return merlon.Redirect("/mine"), err
}

func renameAny(w *merlon.Write[account.User], f form.Form[Rename]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := nameAny.Run(w.DB, in.Title, in.ID)
	return merlon.Redirect("/mine"), err
}

// guards are those that a site of items lacks, and a form to which no page leads.
type guards struct{ drop, rename, clear, read, unlinked bool }

func openItems(without guards) func(merlon.Env) (*merlon.Site, error) {
	return openItemsOn(sqlite.Engine("items.db"), without)
}

func openItemsOn(engine db.Engine, without guards) func(merlon.Env) (*merlon.Site, error) {
	remove, change, show, clear := removeMine, renameMine, showItem, clearMine
	if without.read {
		show = showAny
	}
	if without.clear {
		clear = clearAny
	}
	if without.drop {
		remove = removeAny
	}
	if without.rename {
		change = renameAny
	}
	routes := []merlon.Route{
		merlon.Get("/mine", account.SignedIn(), showMine),
		merlon.Get("/board", account.SignedIn(), showBoard),
		merlon.Get("/items/{id}", account.SignedIn(), show),
		merlon.Post("/mine/clear", account.SignedIn(), clear),
		merlon.Post("/items", account.SignedIn(), postItem),
		merlon.Post("/board/{id}/like", account.SignedIn(), postLike),
		merlon.Post("/mine/remove/{id}", account.SignedIn(), remove),
		merlon.Post("/mine/rename", account.SignedIn(), change),
	}
	if without.unlinked {
		routes = append(routes, merlon.Post("/nowhere/{id}", account.SignedIn(), postLike))
	}
	return func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "items", Engine: engine, Pages: rowPages, Schema: rowSchema, Parts: []merlon.Part{account.New(account.Config{})}, Routes: routes})
	}
}

// TestOthersRows: a form that only the owner of a row is shown is sent as another user, and the row tells whether it was guarded;
// what everybody may do to everybody's rows is no finding, and every form was sent.
func TestOthersRows(t *testing.T) {
	for name, c := range map[string]struct {
		without guards
		want    []string
	}{
		"sound":         {},
		"removes any":   {guards{drop: true}, []string{"POST /mine/remove/{id}"}},
		"renames any":   {guards{rename: true}, []string{"POST /mine/rename"}},
		"both are open": {guards{drop: true, rename: true}, []string{"POST /mine/remove/{id}", "POST /mine/rename"}},
		"clears any":    {guards{clear: true}, []string{"POST /mine/clear"}}, // by a form without a row's id, which an honest user spends their rows with
		"the page, too": {guards{drop: true, read: true}, []string{"GET /items/{id}", "POST /mine/remove/{id}"}},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := attack.Site(t.Context(), openItems(c.without), attack.Options{Classes: []string{"access"}, Budget: 5 * time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range report.Findings {
				got = append(got, f.Route)
				if f.ID == attack.RuleOthersDeed.ID && (!strings.Contains(f.Curl, "'Cookie: ") || !strings.Contains(f.Curl, "merlon_token=")) {
					t.Errorf("%s: it cannot be repeated: %s", f.Text(), f.Curl)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) || len(report.Coverage.Blank) > 0 {
				t.Errorf("found %q, want %q; blank %v\n%s", got, c.want, report.Coverage.Blank, report.Coverage)
			}
		})
	}
}

// dim is an engine whose rows cannot be read at some times.
type dim struct {
	db.Engine
	times int
	dark  func(times int) bool
	why   error
}

// RowSums implements [db.RowSummer].
func (d *dim) RowSums(ctx context.Context, most int) (map[db.RowKey][sha256.Size]byte, error) {
	if d.times++; d.dark(d.times) {
		return nil, d.why
	}
	return d.Engine.(db.RowSummer).RowSums(ctx, most)
}

// TestUnreadableRows: where rows cannot be read before or after a try nothing is told of them, but that it was not looked.
func TestUnreadableRows(t *testing.T) {
	broken := errors.New("disk I/O error")
	for name, d := range map[string]*dim{
		"before":   {why: broken, dark: func(n int) bool { return n%2 == 1 }},
		"after":    {why: broken, dark: func(n int) bool { return n%2 == 0 }},
		"at times": {why: broken, dark: func(n int) bool { return n%3 == 0 }},
		"too many": {why: db.ErrManyRows, dark: func(int) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			d.Engine = sqlite.Engine("items.db")
			report, err := attack.Site(t.Context(), openItemsOn(d, guards{}), attack.Options{Classes: []string{"access"}, Budget: 5 * time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range report.Findings {
				t.Errorf("invented: %s", f.Text())
			}
			told := strings.Join(report.Coverage.NotReached, "\n")
			if verdict := tally(report, "access").Verdict; verdict != "OPEN" || !strings.Contains(told, "the rows of the data cannot be compared: "+d.why.Error()) {
				t.Errorf("the class is %s; not reached:\n%s", verdict, told)
			}
			if d.why == db.ErrManyRows && d.times != 1 {
				t.Errorf("rows were read %d times, and are too many", d.times)
			}
		})
	}
}

// tally is what a class of a report tried.
func tally(report *attack.Report, class string) attack.Tally {
	for _, c := range report.Coverage.Classes {
		if c.Class == class {
			return c
		}
	}
	return attack.Tally{}
}

// TestUnreachedFails: a test fails for a route of the site's own to which no form led, with words of what to do, unless it is named.
func TestUnreachedFails(t *testing.T) {
	quick := func(o *attack.Options) { o.Classes = []string{"access"} }
	said := &recorder{ctx: t.Context()}
	attack.Test(said, openItems(guards{unlinked: true}), quick)
	if got := said.errors(); len(got) != 1 || !strings.Contains(got[0], "no page that the attacker was shown has a form that is sent to /nowhere/{id}") || strings.Contains(got[0], "Typed") {
		t.Errorf("the test says %q", got)
	}
	said = &recorder{ctx: t.Context()}
	attack.Test(said, openItems(guards{unlinked: true}), quick, attack.Unfilled("/nowhere/{id}", "TestNowhere"))
	if got := said.errors(); len(got) != 0 {
		t.Errorf("the test says %q, and the route is named", got)
	}
}
