package account_test

import (
	"embed"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

// keys is a part with a way to sign in: who names a user is let in.
type keys struct {
	mu   sync.Mutex
	have map[int64]int
}

type turn struct {
	User int64 `form:"min=1" label:"User"`
}

type turnPage struct{ Form form.Form[turn] }

//go:embed testdata/keys
var keyFiles embed.FS

var (
	keyPages = page.From(keyFiles, "testdata/keys")
	keyPage  = page.New[turnPage](keyPages, "key.html")
)

func showKey(*merlon.Read[account.Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Show(keyPage, turnPage{}), nil
}

func turnKey(w *merlon.Write[account.Guest], f form.Form[turn]) (*merlon.Response, error) {
	in, _ := f.Value()
	next, _ := w.Local("/private")
	return account.Enter(w, in.User, "key", next)
}

func addKey(w *merlon.Write[account.User], _ form.Form[struct{}]) (*merlon.Response, error) {
	return merlon.Redirect("/private"), account.Raise(w)
}

func (k *keys) part() merlon.Part {
	return merlon.Part{Name: "keys", Pages: keyPages,
		Routes: []merlon.Route{
			merlon.Get("/key", account.Anyone(), showKey),
			merlon.Post("/key", account.Anyone(), turnKey),
			merlon.Post("/key/add", account.SignedIn(), addKey),
		},
		Offers: account.Way{Name: "key", Manage: "/key", SignIn: "/key", Title: "account.next.label", Empty: "account.next.label",
			Count: func(_ db.Querier, user int64) (int, error) {
				k.mu.Lock()
				defer k.mu.Unlock()
				return k.have[user], nil
			}}}
}

// TestWayOfAnotherPart: whoever has a passkey and signs in by the password alone adds no factor and moves no address with it,
// and an administrator has no role: the passkey is asked.
func TestWayOfAnotherPart(t *testing.T) {
	k := &keys{have: map[int64]int{}}
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Pages: pages,
			Parts: []merlon.Part{account.New(account.Config{}), k.part()},
			Routes: []merlon.Route{
				merlon.Get("/", account.Anyone(), home),
				merlon.Get("/private", account.SignedIn(), private),
				merlon.Get("/fresh", account.SignedIn().With(account.NeedRecent()), private),
				merlon.Get("/all", account.SignedIn().With(account.NeedRecentAll()), private),
				merlon.Get("/admin", account.HasRole(account.Admin), private),
			}})
	})
	id := addUser(t, s, "cleo@example.test", account.Admin)
	k.mu.Lock()
	k.have[id] = 1
	k.mu.Unlock()
	cleo := signIn(s.Visitor(), "cleo@example.test", good).At("/sign-in/again?ask=f&next=%2F").Has("Where to go next")
	cleo.Get("/all").At("/sign-in/again?ask=a&next=%2Fall").HasNot("Continue with the password")
	cleo.Get("/account/app").Submit("/account/app/start", nil).At("/sign-in/again?ask=a&next=%2F_merlon%2Fkept")
	cleo.Get("/admin").At("/sign-in/again?ask=f&next=%2Fadmin")

	cleo.Get("/key?next=%2Fadmin").Submit("/key", merlontest.Values{"User": "1"}).At("/private")
	cleo.Get("/admin").At("/admin")
	cleo.Get("/all").At("/all")
	s.Advance(11 * time.Minute)
	cleo.Get("/all").At("/sign-in/again?ask=a&next=%2Fall")
	cleo.Get("/fresh").At("/sign-in/again?ask=1&next=%2Ffresh").Submit("/sign-in/again", merlontest.Values{"Password": good}).At("/fresh")
	cleo.Get("/all").At("/sign-in/again?ask=a&next=%2Fall") // the password alone is not all that the account is protected with
	cleo.Get("/key").Submit("/key", merlontest.Values{"User": "1"}).Get("/all").At("/all")

	// a key added in a session makes it one of two factors
	addUser(t, s, "dora@example.test", account.Admin)
	dora := signIn(s.Visitor(), "dora@example.test", good).At("/account/app?why=1&next=%2F").Has("Or another way")
	before := dora.Cookie("__Host-test-session")
	dora.Get("/key").Submit("/key/add", nil).At("/private")
	dora.Get("/admin").At("/admin")
	dora.Get("/all").At("/all")
	if dora.Cookie("__Host-test-session") == before {
		t.Error("more rights under the old token")
	}
}
