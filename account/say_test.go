package account_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/sqlite"
)

func german(env merlon.Env) (*merlon.Site, error) { return openIn(env, "de") }

func openIn(env merlon.Env, lang string) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Pages: pages, Lang: lang,
		Parts:  []merlon.Part{account.New(account.Config{})},
		Routes: []merlon.Route{merlon.Get("/", account.Anyone(), home)}})
}

func TestGermanSite(t *testing.T) {
	s := merlontest.Start(t, german)
	if v := s.Visitor().Get("/sign-in").Is(200).Has("Anmelden", "Noch kein Konto?"); !strings.Contains(v.Body, `<html lang="de">`) {
		t.Errorf("the page does not say that it is German: %.60s", v.Body)
	}
	s.Visitor().Get("/no-such-page").Is(404).Has("Diese Seite gibt es nicht", "Zur Startseite")
	signIn(s.Visitor(), "ann@example.test", "wrong").Is(422).Has("gehören nicht zusammen")
	signUp := func(pass string) *merlontest.Visitor {
		return s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Ann", "Email": "ann@example.test", "Password": pass})
	}
	signUp("short").Is(422).Has("Mindestens 15 Zeichen: Dieses Passwort hat 5.")
	signUp(good).At("/sign-up/sent").Has("Wir haben Ihnen eine E-Mail gesendet")
	s.Visitor().Get(link(t, s, "ann@example.test", 0)).Has("Adresse bestätigen").Submit("/account/verify/anew", merlontest.Values{"Name": "Ann", "Password": good}).Has("Ihre Adresse ist bestätigt.")
	signUp(good)
	s.Visitor().Get("/_merlon/dev/mail").Has("Willkommen bei Test", "vielleicht Sie selbst", "Sie haben ein Konto bei Test")

	v := s.Visitor().Get("/sign-in")
	f := v.Fields("/sign-in")
	f.Set("merlon_token", strings.Repeat("A", 86))
	v.Post("/sign-in", s.Site.Origin(), f).Is(403).Has("Bitte sehen Sie das noch einmal durch", "zu lange offen", "E-Mail-Adresse", "Noch einmal senden")

	lines, err := s.Site.Ready(context.Background())
	if err != nil || len(lines) != 1 {
		t.Fatalf("Ready = %v, %v; want one line", lines, err)
	}
	link, _, _ := strings.Cut(strings.TrimPrefix(lines[0][1], s.Site.Origin()), " ")
	s.Visitor().Get(link).At("/_merlon/setup").Has("Erstes Administratorkonto", "Konto anlegen")
	s.Visitor().Get("/_merlon/setup").Is(410).Has("Dieser Link gilt nicht mehr")
}

func TestLangIsOneOfTheCatalogue(t *testing.T) {
	for lang, want := range map[string]string{
		"":      "",
		"en":    "",
		"de":    "",
		"de-AT": `did you mean "de"?`,
		"en_GB": `did you mean "en"?`,
		"EN":    `did you mean "en"?`,
		"ger":   "use one of en, de",
	} {
		_, err := openIn(merlon.Env{Data: t.TempDir(), Mode: merlon.Test}, lang)
		var faults merlon.Faults
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: got %v, want no finding", lang, err)
		case want == "":
		case !errors.As(err, &faults) || len(faults) != 1 || faults[0].ID != merlon.RuleSettings.ID || faults[0].Where != "Config.Lang":
			t.Errorf("%q: got %v, want one finding about Config.Lang", lang, err)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%q: got %v, want %s", lang, err, want)
		}
	}
}

// TestFormMessagesAreInTheCatalogue: the English of the catalogue is that of room form, for which %v is a place.
func TestFormMessagesAreInTheCatalogue(t *testing.T) {
	messages := form.Messages()
	for id, words := range messages {
		if got, want := text.Own().Format("en", id, 7, 7), strings.ReplaceAll(words, "%v", "7"); got != want {
			t.Errorf("%s is %q in the catalogue, and %q in room form", id, got, want)
		}
	}
	for _, id := range text.Own().IDs() {
		if strings.HasPrefix(id, "form.") && messages[id] == "" {
			t.Errorf("%s is in the catalogue, and room form has no such message", id)
		}
	}
}

