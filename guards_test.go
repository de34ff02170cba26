package merlon_test

import (
	"embed"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

// Guards that another guard stands before: each is tried here by itself.

//go:embed testdata/guards
var guardFiles embed.FS

var (
	guardPages  = page.From(guardFiles, "testdata/guards/pages")
	guardPage   = page.New[plainData](guardPages, "guards.html")
	guardCookie = merlon.NewCookie[string]("guard", time.Hour)
	guardStep   = merlon.NewStep[string]("guard", time.Hour)

	// boardDid counts how often the handler of POST /board ran.
	boardDid atomic.Int64
)

func keepGuard(w *merlon.Write[account.Guest], _ form.Form[struct{}]) (*merlon.Response, error) {
	return merlon.Redirect("/"), guardCookie.Set(w, "of the cookie")
}

func tradeGuard(*merlon.Read[account.Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Trade(guardStep, "of the step", "/"), nil
}

func showGuards(r *merlon.Read[account.Guest], _ merlon.None) (*merlon.Response, error) {
	cookie, _ := guardCookie.Get(r)
	step, _ := guardStep.Get(r)
	return merlon.Show(guardPage, plainData{cookie + " " + step}), nil
}

func boardDoes(*merlon.Write[account.User], form.Form[struct{}]) (*merlon.Response, error) {
	boardDid.Add(1)
	return merlon.Redirect("/"), nil
}

func openGuarded(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: guardPages, Schema: noStatements,
		Parts: []merlon.Part{account.New(account.Config{})},
		Routes: []merlon.Route{
			merlon.Get("/", account.Anyone(), showGuards),
			merlon.Get("/trade", account.Anyone(), tradeGuard),
			merlon.Post("/keep", account.Anyone(), keepGuard),
			merlon.Post("/board", account.HasRole("board"), boardDoes),
		}})
}

// TestSealedCookiesEnd: a cookie and a step end by the time that is sealed into them, whatever the browser does with Max-Age,
// and a step after a quarter of an hour, whatever it was declared with.
func TestSealedCookiesEnd(t *testing.T) {
	s := merlontest.Start(t, openGuarded)
	v := s.Visitor().Get("/").Submit("/keep", nil).Get("/trade").At("/").Has("of the cookie", "of the step")
	s.Advance(14 * time.Minute)
	v.Get("/").Has("of the cookie", "of the step")
	s.Advance(time.Minute)
	v.Get("/").Has("of the cookie").HasNot("of the step")
	s.Advance(45 * time.Minute)
	v.Get("/").HasNot("of the cookie")
}

// TestAccessOfAForm: a form that stands on a page for everybody, with a token that is good, is refused to those whom its own
// route does not let in.
func TestAccessOfAForm(t *testing.T) {
	s := merlontest.Start(t, openGuarded)
	before := boardDid.Load()
	s.Visitor().Get("/").Submit("/board", nil).At("/sign-in")
	s.SignedIn("Ann").Get("/").Submit("/board", nil).Is(http.StatusForbidden)
	if n := boardDid.Load() - before; n != 0 {
		t.Errorf("the board's handler ran %d times for others", n)
	}
	s.SignedIn("Ben", "board").Get("/").Submit("/board", nil).At("/")
	if n := boardDid.Load() - before; n != 1 {
		t.Errorf("the board's handler ran %d times for the board, want once", n)
	}
}
