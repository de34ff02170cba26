package account_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/sqlite"
)

// TestHooksKnowNoStranger: what a stranger typed with somebody's address is told to no hook, so that a site keeps nothing of it under
// the number of the account that its owner gets.
func TestHooksKnowNoStranger(t *testing.T) {
	kept := map[int64]string{}
	hooks := account.Hooks{
		SignedUp: func(_ context.Context, _ *db.Writer, u account.User) error { kept[u.ID] += u.Name + ". "; return nil },
		Verified: func(_ context.Context, _ *db.Writer, u account.User) error {
			kept[u.ID] += u.Name + " verified. "
			return nil
		},
		Deleted: func(_ context.Context, _ *db.Writer, u account.User, _ time.Time) error {
			kept[u.ID] += u.Name + " deleted. "
			return nil
		},
	}
	s := merlontest.Start(t, openWith(account.Config{Hooks: hooks}))
	stranger := func(email string) *merlontest.Visitor {
		return s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Stranger", "Email": email, "Password": other})
	}
	stranger(ann)
	signUp(s, ann, good).Get(link(t, s, ann, 0)).Submit("/account/verify", nil).At("/sign-in")
	stranger("ben@example.test")
	s.Visitor().Get(link(t, s, "ben@example.test", 0)).Submit("/account/verify/anew", merlontest.Values{"Name": "Ben", "Password": good}).At("/sign-in")
	stranger("cleo@example.test").Get("/sign-up/change").Submit("/sign-up/change", merlontest.Values{"Email": "dora@example.test"})
	if want := map[int64]string{1: "Ann. Ann verified. ", 3: "Ben. Ben verified. "}; !maps.Equal(kept, want) {
		t.Errorf("the hooks were told %v, want %v", kept, want)
	}
}

// TestHooksTellNobodyWhoHasAnAccount: a site whose hooks have statements of their own takes as many for an address with an account as
// for one without. (AUTH-6)
func TestHooksTellNobodyWhoHasAnAccount(t *testing.T) {
	var counter *db.Counter
	write := func(_ context.Context, w *db.Writer, u account.User) error { return account.Rename(w, u.ID, "x") }
	hooks := account.Hooks{SignedUp: write, Verified: write, Deleted: func(ctx context.Context, w *db.Writer, u account.User, _ time.Time) error { return write(ctx, w, u) }}
	s := merlontest.Start(t, openWith(account.Config{Hooks: hooks}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if counter != nil {
				r = r.WithContext(db.Counted(r.Context(), counter))
			}
			next.ServeHTTP(w, r)
		})
	}))
	addUser(t, s, ann)
	ran := map[string][]any{}
	for _, email := range []string{ann, "new@example.test"} {
		v := s.Visitor()
		for _, action := range []string{"/sign-up", "/sign-up/change"} {
			f := v.Get(action).Fields(action)
			f.Set("Email", email)
			if action == "/sign-up" {
				f.Set("Name", "X")
				f.Set("Password", good)
			} else {
				f.Set("Email", "x"+email)
			}
			counter = &db.Counter{}
			v.Post(action, s.Site.Origin(), f).Is(303)
			ran[email] = append(ran[email], counter.Ran())
			counter = nil
		}
	}
	if !slices.Equal(ran[ann], ran["new@example.test"]) {
		t.Errorf("statements of a sign-up and a change of its address: %v with an account, %v without", ran[ann], ran["new@example.test"])
	}
}

// TestOneSignUpStopsNoSweep: one that cannot be deleted keeps neither the others nor old links waiting.
func TestOneSignUpStopsNoSweep(t *testing.T) {
	way := merlon.Part{Name: "key", Offers: account.Way{Name: "key", Manage: "/", SignIn: "/", Title: "account.next.label", Empty: "account.next.label",
		Count: func(db.Querier, int64) (int, error) { return 0, nil },
		Delete: func(_ *db.Writer, user int64) error {
			if user == 2 {
				return errors.New("it cannot be deleted")
			}
			return nil
		}}}
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Pages: pages,
			Parts: []merlon.Part{account.New(account.Config{}), way}, Routes: []merlon.Route{merlon.Get("/", account.Anyone(), home)}})
	})
	for _, e := range []string{"one@example.test", "two@example.test", "three@example.test"} {
		signUp(s, e, good).At("/sign-up/sent")
	}
	s.Advance(8 * 24 * time.Hour)
	err := account.Sweep(s.Site.House())
	if n := countUsers(t, s); n != 1 || err == nil {
		t.Errorf("%d sign-ups that nobody has proven are left, want the second: %v", n, err)
	}
}

// TestRowsAreFoundInCode: a statement that adds rows is seen in each of its forms, without data.
func TestRowsAreFoundInCode(t *testing.T) {
	for text, want := range map[string]int{
		"INSERT INTO note (text) VALUES ($1)":                                              1,
		"replace into note (text) values ($1)":                                             1,
		"WITH one AS (INSERT INTO note (text) VALUES ($1) RETURNING id) SELECT * FROM one": 1,
		"UPDATE note SET text = replace(text, $1, $2)":                                     0,
		"DELETE FROM note WHERE id = $1":                                                   0,
	} {
		found := 0
		for _, c := range account.New(account.Config{}).CodeChecks([]db.Declared{{Text: text, Where: "notes.go:7", Kind: db.KindExec}}) {
			found += len(c.Run(t.Context()))
		}
		if found != want {
			t.Errorf("%s: %d findings, want %d", text, found, want)
		}
	}
}
