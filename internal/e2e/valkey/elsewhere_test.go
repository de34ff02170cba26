package valkey_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/internal/e2e/valkeypeer"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/postgres"
	"github.com/merlon-web/merlon/session"
)

// TestElsewhere: what one process does to a user holds at the other with the user's next request, wherever sessions are: nothing of
// theirs waits in the other's memory, though it has just been used there.
func TestElsewhere(t *testing.T) {
	pg := pgpeer.Shared(t)
	for _, where := range []string{"sessions in the database", "sessions on a server"} {
		t.Run(where, func(t *testing.T) {
			name, dir := pg.Database(t), t.TempDir()
			how := func(env merlon.Env) (*merlon.Site, error) {
				return site.OpenOn(env, postgres.Engine(pg.Config(name)))
			}
			if where == "sessions on a server" {
				how = onServers(pg, name, valkeypeer.Start(t))
			}
			one, two := merlontest.StartIn(t, dir, how), merlontest.StartIn(t, dir, how)
			h := one.Site.House()
			const cookie = "__Host-club-session"
			user := func(name string, roles ...string) (here, there *merlontest.Visitor) { // the same browser at both
				here, there = one.SignedIn(name, roles...), two.Visitor()
				there.SetCookie(cookie, here.Cookie(cookie))
				for range 3 {
					here.Get("/members").At("/members")
					there.Get("/members").At("/members")
				}
				return here, there
			}
			gone := func(v *merlontest.Visitor) {
				t.Helper()
				v.Get("/members").At("/sign-in?next=%2Fmembers")
			}
			roles := func(v *merlontest.Visitor, roles string) { // past the house: the session goes on
				pg.Exec(t, name, fmt.Sprintf("UPDATE merlon_user SET roles = '%s' WHERE id = %d", roles, v.UserID))
			}

			here, there := user("Ann")
			there.Get("/board").Is(403)
			roles(here, "board")
			there.Get("/board").Is(200)
			roles(here, "")
			there.Get("/board").Is(403)
			here.Get("/account/name").Submit("/account/name", merlontest.Values{"Name": "Ann of the other side"}).Is(200)
			there.Get("/account").Has("Ann of the other side")

			here, there = user("Ben", "board")
			there.Get("/board").Is(200)
			one.Write(func(w *db.Writer) error { return account.SetRoles(h, w, here.UserID) })
			gone(there)

			here, there = user("Cid")
			one.Write(func(w *db.Writer) error { return account.Disable(h, w, here.UserID, true) })
			gone(there)

			here, there = user("Dan")
			one.Write(func(w *db.Writer) error { _, err := h.Sessions.EndUser(w, here.UserID, "a test"); return err })
			gone(there)

			here, there = user("Eve")
			here.Get("/account/leave").Submit("/account/leave", merlontest.Values{"Sure": "on"}).At("/")
			gone(there)

			here, there = user("Fay")
			load := func(at *merlontest.Server, from db.Querier) *session.State {
				r, err := http.NewRequest("GET", "/", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.AddCookie(&http.Cookie{Name: cookie, Value: here.Cookie(cookie)})
				state, err := at.Site.House().Sessions.Load(from, r)
				if err != nil || !state.Live() {
					t.Fatalf("the session: %v", err)
				}
				return state
			}
			for _, value := range []string{"first", "second"} {
				one.Write(func(w *db.Writer) error {
					sw, err := h.Sessions.Begin(load(one, w), w)
					if err != nil {
						return err
					}
					canary.Set(sw, value)
					return sw.Save()
				})
				two.Read(func(r *db.Reader) error {
					if got, _ := canary.Get(load(two, r).Reader()); got != value {
						t.Errorf("the session holds %q at the other process, want %q", got, value)
					}
					return nil
				})
			}
			there.Get("/members").At("/members")
		})
	}
}
