package merlon_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/sqlite"
)

var acts atomic.Int64

// actsOnGet is a handler from elsewhere that does something on a GET, which Mount promises that no link of another site reaches.
func actsOnGet(w http.ResponseWriter, r *http.Request) {
	acts.Add(1)
	_, _ = w.Write([]byte("done " + r.URL.RawQuery))
}

// TestNextIsNoWayAround: another site that links to the sign-in page, with next, does not lead the visitor through it to a
// mounted handler or a page with OwnLinksOnly, which it may not link to: the guard would take the redirect of the site's own
// form for the site's own. Who was on the way there comes back.
func TestNextIsNoWayAround(t *testing.T) {
	acts.Store(0)
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return openTestSiteWith(env, merlon.Mount("/act/", account.SignedIn(), http.HandlerFunc(actsOnGet)),
			merlon.Get("/own-export", account.SignedIn(), showMine, merlon.OwnLinksOnly()))
	})
	const password = "correct horse battery"
	hash, err := account.HashFor(t.Context(), s.Site.House(), secret.New(password))
	if err != nil {
		t.Fatal(err)
	}
	s.Write(func(w *db.Writer) error {
		_, err := account.Create(w, "ann@example.test", "Ann", hash, s.Now())
		return err
	})
	signIn := func(v *merlontest.Visitor) *merlontest.Visitor {
		return v.Is(200).Submit("/sign-in", merlontest.Values{"Email": "ann@example.test", "Password": password})
	}
	linked := func(path string) *merlontest.Visitor {
		r, _ := http.NewRequest("GET", s.URL(path), nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		return s.Visitor().Do(r)
	}
	for _, link := range []string{"/sign-in?next=%2Fact%2Ftransfer%3Fto%3Deve", "/sign-in?next=%2Fown-export"} {
		if v := signIn(linked(link)); v.Path != "/" {
			t.Errorf("a link of another site to %s led to %s: %d %.40q", link, v.Path, v.Status, v.Body)
		}
	}
	if n := acts.Load(); n != 0 {
		t.Errorf("the mounted handler acted %d times", n)
	}
	for _, path := range []string{"/own-export", "/act/look?at=boats"} {
		if v := signIn(s.Visitor().Get(path)); v.Path != path || v.Status != 200 {
			t.Errorf("who was on the way to %s came to %s: %d", path, v.Path, v.Status)
		}
	}
}

// TestHomeMayBeAMount: where a sign-in leads is the program's word, not a visitor's.
func TestHomeMayBeAMount(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Parts: []merlon.Part{account.New(account.Config{Home: "/act/"})},
			Routes: []merlon.Route{merlon.Mount("/act/", account.SignedIn(), http.HandlerFunc(actsOnGet))}})
	})
	hash, err := account.HashFor(t.Context(), s.Site.House(), secret.New("correct horse battery"))
	if err != nil {
		t.Fatal(err)
	}
	s.Write(func(w *db.Writer) error {
		_, err := account.Create(w, "ann@example.test", "Ann", hash, s.Now())
		return err
	})
	s.Visitor().Get("/sign-in").Submit("/sign-in", merlontest.Values{"Email": "ann@example.test", "Password": "correct horse battery"}).At("/act/").Is(200)
}

func showMine(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Text("mine"), nil
}
