package passkey_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/passkey"
	"github.com/merlon-web/merlon/sqlite"
)

const notAdded = "The passkey was not added"

func TestFalseRegistrations(t *testing.T) {
	s := merlontest.Start(t, open)
	for name, lie := range map[string]func(d *device, a *asked, signIn, bens asked){
		"another origin":           func(d *device, _ *asked, _, _ asked) { d.origin = "https://evil.test" },
		"another site's name":      func(d *device, _ *asked, _, _ asked) { d.rpID = "evil.test" },
		"no user verification":     func(d *device, _ *asked, _, _ asked) { d.flags = present },
		"backed up, not eligible":  func(d *device, _ *asked, _, _ asked) { d.flags |= backed },
		"a sign-in's answer":       func(d *device, _ *asked, _, _ asked) { d.kind = "webauthn.get" },
		"a sign-in's challenge":    func(_ *device, a *asked, signIn, _ asked) { a.Challenge = signIn.Challenge },
		"another user's challenge": func(_ *device, a *asked, _, bens asked) { a.Challenge = bens.Challenge },
	} {
		t.Run(name, func(t *testing.T) {
			before := strings.Count(s.Log.String(), passkey.RuleRefused.ID)
			ann, d := s.SignedIn("Ann"), newDevice(t, s)
			signIn := askOf(t, ann.Get("/passkey/sign-in"))
			bens := askOf(t, s.SignedIn("Ben").Get("/account/passkeys/add"))
			a := askOf(t, ann.Get("/account/passkeys/add"))
			lie(d, &a, signIn, bens)
			ann.Submit("/account/passkeys/add", merlontest.Values{"Name": "My phone", "Answer": d.create(a)}).Is(422).Has(notAdded)
			if got := ann.Value("/account/passkeys/add", "Name"); got != "My phone" {
				t.Errorf("the name is lost: %q", got)
			}
			ann.Get("/account/passkeys").Has("You have no passkey.")
			if n := strings.Count(s.Log.String(), passkey.RuleRefused.ID); n != before+1 {
				t.Errorf("%d events, want 1", n-before)
			}
		})
	}
}

func TestARegistrationIsGoodOnce(t *testing.T) {
	s := merlontest.Start(t, open)
	ann, d := s.SignedIn("Ann"), newDevice(t, s)
	answer := d.create(askOf(t, ann.Get("/account/passkeys/add")))
	ann.Submit("/account/passkeys/add", merlontest.Values{"Name": "One", "Answer": answer}).At("/account/codes")
	ann.Get("/account/passkeys/add").Submit("/account/passkeys/add", merlontest.Values{"Name": "Two", "Answer": answer}).Is(422).Has(notAdded)
	// the first registration of two tabs decides on the user's handle
	ben := s.SignedIn("Ben")
	late := ben.Clone().Get("/account/passkeys/add")
	one, two := newDevice(t, s), newDevice(t, s)
	one.add(ben, "One").Is(200)
	// a session from before the first passkey has ended: it would change factors by the password alone
	late.Submit("/account/passkeys/add", merlontest.Values{"Name": "Two", "Answer": two.create(askOf(t, late))}).HasNot("Two")
	late.Get("/private").At("/sign-in?next=%2Fprivate")
	two.add(ben, "Two").Is(200).Has("One", "Two")
	if string(one.handle) != string(two.handle) {
		t.Error("one user has two handles")
	}
	two.signIn(s.Visitor()).At("/").Get("/private").Has("Ben")
}

// TestARemovedPasskeyStaysRemoved: the answer that added it adds it no second time.
func TestARemovedPasskeyStaysRemoved(t *testing.T) {
	s, ann, _ := withPasskey(t)
	d := newDevice(t, s)
	answer := d.create(askOf(t, ann.Get("/account/passkeys/add")))
	ann.Submit("/account/passkeys/add", merlontest.Values{"Name": "Lost", "Answer": answer}).At("/account/passkeys")
	ann.Get("/account/passkeys/2").Submit("/account/passkeys/2/remove", nil).HasNot("Lost")
	ann.Get("/account/passkeys/add").Submit("/account/passkeys/add", merlontest.Values{"Name": "Again", "Answer": answer}).Is(422).Has(notAdded)
}

