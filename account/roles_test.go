package account_test

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed testdata/roles
var roleFiles embed.FS

type giveRoles struct {
	User int64  `form:"min=1" label:"User"`
	Role string `form:"max=40" label:"Role"`
	Fail bool   `form:"" label:"Fail"`
}

type rolesPage struct{ Form form.Form[giveRoles] }

var (
	rolePages = page.From(roleFiles, "testdata/roles")
	roleView  = page.New[rolesPage](rolePages, "roles.html")
)

func showRoles(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Show(roleView, rolesPage{}), nil
}

func showRolesToAnyone(*merlon.Read[account.Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Show(roleView, rolesPage{}), nil
}

func changeRoles(w *merlon.Write[account.User], f form.Form[giveRoles]) (*merlon.Response, error) {
	in, _ := f.Value()
	if err := account.SetRoles(w.House(), w.DB, in.User, in.Role); err != nil {
		return nil, err
	}
	if in.Fail {
		return nil, errors.New("something else went wrong")
	}
	return merlon.Redirect("/roles"), nil
}

func roleSite(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Pages: rolePages,
		Parts: []merlon.Part{account.New(account.Config{})},
		Routes: []merlon.Route{
			merlon.Get("/roles", account.SignedIn(), showRoles),
			merlon.Get("/roles/anyone", account.Anyone(), showRolesToAnyone),
			merlon.Get("/shelf", account.HasRole("librarian"), showRoles),
			merlon.Post("/roles", account.HasRole(account.Admin), changeRoles),
		}})
}

type roleEvent struct {
	User    int64
	Client  string
	Route   string
	Account int64
	Before  string
	After   string
	Reason  string
}

// roleEvents are the changes of roles in the journal, newest first.
func roleEvents(s *merlontest.Server) (all []roleEvent) {
	s.Read(func(r *db.Reader) error {
		list, err := journal.List(r, journal.Filter{ID: account.RuleRoles.ID})
		for _, e := range list {
			one := roleEvent{User: e.User, Client: e.Client, Route: e.Route}
			if err := json.Unmarshal(e.Detail, &one); err != nil {
				return err
			}
			all = append(all, one)
		}
		return err
	})
	return all
}

// A change of roles is an event with who did it, whose they are, before and after; the user is told; a change that was rolled
// back is none.
func TestChangesOfRolesAreKnown(t *testing.T) {
	s := merlontest.Start(t, roleSite)
	cleo, ann := s.SignedIn("Cleo", account.Admin), s.SignedIn("Ann")
	change := func(role, fail string) *merlontest.Visitor {
		in := merlontest.Values{"User": fmt.Sprint(ann.UserID), "Role": role}
		if fail != "" {
			in["Fail"] = fail
		}
		return cleo.Get("/roles").Submit("/roles", in)
	}
	change("board", "on").Is(500)
	if got := roleEvents(s); len(got) != 0 {
		t.Errorf("a change that was rolled back is recorded: %v", got)
	}
	ann.Get("/roles").At("/roles")
	change("board", "").Is(200).At("/roles")
	want := roleEvent{User: cleo.UserID, Client: "127.0.0.1", Route: "/roles", Account: ann.UserID, After: "board"}
	if got := roleEvents(s); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	ann.Get("/roles").At("/sign-in?next=%2Froles") // no session keeps the old rights
	sentMails(s).Has("Your roles at Test were changed", "board (before: –)", "If that was not you")
	if log := s.Log.String(); !strings.Contains(log, account.RuleRoles.ID) {
		t.Error("the log says nothing")
	}
	change("board", "").Is(200).At("/roles") // the same
	if got := roleEvents(s); len(got) != 1 {
		t.Errorf("nothing changed, and there is an event: %+v", got)
	}
	// outside of a request: nobody who is signed in did it
	s.Write(func(w *db.Writer) error { return account.SetRoles(s.Site.House(), w, ann.UserID, "treasury", "news") })
	want = roleEvent{Account: ann.UserID, Before: "board", After: "treasury,news"}
	if got := roleEvents(s); len(got) != 2 || got[0] != want {
		t.Errorf("got %+v, want %+v first", got, want)
	}
}

// An administrator who takes the last second factor away is asked on a page of its own, and told there, afterwards and by
// mail that the rights sleep.
func TestAnAdministratorsRightsSleep(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, "cleo@example.test", account.Admin)
	cleo := signIn(s.Visitor(), "cleo@example.test", good)
	setUp(t, s, cleo)
	cleo.Get("/admin").At("/admin")
	cleo.Get("/account/app/remove").Has("last second factor", "your rights sleep")
	cleo.Submit("/account/app/remove", nil).At("/account/app").Has("An administrator needs a second factor")
	sentMails(s).Has("Authenticator app removed at Test", "its rights sleep until you set one up again")
	cleo.Get("/admin").At("/account/app?why=1&next=%2Fadmin")
}

// A wrong password of somebody who is signed in is an event of its own kind, and no fault of the site's in the log.
func TestAWrongPasswordOfWhoIsSignedIn(t *testing.T) {
	s := merlontest.Start(t, open)
	addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good).At("/")
	ann.Get("/account/password").Submit("/account/password", merlontest.Values{"Current": "not the right one", "New": "seven other quiet lanterns"}).Is(422)
	ann.Get("/sign-in/again").Submit("/sign-in/again", merlontest.Values{"Password": "not the right one"}).Is(422)
	log := s.Log.String()
	if n := strings.Count(log, "id="+account.RuleWrongAgain.ID); n != 2 {
		t.Errorf("%d events of a wrong password, want 2:\n%s", n, log)
	}
	if strings.Contains(log, "id="+account.RuleFailed.ID) || strings.Contains(log, "level=ERROR") {
		t.Errorf("it is told as a sign-in that failed, or as a fault:\n%s", log)
	}
	signIn(s.Visitor(), "ann@example.test", "not the right one").Is(422)
	if log := s.Log.String(); !strings.Contains(log, `level=WARN msg="a sign-in that failed"`) {
		t.Errorf("a failed sign-in is no warning:\n%s", log)
	}
}

// TestPagesAskForRolesAsRoutesDo: $site.Has shows the link to a route that asks for a role to who may go there and to nobody
// else: to an administrator with a second factor, not to one who has shown a password alone.
func TestPagesAskForRolesAsRoutesDo(t *testing.T) {
	s := merlontest.Start(t, roleSite)
	addUser(t, s, "dora@example.test", account.Admin)
	for name, c := range map[string]struct {
		v   *merlontest.Visitor
		may bool
	}{
		"librarian":                         {s.SignedIn("Lea", "librarian"), true},
		"administrator":                     {s.SignedIn("Cleo", account.Admin), true},
		"administrator with one factor":     {signIn(s.Visitor(), "dora@example.test", good), false},
		"somebody":                          {s.SignedIn("Ann"), false},
		"somebody with another role":        {s.SignedIn("Ben", "board"), false},
		"somebody whose name is no role":    {s.SignedIn("admin"), false},
		"somebody with a role that is near": {s.SignedIn("Eve", "admin2"), false},
	} {
		for _, path := range []string{"/roles", "/roles/anyone"} {
			if shown := strings.Contains(c.v.Get(path).At(path).Body, `href="/shelf"`); shown != c.may {
				t.Errorf("%s: %s shows the link %v, want %v", name, path, shown, c.may)
			}
		}
		c.v.Get("/shelf")
		if may := c.v.Path == "/shelf" && c.v.Status == 200; may != c.may {
			t.Errorf("%s: the route lets in %v, want %v", name, may, c.may)
		}
	}
}
