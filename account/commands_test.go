package account_test

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

// command runs one of the part's commands in the site, as the program does.
func command(t *testing.T, s *merlontest.Server, name string, flags map[string]string, args ...string) (string, error) {
	t.Helper()
	for _, p := range s.Site.Parts() {
		for _, c := range p.Commands {
			if string(c.Name) == name {
				var out bytes.Buffer
				err := c.Run(t.Context(), &merlon.Call{House: s.Site.House(), Args: args, Flags: flags, Out: &out})
				return out.String(), err
			}
		}
	}
	t.Fatalf("no command %q", name)
	return "", nil
}

var printedLink = regexp.MustCompile(`/account/link/\S+`)

// TestLinkAgain: a link that was lost is printed again, and the older one opens nothing; it is no way into what is somebody's.
func TestLinkAgain(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	why := map[string]string{"reason": "lost"}
	first, err := command(t, s, "user add", nil, ann)
	if err != nil {
		t.Fatal(err)
	}
	again, err := command(t, s, "user link", why, ann)
	if err != nil {
		t.Fatal(err)
	}
	s.Visitor().Get(printedLink.FindString(first)).Is(410)
	s.Visitor().Get(printedLink.FindString(again)).At("/account/enrol").Submit("/account/enrol", merlontest.Values{"Password": good}).At("/sign-in")
	if out, err := command(t, s, "user link", why, ann); !errors.Is(err, merlon.ErrRefused) || strings.Contains(out, "link/") {
		t.Errorf("an account with a password: %q, %v", out, err)
	}
	_, _ = command(t, s, "user add", nil, "ben@example.test")
	s.Write(func(w *db.Writer) error { return account.MarkEntered(w, "ben@example.test", s.Now()) }) // by a passkey, say
	if _, err := command(t, s, "user link", why, "ben@example.test"); !errors.Is(err, merlon.ErrRefused) {
		t.Errorf("an account that has been signed in to: %v", err)
	}
	s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Cleo", "Email": "cleo@example.test", "Password": good})
	if _, err := command(t, s, "user link", why, "cleo@example.test"); !errors.Is(err, merlon.ErrRefused) || !strings.Contains(err.Error(), "has not proven the address") {
		t.Errorf("a sign-up that waits: %v", err)
	}
	if _, err := command(t, s, "user roles", map[string]string{"add": account.Admin, "reason": "x"}, "cleo@example.test"); !errors.Is(err, merlon.ErrRefused) {
		t.Errorf("a role for a sign-up that waits: %v", err)
	}
}

// TestRolesByCommand: the roles of an account that is there are changed with all that a change of roles does.
func TestRolesByCommand(t *testing.T) {
	s := merlontest.Start(t, roleSite)
	v := s.SignedIn("Ann")
	out, err := command(t, s, "user roles", map[string]string{"add": account.Admin, "reason": "elected"}, v.Email)
	if err != nil || out != v.Email+": admin\n" {
		t.Fatalf("%q, %v", out, err)
	}
	v.Get("/roles").At("/sign-in?next=%2Froles")
	want := roleEvent{Account: v.UserID, After: account.Admin, Reason: "elected"}
	if got := roleEvents(s); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	sentMails(s).Has("Your roles at Test were changed", "admin (before: –)")
	if _, err := command(t, s, "user roles", map[string]string{"remove": account.Admin, "reason": "x"}, v.Email); !errors.Is(err, merlon.ErrRefused) {
		t.Errorf("the only administrator: %v", err)
	}
}

// TestTheOnlyAdministratorIsKept: by each command that could take the last one away, unless that is said.
func TestTheOnlyAdministratorIsKept(t *testing.T) {
	for name, flags := range map[string]map[string]string{
		"user disable": {},
		"user roles":   {"remove": account.Admin},
		"user delete":  {"confirm": ann},
	} {
		t.Run(name, func(t *testing.T) {
			s := merlontest.Start(t, open)
			addUser(t, s, ann, account.Admin)
			ben := addUser(t, s, "ben@example.test", account.Admin)
			s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, ben, true) }) // who is shut out is none
			flags["reason"] = "x"
			if out, err := command(t, s, name, flags, ann); !errors.Is(err, merlon.ErrRefused) || !strings.Contains(err.Error(), "--last-admin") {
				t.Errorf("answered %q, %v", out, err)
			}
			flags["last-admin"] = "yes"
			if _, err := command(t, s, name, flags, ann); err != nil {
				t.Errorf("said that it is meant: %v", err)
			}
		})
	}
}
