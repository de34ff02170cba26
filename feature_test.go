package merlon_test

import (
	"embed"
	"errors"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/static"
)

//go:embed testdata/permissions
var permissionFiles embed.FS

type featureData struct{}

type asked struct {
	Text string `form:"max=20" label:"Text"`
}

var (
	featurePages = page.From(permissionFiles, "testdata/permissions/pages")
	featurePage  = page.New[featureData](featurePages, "feature.html")
	askPage      = page.New[featureData](featurePages, "ask.html")
)

func showFeature(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Show(featurePage, featureData{}), nil
}

func showAsk(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Show(askPage, featureData{}), nil
}

func answerFeature(*merlon.Write[merlon.Visitor], form.Form[asked]) (*merlon.Response, error) {
	return merlon.Show(featurePage, featureData{}), nil
}

func withFeature(files *static.Files) func(merlon.Env) (*merlon.Site, error) {
	return func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: featurePages, Schema: noStatements, Static: files,
			Routes: []merlon.Route{
				merlon.Get("/", merlon.Public(), showFeature),
				merlon.Get("/ask", merlon.Public(), showAsk),
				merlon.Post("/ask", merlon.Public(), answerFeature),
			}})
	}
}

// TestScriptsOpenFeatures: a page may use what the files of its scripts name, its error pages may not, and a name that no
// browser knows is told at start.
func TestScriptsOpenFeatures(t *testing.T) {
	// not package variables: the other sites of this package have no static files of their own
	rightFeature := static.From(permissionFiles, "testdata/permissions/static").Under("feature").Opens("geolocation")
	wrongFeature := static.From(permissionFiles, "testdata/permissions/static").Under("feature").Opens("geolocation", "passkeys")
	s := merlontest.Start(t, withFeature(rightFeature))
	if got := s.Visitor().Get("/").Is(200).Header.Get("Permissions-Policy"); !strings.Contains(got, "geolocation=(self)") || strings.Count(got, "(self)") != 1 {
		t.Errorf("the page opens %s", got)
	}
	if got := s.Visitor().Get("/nowhere").Is(404).Header.Get("Permissions-Policy"); strings.Contains(got, "self") || got == "" {
		t.Errorf("the error page opens %s", got)
	}
	_, err := withFeature(wrongFeature)(merlon.Env{Data: t.TempDir(), Mode: merlon.Test})
	var faults merlon.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || faults[0].ID != header.RuleFeature.ID {
		t.Errorf("an unknown feature: got %v, want %s", err, header.RuleFeature.ID)
	}
}

// TestASecondClickShowsAPageThatRuns: a page that answered a form has its policy and its features when it is shown again.
func TestASecondClickShowsAPageThatRuns(t *testing.T) {
	files := static.From(permissionFiles, "testdata/permissions/static").Under("feature").Opens("geolocation")
	s := merlontest.Start(t, withFeature(files))
	v := s.Visitor().Get("/ask").Is(200)
	first, second := v.Clone(), v.Clone()
	f := v.Fields("/ask")
	first.Post("/ask", s.Site.Origin(), f).Is(200)
	second.Post("/ask", s.Site.Origin(), f).Is(200)
	for _, name := range []string{"Permissions-Policy", "Content-Security-Policy"} {
		if a, b := first.Header.Get(name), second.Header.Get(name); a != b || a == "" {
			t.Errorf("%s of the first answer is %q, of the second %q", name, a, b)
		}
	}
	if got := second.Header.Get("Permissions-Policy"); !strings.Contains(got, "geolocation=(self)") {
		t.Errorf("the page opens %s", got)
	}
}
