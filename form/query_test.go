package form_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

func TestQuery(t *testing.T) {
	type sort string
	type input struct {
		ID    int64     `path:"id"`
		Slug  string    `path:"slug,max=10"`
		Q     string    `query:"q,max=5"`
		Page  int       `query:"page,min=1,max=100"`
		Sort  sort      `query:"sort,choices=name|date"`
		All   bool      `query:"all"`
		Tags  []string  `query:"tag,max=3,max_items=2"`
		Since time.Time `query:"since,date"`
	}
	at := func(id, slug string) func(string) string {
		return func(name string) string { return map[string]string{"id": id, "slug": slug}[name] }
	}
	for _, c := range []struct {
		name, raw, id, slug string
		want                input
		status              int
	}{
		{"nothing", "", "7", "x", input{ID: 7, Slug: "x"}, 0},
		{"all", "q=+ab+&page=2&sort=date&all=on&tag=a&tag=&tag=b&since=2026-02-03", "7", "x", input{7, "x", "ab", 2, "date", true, []string{"a", "b"}, time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)}, 0},
		{"empty values", "q=&page=&sort=&all=&tag=&since=", "7", "x", input{ID: 7, Slug: "x"}, 0},
		{"unknown names", "utm_source=a&utm_source=b&Q=x&ID=9&id=8&slug=y", "7", "x", input{ID: 7, Slug: "x"}, 0},
		{"true", "all=true", "7", "x", input{ID: 7, Slug: "x", All: true}, 0},
		{"false", "all=false", "7", "x", input{ID: 7, Slug: "x"}, 0},
		{"scalar twice", "q=a&q=b", "7", "x", input{}, 400},
		{"bool twice", "all=0&all=1", "7", "x", input{}, 400},
		{"too long", "q=abcdef", "7", "x", input{}, 400},
		{"control character", "q=a%00", "7", "x", input{}, 400},
		{"line break", "q=a%0Ab", "7", "x", input{}, 400},
		{"not UTF-8", "q=%FF", "7", "x", input{}, 400},
		{"bad escape in an unknown name", "x=%zz", "7", "x", input{}, 400},
		{"semicolon", "q=a;page=2", "7", "x", input{}, 400},
		{"number", "page=x", "7", "x", input{}, 400},
		{"zero page", "page=0", "7", "x", input{}, 400},
		{"unknown choice", "sort=password", "7", "x", input{}, 400},
		{"choice in another case", "sort=Name", "7", "x", input{}, 400},
		{"odd bool", "all=yes", "7", "x", input{}, 400},
		{"too many", "tag=a&tag=b&tag=c", "7", "x", input{}, 400},
		{"201 pairs", strings.Repeat("x&", 201), "7", "x", input{}, 400},
		{"date", "since=3.2.2026", "7", "x", input{}, 400},
		{"path: no number", "", "abc", "x", input{}, 404},
		{"path: empty", "", "", "x", input{}, 404},
		{"path: zeros in front", "", "007", "x", input{}, 404},
		{"path: minus zero", "", "-0", "x", input{}, 404},
		{"path: negative", "", "-7", "x", input{ID: -7, Slug: "x"}, 0},
		{"path: plus", "", "+7", "x", input{}, 404},
		{"path: space", "", " 7", "x", input{}, 404},
		{"path: overflow", "", "9223372036854775808", "x", input{}, 404},
		{"path: text too long", "", "7", strings.Repeat("x", 11), input{}, 404},
		{"path: spaces around", "", "7", " x", input{}, 404},
		{"path: control character", "", "7", "x\x00", input{}, 404},
		{"path before query", "page=x", "abc", "x", input{}, 404},
	} {
		got, err := form.BindQuery[input](c.raw, at(c.id, c.slug))
		status := 0
		if err != nil {
			status = err.(*form.Refusal).Status
		}
		if !reflect.DeepEqual(got, c.want) || status != c.status {
			t.Errorf("%s: got %+v, %v, want %+v, status %d", c.name, got, err, c.want, c.status)
		}
	}
	if _, err := form.BindQuery[struct{}]("x=%zz", nil); err == nil {
		t.Error("a bad escape for a GET without input: got nil")
	}
	if _, err := form.BindQuery[struct{}]("utm=1", nil); err != nil {
		t.Errorf("a GET without input: got %v", err)
	}
	for name, typ := range map[string]reflect.Type{
		"password": reflect.TypeFor[struct {
			P secret.String `query:"p,password,max=9"`
		}](),
		"password text": reflect.TypeFor[struct {
			P string `query:"p,password,max=9"`
		}](),
		"sealed number": reflect.TypeFor[struct {
			P int `query:"p,sealed"`
		}](),
		"sealed": reflect.TypeFor[struct {
			P string `query:"p,sealed"`
		}](),
		"lines": reflect.TypeFor[struct {
			P string `query:"p,lines,max=9"`
		}](),
		"offered": reflect.TypeFor[struct {
			P string `query:"p,choices"`
		}](),
		"form tag": reflect.TypeFor[struct {
			P string `form:"max=9"`
		}](),
		"no max": reflect.TypeFor[struct {
			P string `query:"p"`
		}](),
		"no name": reflect.TypeFor[struct {
			P string `query:",max=9"`
		}](),
		"excluded": reflect.TypeFor[struct {
			P string `query:"-"`
		}](),
		"untagged": reflect.TypeFor[struct{ P string }](),
	} {
		if spec, faults := form.QuerySpecOf(typ); spec != nil || len(faults) != 1 {
			t.Errorf("%s: got %v, want one fault", name, faults)
		} else if name == "password" && faults[0].ID != form.RulePasswordQuery.ID {
			t.Errorf("%s: got %v", name, faults)
		}
		if _, err := form.BindQuery[struct {
			P string `query:"p"`
		}]("p=x", nil); err == nil || err.(*form.Refusal).Status != 500 {
			t.Errorf("a struct with faults: got %v, want 500", err)
		}
	}
}