// TestFirstPasskeysAtOnce: of first registrations at the same time those that are accepted work, whichever handle won.
func TestFirstPasskeysAtOnce(t *testing.T) {
	s := merlontest.Start(t, open)
	for range 8 {
		ann := s.SignedIn("Ann")
		var all sync.WaitGroup
		var forms []url.Values
		devices, tabs := make([]*device, 4), make([]*merlontest.Visitor, 4)
		for i := range devices {
			devices[i], tabs[i] = newDevice(t, s), ann.Clone().Get("/account/passkeys/add")
			f := tabs[i].Fields("/account/passkeys/add")
			f.Set("Name", "First")
			f.Set("Answer", devices[i].create(askOf(t, tabs[i])))
			forms = append(forms, f)
		}
		for i, f := range forms { // all of them are open before the first is sent
			all.Go(func() { tabs[i].Post("/account/passkeys/add", s.Site.Origin(), f) })
		}
		all.Wait()
		added := 0
		for i, d := range devices {
			if tabs[i].Status == http.StatusSeeOther && tabs[i].Header.Get("Location") == "/account/codes" {
				added++
				d.signIn(s.Visitor()).Is(200).At("/")
			}
		}
		if added != 1 {
			t.Errorf("%d first passkeys of one user were added, want 1", added)
		}
	}
}

func TestACredentialHasOneOwner(t *testing.T) {
	s, _, d := withPasskey(t)
	copied := newDevice(t, s)
	copied.id = d.id
	copied.add(s.SignedIn("Ben"), "Ann's").Is(422).Has("has a passkey for your account already")
	d.signIn(s.Visitor()).At("/").Get("/private").Has("Ann")
}

func TestRenameAndRemove(t *testing.T) {
	s, ann, d := withPasskey(t)
	ann.Get("/account/passkeys/1").Has("This is your last passkey")
	if got := ann.Value("/account/passkeys/1/name", "Name"); got != "My phone" {
		t.Errorf("the form holds %q, want the name", got)
	}
	ann.Submit("/account/passkeys/1/name", merlontest.Values{"Name": ""}).Is(422).Has("My phone", "Enter a value.")
	ann.Submit("/account/passkeys/1/name", merlontest.Values{"Name": "Old phone"}).At("/account/passkeys").Has("Old phone")
	second := newDevice(t, s)
	second.add(ann, "New phone")
	ann.Get("/account/passkeys/1").HasNot("This is your last passkey")

	ben := s.SignedIn("Ben")
	ben.Get("/account/passkeys/1").Is(404)
	ann.Get("/account/passkeys/1").Submit("/account/passkeys/1/remove", nil).At("/account/passkeys").HasNot("Old phone").Has("New phone")
	ann.Get("/_merlon/dev/mail").Has("A passkey was removed at Test", `a passkey was removed`)
	d.signIn(s.Visitor()).Is(422).Has(wrong)
	second.signIn(s.Visitor()).At("/")
	for _, id := range []string{passkey.RuleAdded.ID, passkey.RuleRenamed.ID, passkey.RuleRemoved.ID} {
		if !strings.Contains(s.Log.String(), id) {
			t.Errorf("no event %s", id)
		}
	}
}

