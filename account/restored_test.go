package account_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/merlontest"
)

// restored copies the data of a site as a backup does, makes the copy fit for use, and starts it.
func restored(t *testing.T, s *merlontest.Server, open func(merlon.Env) (*merlon.Site, error), r merlon.Restore) (*merlontest.Server, *merlon.Restored) {
	t.Helper()
	dir := t.TempDir()
	h := s.Site.House()
	if err := h.Engine.CopyTo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(filepath.Join(h.Data, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "keys"), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	r.Point, r.Instant, r.Now, r.Who = "7", s.Now().Add(-time.Hour), s.Now(), "test"
	site, err := open(merlon.Env{Data: dir, Mode: merlon.Drill, Clock: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	report, err := site.Restore(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	copied := merlontest.StartIn(t, dir, open)
	copied.Advance(time.Until(s.Now()))
	return copied, report
}

// with gives a visitor of the copy what the browser of another one holds.
func with(copied *merlontest.Server, v *merlontest.Visitor, names ...string) *merlontest.Visitor {
	c := copied.Visitor()
	for _, n := range names {
		c.SetCookie("__Host-test-"+n, v.Cookie("__Host-test-"+n))
	}
	return c
}

func mailStates(s *merlontest.Server) string {
	all := map[mailbox.State]int{}
	s.Read(func(r *db.Reader) error {
		list, err := s.Site.House().Mails.List(r, 0, 100)
		for _, m := range list {
			all[m.State]++
		}
		return err
	})
	var b strings.Builder
	for _, st := range []mailbox.State{mailbox.Queued, mailbox.Held, mailbox.Failed} {
		b.WriteString(string(st) + strings.Repeat("|", all[st]) + " ")
	}
	return strings.TrimSpace(b.String())
}

// What ended, was used or was forgotten after a copy was taken does not come back with it.
func TestRestoredVoids(t *testing.T) {
	s := merlontest.Start(t, factors)
	addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good).Is(200) // a mail about the new device
	app, codes := setUp(t, s, ann)                               // another about the app
	s.Advance(time.Minute)
	trusting := signIn(s.Visitor(), "ann@example.test", good)
	trusting.Submit("/sign-in/second", merlontest.Values{"Code": app.code(t), "Trust": "on"}).At("/")
	s.Visitor().Get("/account/reset/ask").Submit("/account/reset/ask", merlontest.Values{"Email": "ann@example.test"})
	reset := link(t, s, "ann@example.test", 0)
	before := s.Visitor().Get("/sign-in")
	form := before.Fields("/sign-in")

	copied, report := restored(t, s, factors, merlon.Restore{})
	if report.Users != 1 || report.Of("sessions ended") < 2 || report.Of("links void") == 0 || report.Of("devices forgotten") != 2 || len(report.MayReturn) == 0 {
		t.Errorf("the report: %+v", report)
	}
	with(copied, ann, "session").Get("/private").At("/sign-in?next=%2Fprivate")
	copied.Visitor().Get(reset).Is(410)
	if got := mailStates(copied); !strings.HasPrefix(got, "queued held|") || !strings.HasSuffix(got, "failed|") {
		t.Errorf("mails: %s, want the reset mail dropped and the others held", got)
	}
	form.Set("Email", "ann@example.test")
	form.Set("Password", good)
	with(copied, before, "session").Post("/sign-in", copied.Site.Origin(), form).Is(403)
	device := with(copied, trusting, "device")
	signIn(device, "ann@example.test", good).At("/sign-in/second") // trusted no more
	device.Submit("/sign-in/second", merlontest.Values{"Code": app.code(t)}).Is(422)
	device.Submit("/sign-in/second", merlontest.Values{"Code": codes[0]}).At("/")
	copied.Advance(91 * time.Second)
	later := &phone{s: copied, secret: app.secret}
	v := signIn(copied.Visitor(), "ann@example.test", good).At("/sign-in/second")
	v.Submit("/sign-in/second", merlontest.Values{"Code": later.code(t)}).At("/")
}

// After a theft nothing works that the thief could have read or cracked: the mailbox of the owner does.
func TestRestoredAfterTheft(t *testing.T) {
	s := merlontest.Start(t, factors)
	id := addUser(t, s, "ann@example.test", account.Admin)
	boss := signIn(s.Visitor(), "ann@example.test", good)
	_, codes := setUp(t, s, boss)
	s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Eve", "Email": "eve@example.test", "Password": good})
	copied, report := restored(t, s, factors, merlon.Restore{AfterTheft: true})
	if report.Of("passwords to be chosen anew") != 1 || report.Of("authenticator apps to be set up anew") != 1 || report.Users != 1 {
		t.Errorf("the report: %+v", report)
	}
	if got := mailStates(copied); strings.Contains(got, "held|") || strings.Contains(got, "queued|") {
		t.Errorf("mails: %s, want all of them dropped", got)
	}
	signIn(copied.Visitor(), "ann@example.test", "something else entirely").Is(422)
	signIn(copied.Visitor(), "ann@example.test", good).At("/account/reset/sent")
	v := copied.Visitor().Get(link(t, copied, "ann@example.test", 0))
	v.Submit("/account/reset", merlontest.Values{"Password": "another harbour with nine lanterns"}).At("/sign-in")
	signIn(copied.Visitor(), "ann@example.test", good).Is(422)
	v = signIn(copied.Visitor(), "ann@example.test", "another harbour with nine lanterns").Is(200)
	if v.Path == "/sign-in/second" {
		t.Errorf("the old app is still asked for, of user %d with the codes %d", id, len(codes))
	}
	if !strings.HasPrefix(v.Path, "/account/app") && !strings.HasPrefix(v.Path, "/sign-in/again") {
		t.Errorf("an administrator without a second factor is at %s", v.Path)
	}
	if n := len(copied.Site.House().Keys.Keys()); n != 2 {
		t.Errorf("the ring has %d keys: what is sealed from now on is under a key that was taken", n)
	}
}

// browser is a visitor as a probe sees one.
type browser struct{ *merlontest.Visitor }

func (b browser) Get(_ context.Context, path string) (int, error) {
	return b.Visitor.Get(path).Status, nil
}
func (b browser) Submit(_ context.Context, action string, v map[string]string) (int, error) {
	return b.Visitor.Submit(action, v).Status, nil
}
func (b browser) SetCookie(text string) {
	name, value, _ := strings.Cut(text, "=")
	b.Visitor.SetCookie(name, value)
}
func (b browser) Path() string         { return b.Visitor.Path }
func (b browser) Body() string         { return b.Visitor.Body }
func (b browser) Has(text string) bool { return strings.Contains(b.Visitor.Body, text) }

// The made-up users of a drill sign in on a restored copy, and what they had before is void.
func TestProbe(t *testing.T) {
	s := merlontest.Start(t, factors)
	var probe *merlon.Probe
	for _, p := range s.Site.Parts() {
		if p.Probe != nil {
			probe = p.Probe
		}
	}
	users, err := probe.Users(t.Context(), s.Site.House())
	if err != nil {
		t.Fatal(err)
	}
	var roles []string
	for _, u := range users {
		roles = append(roles, u.Role)
	}
	if got := strings.Join(roles, ","); got != ",admin,board" {
		t.Fatalf("users of the roles %q", got)
	}
	alive := s.Visitor()
	name, value, _ := strings.Cut(users[0].Cookie, "=")
	alive.SetCookie(name, value)
	alive.Get("/private").At("/private")
	s.Visitor().Get(users[0].Link).Is(200)

	copied, _ := restored(t, s, factors, merlon.Restore{})
	for _, u := range users {
		old := copied.Visitor()
		name, value, _ := strings.Cut(u.Cookie, "=")
		old.SetCookie(name, value)
		old.Get("/private").At("/sign-in?next=" + url.QueryEscape("/private"))
		copied.Visitor().Get(u.Link).Is(410)
		b := browser{copied.Visitor()}
		if err := probe.SignIn(t.Context(), b, u); err != nil {
			t.Errorf("role %q: %v", u.Role, err)
		}
		if u.Role != "" {
			b.Visitor.Get("/" + u.Role).Is(200)
		}
		if err := probe.Post(t.Context(), b, u); err != nil {
			t.Errorf("role %q: %v", u.Role, err)
		}
		b.Visitor.Get("/account").Has("Drilled")
		if err := probe.Post(t.Context(), browser{copied.Visitor()}, u); err == nil {
			t.Errorf("role %q: nobody is signed in, and the name is another", u.Role)
		}
		wrong := u
		wrong.Password += "x"
		if err := probe.SignIn(t.Context(), browser{copied.Visitor()}, wrong); err == nil {
			t.Errorf("role %q: a wrong password is a sign-in", u.Role)
		}
	}
}