// TestPasswordProblemsAreInTheCatalogue: the English of the catalogue is that of room password, seen where it is read.
func TestPasswordProblemsAreInTheCatalogue(t *testing.T) {
	s := merlontest.Start(t, open)
	for _, pass := range []string{"short", "passwordpassword", "abcabcabcabcabcabc", "ann@example.test"} {
		problems := password.Policy{}.Problems(secret.New(pass), "Test", "ann", "example")
		if len(problems) != 1 {
			t.Fatalf("%q: problems %v, want one", pass, problems)
		}
		s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Ann", "Email": "ann@example.test", "Password": pass}).Is(422).Has(problems[0].Text)
	}
	for _, key := range []string{"password.empty", "password.long"} { // the form refuses these before the policy sees them
		chosen := ""
		if key == "password.long" {
			chosen = strings.Repeat("x", password.MaxBytes+1)
		}
		p := password.Policy{}.Problems(secret.New(chosen))
		if got := text.Own().Format("en", key, password.MaxBytes); len(p) != 1 || p[0].Key != key || p[0].Text != got {
			t.Errorf("%s is %q in the catalogue, and room password says %v", key, got, p)
		}
	}
}

// TestLabelsAreInTheCatalogue: what stands in the tags of this room's forms can be translated, and no label is there in vain.
func TestLabelsAreInTheCatalogue(t *testing.T) {
	unused := map[string]string{}
	for _, id := range text.Own().IDs() {
		if strings.HasPrefix(id, "passkey.") {
			continue // that room has the same test
		}
		if strings.HasSuffix(id, ".label") || strings.HasSuffix(id, ".help") {
			unused[text.Own().Format("en", id)] = id
		}
	}
	for _, in := range []reflect.Type{reflect.TypeFor[account.SignIn](), reflect.TypeFor[account.SignUp](), reflect.TypeFor[account.SignOut](), reflect.TypeFor[account.FromBackup](), reflect.TypeFor[account.Invited](),
		reflect.TypeFor[account.ChangeName](), reflect.TypeFor[account.ChangePassword](), reflect.TypeFor[account.EndSessions](),
		reflect.TypeFor[account.ChangeDevices](), reflect.TypeFor[account.Leave](), reflect.TypeFor[account.Stay](), reflect.TypeFor[account.Press](),
		reflect.TypeFor[account.SecondStep](), reflect.TypeFor[account.Again](), reflect.TypeFor[account.AgainCode](), reflect.TypeFor[account.AgainInstead](), reflect.TypeFor[account.AppStart](),
		reflect.TypeFor[account.AppConfirm](), reflect.TypeFor[account.AppRemove](), reflect.TypeFor[account.CodesKept](), reflect.TypeFor[account.CodesNew](), reflect.TypeFor[account.CodesHave]()} {
		spec, faults := form.SpecOf(in)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		for _, f := range spec.Fields() {
			for _, words := range []string{f.Label, f.Help} {
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

func TestGermanForms(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) { return openIn(env, "de") })
	s.Visitor().Get("/sign-up").Has("E-Mail-Adresse").Submit("/sign-up", merlontest.Values{"Name": ""}).Is(422).Has("Ihr Name: Geben Sie etwas ein.")
}

var noticeInCode = regexp.MustCompile(`\.Notice\("([^"]+)"\)`)

// TestNoticesAreInTheCatalogue: every notice of this room has its words in each language, and none is there in vain.
func TestNoticesAreInTheCatalogue(t *testing.T) {
	unused := map[string]string{}
	for _, id := range text.Own().IDs() {
		if strings.HasSuffix(id, ".notice") {
			unused[text.Own().Format("en", id)] = id
		}
	}
	sources, err := filepath.Glob("*.go")
	if err != nil || len(sources) == 0 {
		t.Fatal(err)
	}
	for _, name := range sources {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range noticeInCode.FindAllStringSubmatch(string(b), -1) {
			if _, known := text.Own().Translate("de", m[1]); !known {
				t.Errorf("%s: the catalogue has no notice %q", name, m[1])
			}
			delete(unused, m[1])
		}
	}
	for words, id := range unused {
		t.Errorf("%s: no handler of this room says %q: take it out", id, words)
	}
}
