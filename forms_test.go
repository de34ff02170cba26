package merlon_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

type needForm struct {
	First  string `form:"required,max=10"`
	Second string `form:"required,max=10"`
	Third  string `form:"max=10"`
}

func needed(*merlon.Write[merlon.Visitor], form.Form[needForm]) (*merlon.Response, error) {
	return merlon.Redirect("/"), nil
}

// What a form asks for is held against what its route takes, both ways.
func TestFormsAreHeldAgainstTheirRoutes(t *testing.T) {
	pages := page.From(siteFiles, "testdata/refused/forms")
	page.New[wrongData](pages, "forms.html")
	_, err := merlon.New(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, merlon.Config{Engine: sqlite.Engine("x.db"), Pages: pages, Schema: noStatements,
		Routes: []merlon.Route{
			merlon.Get("/", merlon.Public(), plain),
			merlon.Get("/find", merlon.Public(), search),
			merlon.Post("/need", merlon.Public(), needed),
		}})
	var faults check.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("New = %v, want faults", err)
	}
	for _, want := range []struct{ where, what, do string }{
		{"forms.html:5:", `a control "w", and merlon_test.searchInput of route "GET /find" takes no such value`, `query:"w"`},
		{"forms.html:6:", `a control "q", and merlon.None of route "GET /" takes no such value`, `query:"q"`},
		{"forms.html:7:", `no form that posts to "POST /need" has a control "Second", which merlon_test.needForm requires`, `{{field .Form "Second"}}`},
	} {
		found := false
		for _, f := range faults {
			found = found || f.ID == merlon.RulePageForm.ID && strings.Contains(f.Where, want.where) && strings.Contains(f.What, want.what) && strings.Contains(f.Do, want.do)
		}
		if !found {
			t.Errorf("nothing says %q at %s: %v", want.what, want.where, faults)
		}
	}
	if len(faults) != 3 {
		t.Errorf("%d faults, want 3: %v", len(faults), faults)
	}
}