// TestAnothersPasskeyIsNotThere: neither its name nor its removal is somebody else's.
func TestAnothersPasskeyIsNotThere(t *testing.T) {
	s, _, d := withPasskey(t)
	ben := s.SignedIn("Ben")
	own := newDevice(t, s)
	own.add(ben, "Own")
	for _, act := range []string{"name", "remove"} {
		ben.Get("/account/passkeys/2")
		fields := ben.Fields("/account/passkeys/2/" + act)
		if act == "name" {
			fields.Set("Name", "Stolen")
		}
		ben.Post("/account/passkeys/1/"+act, s.Site.Origin(), fields).Is(404)
	}
	d.signIn(s.Visitor()).At("/").Get("/account/passkeys").Has("My phone")
}

func TestHowManyThereMayBe(t *testing.T) {
	s := merlontest.Start(t, open)
	ann := s.SignedIn("Ann")
	first := newDevice(t, s)
	first.add(ann, "Key 0").At("/account/passkeys")
	for n := range 24 {
		if n == 15 { // so many mails an hour go to an account, and none is added without one
			s.Advance(61 * time.Minute)
			ann = first.signIn(s.Visitor()).At("/")
		}
		newDevice(t, s).add(ann, fmt.Sprint("Key ", n+1)).At("/account/passkeys")
	}
	ann.Has("You have as many passkeys as an account can have")
	newDevice(t, s).add(ann, "One more").Is(422).Has("You have as many passkeys as an account can have")
}

// TestTheWay: what account asks of this room.
func TestTheWay(t *testing.T) {
	s, ann, d := withPasskey(t)
	ways := merlon.Offers[account.Way](s.Site.House())
	if len(ways) != 1 || ways[0].Name != "passkey" {
		t.Fatalf("ways %v, want one", ways)
	}
	way := ways[0]
	count := func(want int) {
		t.Helper()
		s.Read(func(r *db.Reader) error {
			if n, err := way.Count(r, ann.UserID); err != nil || n != want {
				t.Errorf("Count = %d, %v; want %d", n, err, want)
			}
			return nil
		})
	}
	count(1)
	s.Read(func(r *db.Reader) error {
		all, err := way.Export(r, ann.UserID)
		if err != nil {
			return err
		}
		b, err := json.Marshal(all)
		if err != nil {
			return err
		}
		var back []passkey.Exported
		if err := json.Unmarshal(b, &back); err != nil || len(back) != 1 || back[0].Name != "My phone" || len(back[0].Key) == 0 || strings.Contains(string(b), `"used"`) {
			t.Errorf("exported %s, %v", b, err)
		}
		return nil
	})
	s.Write(func(w *db.Writer) error { return way.Delete(w, ann.UserID) })
	count(0)
	d.signIn(s.Visitor()).Is(422).Has(wrong)
	again := newDevice(t, s)
	again.add(ann, "Again").At("/account/passkeys")
	if string(again.handle) == string(d.handle) {
		t.Error("the handle outlives the deletion")
	}
}

func TestAPasskeyNeedsAName(t *testing.T) {
	for origin, want := range map[string]bool{"http://192.0.2.7": false, "http://[::1]:8080": false, "https://example.org": true, "http://localhost:8080": true} {
		site, err := open(merlon.Env{Data: t.TempDir(), Mode: merlon.Test, Settings: merlon.Settings{Origin: origin}})
		if err != nil {
			t.Fatal(err)
		}
		err = site.Start(t.Context())
		var finding check.Finding
		switch {
		case want && err != nil:
			t.Errorf("%s: %v", origin, err)
		case !want && (!errors.As(err, &finding) || finding.ID != passkey.RuleName.ID):
			t.Errorf("%s: got %v, want %s", origin, err, passkey.RuleName.ID)
		}
		_ = site.Close(t.Context())
	}
}

