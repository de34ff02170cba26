package merlon_test

import (
	"embed"
	"errors"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/static"
)

//go:embed testdata/permissions
var permissionFiles embed.FS

type featureData struct{}

var (
	featurePages = page.From(permissionFiles, "testdata/permissions/pages")
	featurePage  = page.New[featureData](featurePages, "feature.html")
)

func showFeature(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Show(featurePage, featureData{}), nil
}

// TestScriptsOpenFeatures: a page may use what the files of its scripts name, its error pages may not, and a name that no
// browser knows is told at start.
func TestScriptsOpenFeatures(t *testing.T) {
	// not package variables: the other sites of this package have no static files of their own
	rightFeature := static.From(permissionFiles, "testdata/permissions/static").Under("feature").Opens("geolocation")
	wrongFeature := static.From(permissionFiles, "testdata/permissions/static").Under("feature").Opens("geolocation", "passkeys")
	with := func(files *static.Files) func(env merlon.Env) (*merlon.Site, error) {
		return func(env merlon.Env) (*merlon.Site, error) {
			return merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: featurePages, Schema: noStatements, Static: files,
				Routes: []merlon.Route{merlon.Get("/", merlon.Public(), showFeature)}})
		}
	}
	s := merlontest.Start(t, with(rightFeature))
	if got := s.Visitor().Get("/").Is(200).Header.Get("Permissions-Policy"); !strings.Contains(got, "geolocation=(self)") || strings.Count(got, "(self)") != 1 {
		t.Errorf("the page opens %s", got)
	}
	if got := s.Visitor().Get("/nowhere").Is(404).Header.Get("Permissions-Policy"); strings.Contains(got, "self") || got == "" {
		t.Errorf("the error page opens %s", got)
	}
	_, err := with(wrongFeature)(merlon.Env{Data: t.TempDir(), Mode: merlon.Test})
	var faults merlon.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || faults[0].ID != header.RuleFeature.ID {
		t.Errorf("an unknown feature: got %v, want %s", err, header.RuleFeature.ID)
	}
}
