package merlon_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

type boat struct {
	Name string `form:"required,max=20" label:"Name of the boat" help:"As it stands on the stern."`
}

func (b boat) Validate() map[string]string {
	if b.Name == "odd" {
		return map[string]string{"Name": "No boat is called so."}
	}
	return nil
}

type boatsData struct {
	Who   string
	Count int
	Form  form.Form[boat]
}

var (
	siteTexts    = merlon.TextsFrom(featureFiles, "testdata/features/texts")
	badTexts     = merlon.TextsFrom(featureFiles, "testdata/features/badtexts")
	boatPages    = page.From(featureFiles, "testdata/features/words")
	boatsPage    = page.New[boatsData](boatPages, "boats.html")
	badBoatPages = page.From(featureFiles, "testdata/features/badwords")
	badBoatsPage = page.New[boatsData](badBoatPages, "boats.html")
	_            = badBoatsPage
	countBoat    = 2
)

func showBoats(r *merlon.Read[account.Guest], in struct {
	N int `query:"n,max=100"`
}) (*merlon.Response, error) {
	return merlon.Show(boatsPage, boatsData{Who: "Ann & Bo", Count: in.N}), nil
}

func addBoat(w *merlon.Write[account.Guest], f form.Form[boat]) (*merlon.Response, error) {
	in, ok := f.Value()
	if ok && in.Name == "Gull" {
		f, ok = f.Reject("Name", w.Say("club.taken", in.Name)), false
	}
	if ok && in.Name == "typo" {
		f, ok = f.Reject("Name", w.Say("club.takn", in.Name)), false
	}
	if !ok {
		return merlon.ShowStatus(422, boatsPage, boatsData{Form: f, Count: countBoat}), nil
	}
	return merlon.Redirect("/boats").NoticeText("club.saved", in.Name), nil
}

func openTexts(env merlon.Env) (*merlon.Site, error) {
	return openTextsWith(env, siteTexts, "", boatPages)
}

func openTextsWith(env merlon.Env, texts merlon.Texts, lang string, pages *page.Files) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: pages, Schema: siteSchema, Texts: texts, Lang: lang,
		Parts: []merlon.Part{account.New(account.Config{})},
		Routes: []merlon.Route{
			merlon.Get("/boats", account.Anyone(), showBoats),
			merlon.Get("/boats/public", merlon.Public(), plainText),
			merlon.Post("/boats", account.Anyone(), addBoat),
		}})
}

func plainText(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	return merlon.Text(r.Lang() + " " + r.Say("club.boats", 1)), nil
}

// asking is a browser that asks for a language.
func asking(s *merlontest.Server, path, accept string) *merlontest.Visitor {
	r, _ := http.NewRequest("GET", s.URL(path), nil)
	r.Header.Set("Accept-Language", accept)
	return s.Visitor().Do(r).Is(200)
}

func TestSiteSpeaksTheVisitorsLanguage(t *testing.T) {
	s := merlontest.Start(t, openTexts)
	for _, c := range []struct {
		accept, path string
		want         []string
	}{
		{"", "/boats?n=1", []string{`<html lang="en"`, "<h1>The sailing club</h1>", "Hello Ann &amp; Bo, from &lt;Kiel&gt;", `<p id="count">One boat</p>`, "Name of the boat", "As it stands on the stern."}},
		{"de", "/boats?n=1", []string{`<html lang="de"`, "<h1>Der Segelclub</h1>", "Aus &lt;Kiel&gt;: Hallo Ann &amp; Bo", `<p id="count">Ein Boot</p>`, "Name des Bootes", "Wie er am Heck steht."}},
		{"de-CH,de;q=0.9,en;q=0.8", "/boats?n=2", []string{`<html lang="de"`, `<p id="count">2 Boote</p>`}},
		{"en-GB,en;q=0.9,de;q=0.8", "/boats?n=0", []string{`<html lang="en"`, `<p id="count">0 boats</p>`}},
		{"fr", "/boats?n=0", []string{`<html lang="fr"`, `<p id="count">0 bateau</p>`, "Nom du bateau"}},
		{"fr", "/sign-in", []string{`<html lang="fr"`, "Montez à bord", "E-mail address"}}, // Merlon has no French
		{"de", "/sign-in", []string{"Kommen Sie an Bord", "E-Mail-Adresse"}},
		{"ja, zz;q=0.5", "/boats", []string{`<html lang="en"`}},
		{strings.Repeat("de,", 200) + "de", "/boats", []string{`<html lang="en"`}}, // nobody sends that
		{"<script>", "/boats", []string{`<html lang="en"`}},
		{"de", "/boats/public", []string{"de Ein Boot"}},
	} {
		v := asking(s, c.path, c.accept)
		for _, want := range c.want {
			if !strings.Contains(v.Body, want) {
				t.Errorf("%s asked in %.20q lacks %q:\n%s", c.path, c.accept, want, v.Body)
			}
		}
	}
	if vary := asking(s, "/boats/public", "de").Header.Get("Vary"); !strings.Contains(vary, "Accept-Language") {
		t.Errorf("Vary %q: a cache would show one visitor's language to another", vary)
	}
	s.Visitor().Get("/nowhere").Is(404).Has("There is no such page")
}