// TestOneSmallScript: a site with the room loads one file, on the pages that need it; a site without loads none.
func TestOneSmallScript(t *testing.T) {
	info, err := os.Stat("static/passkey.js")
	if err != nil || info.Size() > 3<<10 {
		t.Errorf("the script has %d bytes, %v; want at most 3 KB", info.Size(), err)
	}
	s, ann, _ := withPasskey(t)
	const src = `<script src="/_merlon/passkey/passkey.`
	nobody := s.Visitor()
	for path, want := range map[string]int{"/": 0, "/account/passkeys": 0, "/account/passkeys/1": 0, "/account/passkeys/add": 1, "/sign-in": 1, "/passkey/sign-in": 1} {
		ann := ann
		if path == "/sign-in" {
			ann = nobody
		}
		ann.Get(path).Is(200).At(path)
		if n := strings.Count(ann.Body, src); n != want || strings.Count(ann.Body, "<script src=") != want {
			t.Errorf("%s loads the script %d times, want %d:\n%s", path, n, want, ann.Body)
		}
		if want > 0 && !strings.Contains(ann.Body, `integrity="sha`) {
			t.Errorf("%s: no integrity", path)
		}
		if opened := ann.Header.Get("Permissions-Policy"); strings.Count(opened, "(self)") != 2*want || strings.Count(opened, "publickey-credentials-get=(self)") != want {
			t.Errorf("%s opens %s", path, opened)
		}
	}
	if policy := s.Visitor().Get("/sign-in").Header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self';") {
		t.Errorf("the policy of the sign-in page is %q", policy)
	}
	without := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: pages,
			Parts:  []merlon.Part{account.New(account.Config{})},
			Routes: []merlon.Route{merlon.Get("/", account.Anyone(), home)}})
	})
	v := without.Visitor().Get("/sign-in").Is(200)
	if strings.Contains(v.Body, "<script") || strings.Contains(v.Body, "asskey") || strings.Contains(v.Header.Get("Content-Security-Policy"), "script-src") {
		t.Errorf("a site without passkeys has something of them:\n%s\n%s", v.Header.Get("Content-Security-Policy"), v.Body)
	}
}

func TestGermanPages(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Pages: pages, Lang: "de",
			Parts:  []merlon.Part{account.New(account.Config{}), passkey.New(passkey.Config{})},
			Routes: []merlon.Route{merlon.Get("/", account.Anyone(), home)}})
	})
	s.Visitor().Get("/sign-in").Has("Mit einem Passkey anmelden")
	ann := s.SignedIn("Ann")
	ann.Get("/account/passkeys/add").Has("Name des Passkeys", "Damit Sie ihn wiedererkennen").Submit("/account/passkeys/add", merlontest.Values{"Name": "x"}).Is(422).Has("wurde nicht hinzugefügt")
	newDevice(t, s).add(ann, "Schlüssel").Has("Noch nicht benutzt")
	ann.Get("/_merlon/dev/mail").Has("zu Ihrem Konto wurde ein Passkey hinzugefügt")
}

// TestLabelsAreInTheCatalogue: what stands in the tags of this room's forms can be translated, and no label is there in vain.
func TestLabelsAreInTheCatalogue(t *testing.T) {
	unused := map[string]string{}
	for _, id := range text.Own().IDs() {
		if strings.HasPrefix(id, "passkey.") && (strings.HasSuffix(id, ".label") || strings.HasSuffix(id, ".help")) {
			unused[text.Own().Format("en", id)] = id
		}
	}
	for _, in := range []reflect.Type{reflect.TypeFor[passkey.SignIn](), reflect.TypeFor[passkey.Add](), reflect.TypeFor[passkey.Rename](), reflect.TypeFor[passkey.Remove]()} {
		spec, faults := form.SpecOf(in)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		for _, f := range spec.Fields() {
			for _, words := range []string{f.Label, f.Help} {
				if f.Path {
					continue // never shown
				}
				if _, known := text.Own().Translate("de", words); words != "" && !known {
					t.Errorf("%s.%s: the catalogue has no %q", in.Name(), f.Name, words)
				}
				delete(unused, words)
			}
		}
	}
	for words, id := range unused {
		t.Errorf("%s: no form of this room says %q: take it out", id, words)
	}
}