func TestSiteSaysInHandlers(t *testing.T) {
	s := merlontest.Start(t, openTexts)
	german := func(path string, fields map[string]string) *merlontest.Visitor {
		v := asking(s, "/boats", "de")
		f := v.Fields("/boats")
		for n, x := range fields {
			f.Set(n, x)
		}
		r, _ := http.NewRequest("POST", s.URL(path), strings.NewReader(f.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", s.Site.Origin())
		r.Header.Set("Accept-Language", "de")
		return v.Do(r)
	}
	german("/boats", map[string]string{"Name": "Gull"}).Is(422).Has("Name des Bootes: Es gibt schon ein Gull.")
	german("/boats", map[string]string{"Name": "odd"}).Is(422).Has("So heißt kein Boot.")
	german("/boats", map[string]string{"Name": ""}).Is(422).Has("Name des Bootes: Geben Sie")
	german("/boats", map[string]string{"Name": "typo"}).Is(500)
	if !strings.Contains(s.Log.String(), `did you mean \"club.taken\"`) && !strings.Contains(s.Log.String(), `did you mean "club.taken"`) {
		t.Errorf("an unknown id in a handler is not told:\n%s", s.Log)
	}
	v := german("/boats", map[string]string{"Name": "<Möwe>"}).Is(303)
	r, _ := http.NewRequest("GET", s.URL("/boats"), nil)
	if v.Do(r); !strings.Contains(v.Body, "&lt;Möwe&gt; ist gespeichert.") {
		t.Errorf("the notice is not there, or not escaped:\n%s", v.Body)
	}
}

func TestSiteInOneLanguageOfItsOwn(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) { return openTextsWith(env, siteTexts, "fr", boatPages) })
	if v := asking(s, "/boats", "ja"); !strings.Contains(v.Body, "Le club de voile") {
		t.Errorf("who asks for none of them: %s", v.Body)
	}
}

func TestTextsAreJudged(t *testing.T) {
	env := merlon.Env{Mode: merlon.Test, Data: t.TempDir()}
	told := func(_ *merlon.Site, err error) string {
		var faults merlon.Faults
		if !errors.As(err, &faults) {
			t.Fatalf("got %v, want faults", err)
		}
		return faults.Error()
	}
	bad := told(openTextsWith(env, badTexts, "", boatPages))
	for _, want := range []string{
		`testdata/features/badtexts/de.json: club.title is missing`,
		`testdata/features/badtexts/de.json:3: club.titel is not in en.json`,
		`testdata/features/badtexts/de.json:2: club.hello: it has the places [], and in en.json ["{0}"]`,
		"MRL-TEXT-001",
	} {
		if !strings.Contains(bad, want) {
			t.Errorf("lacks %q:\n%s", want, bad)
		}
	}
	if strings.Contains(bad, "MRL-PAGE-017") {
		t.Errorf("pages are told to lack texts beside it:\n%s", bad)
	}
	pages := told(openTextsWith(env, siteTexts, "", badBoatPages))
	for _, want := range []string{
		`badwords/boats.html:2:21: the catalogue has no text "club.titel" in language en`, "did you mean club.title?",
		`badwords/boats.html:3:24: text "club.boats" has plural forms, and its first value is no whole number`,
		`badwords/boats.html:4:6: text "club.hello" in language en: it has a place {1}, and there are 1 values`,
	} {
		if !strings.Contains(pages, want) {
			t.Errorf("lacks %q:\n%s", want, pages)
		}
	}
	if got := told(openTextsWith(env, siteTexts, "it", boatPages)); !strings.Contains(got, "there is no it.json") {
		t.Errorf("a language that is not there: %s", got)
	}
	if got := told(openTextsWith(env, merlon.TextsFrom(featureFiles, "nowhere"), "", boatPages)); !strings.Contains(got, "there is no en.json") {
		t.Errorf("a folder that is not there: %s", got)
	}
}
