package form_test

import (
	"mime/multipart"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

type row struct{ ID, Owner int64 }

type named string

// TestFaults: each struct does not start, with this rule, at this place, with this way out.
func TestFaults(t *testing.T) {
	type embedded struct {
		row
		Text string `form:"max=5"`
	}
	type Exported struct{ A string }
	type embeddedExported struct {
		Exported
	}
	for _, c := range []struct {
		name  string
		typ   reflect.Type
		rule  check.Rule
		where string // suffix of Where
		says  string // in the finding
	}{
		{"untagged", reflect.TypeFor[struct{ Text string }](), form.RuleUntagged, ".Text", `form:"required,max=500"`},
		{"untagged beside a tagged one", reflect.TypeFor[struct {
			Text  string `form:"max=5"`
			Admin bool
		}](), form.RuleUntagged, ".Admin", "no tag"},
		{"only a json tag", reflect.TypeFor[struct {
			Text string `json:"text"`
		}](), form.RuleUntagged, ".Text", "no tag"},
		{"text without max", reflect.TypeFor[struct {
			Text string `form:"required"`
		}](), form.RuleNoLimit, ".Text", "add max="},
		{"lines without max", reflect.TypeFor[struct {
			Text string `form:"lines"`
		}](), form.RuleNoLimit, ".Text", "add max="},
		{"url without max", reflect.TypeFor[struct {
			Text string `form:"url"`
		}](), form.RuleNoLimit, ".Text", "add max="},
		{"password without max", reflect.TypeFor[struct {
			P secret.String `form:"password"`
		}](), form.RuleNoLimit, ".P", "add max="},
		{"named string without max", reflect.TypeFor[struct {
			Text named `form:""`
		}](), form.RuleNoLimit, ".Text", "add max="},
		{"list without max_items", reflect.TypeFor[struct {
			Tags []string `form:"max=5"`
		}](), form.RuleNoLimit, ".Tags", "add max_items="},
		{"list of numbers without max_items", reflect.TypeFor[struct {
			N []int64 `form:""`
		}](), form.RuleNoLimit, ".N", "add max_items="},
		{"excluded (MASS-3)", reflect.TypeFor[struct {
			Text  string `form:"max=5"`
			Admin bool   `form:"-"`
		}](), form.RuleExclusion, ".Admin", "there is no exclusion"},
		{"excluded with options", reflect.TypeFor[struct {
			Admin bool `form:"-,required"`
		}](), form.RuleExclusion, ".Admin", "take the field out of the struct"},
		{"embedded row", reflect.TypeFor[embedded](), form.RuleEmbedded, "embedded.row", "one by one"},
		{"embedded exported struct", reflect.TypeFor[embeddedExported](), form.RuleEmbedded, ".Exported", "one by one"},
		{"pointer", reflect.TypeFor[struct {
			N *int `form:""`
		}](), form.RuleType, ".N", "zero value"},
		{"interface", reflect.TypeFor[struct {
			N any `form:""`
		}](), form.RuleType, ".N", "concrete type"},
		{"map", reflect.TypeFor[struct {
			M map[string]string `form:""`
		}](), form.RuleType, ".M", "as fields"},
		{"nested struct", reflect.TypeFor[struct {
			M row `form:""`
		}](), form.RuleType, ".M", "use string"},
		{"array", reflect.TypeFor[struct {
			M [3]int `form:""`
		}](), form.RuleType, ".M", "use string"},
		{"channel", reflect.TypeFor[struct {
			M chan int `form:""`
		}](), form.RuleType, ".M", "use string"},
		{"function", reflect.TypeFor[struct {
			M func() `form:""`
		}](), form.RuleType, ".M", "use string"},
		{"complex", reflect.TypeFor[struct {
			M complex128 `form:""`
		}](), form.RuleType, ".M", "use string"},
		{"uintptr", reflect.TypeFor[struct {
			M uintptr `form:""`
		}](), form.RuleType, ".M", "use string"},
		{"list of checkboxes", reflect.TypeFor[struct {
			M []bool `form:"max_items=3"`
		}](), form.RuleType, ".M", "use string"},
		{"list of dates", reflect.TypeFor[struct {
			M []time.Time `form:"date,max_items=3"`
		}](), form.RuleType, ".M", "use string"},
		{"list of lists", reflect.TypeFor[struct {
			M [][]string `form:"max=3,max_items=3"`
		}](), form.RuleType, ".M", "use string"},
		{"list of passwords", reflect.TypeFor[struct {
			M []string `form:"password,max=3,max_items=3"`
		}](), form.RuleTag, ".M", "does not fit a list"},
		{"duration", reflect.TypeFor[struct {
			M time.Duration `form:""`
		}](), form.RuleType, ".M", "in which unit"},
		{"secret bytes", reflect.TypeFor[struct {
			M secret.Bytes `form:""`
		}](), form.RuleType, ".M", "use string"},
		{"secret that is no password", reflect.TypeFor[struct {
			M secret.String `form:"max=5"`
		}](), form.RuleTag, ".M", "add password"},
		{"password that is a text", reflect.TypeFor[struct {
			M string `form:"password,max=5"`
		}](), form.RulePlainPassword, ".M", "secret.String"},
		{"password of a named text", reflect.TypeFor[struct {
			M named `form:"required,password,max=5"`
		}](), form.RulePlainPassword, ".M", "secret.String"},
		{"time without date or datetime", reflect.TypeFor[struct {
			M time.Time `form:""`
		}](), form.RuleTag, ".M", "add date or datetime"},
		{"misspelt option", reflect.TypeFor[struct {
			Text string `form:"requird,max=5"`
		}](), form.RuleTag, ".Text", "did you mean required?"},
		{"space in the tag", reflect.TypeFor[struct {
			Text string `form:"required, max=5"`
		}](), form.RuleTag, ".Text", "did you mean max?"},
		{"unknown option", reflect.TypeFor[struct {
			Text string `form:"something,max=5"`
		}](), form.RuleTag, ".Text", "not known"},
		{"option without its value", reflect.TypeFor[struct {
			Text string `form:"max"`
		}](), form.RuleTag, ".Text", "max=…"},
		{"value of an option without", reflect.TypeFor[struct {
			Text string `form:"required=true,max=5"`
		}](), form.RuleTag, ".Text", "required alone"},
		{"option twice", reflect.TypeFor[struct {
			Text string `form:"max=5,max=6"`
		}](), form.RuleTag, ".Text", "twice"},
		{"max zero", reflect.TypeFor[struct {
			Text string `form:"max=0"`
		}](), form.RuleTag, ".Text", "whole number"},
		{"max negative", reflect.TypeFor[struct {
			Text string `form:"max=-1"`
		}](), form.RuleTag, ".Text", "whole number"},
		{"max beyond all bodies", reflect.TypeFor[struct {
			Text string `form:"max=999999999999"`
		}](), form.RuleTag, ".Text", "whole number"},
		{"min above max", reflect.TypeFor[struct {
			Text string `form:"min=6,max=5"`
		}](), form.RuleTag, ".Text", "above"},
		{"number limits crossed", reflect.TypeFor[struct {
			N int `form:"min=6,max=5"`
		}](), form.RuleTag, ".N", "above"},
		{"limit beyond the type", reflect.TypeFor[struct {
			N int8 `form:"max=300"`
		}](), form.RuleTag, ".N", "no value of the field"},
		{"negative limit of a uint", reflect.TypeFor[struct {
			N uint `form:"min=-1"`
		}](), form.RuleTag, ".N", "no value of the field"},
		{"limit that is no number", reflect.TypeFor[struct {
			N float64 `form:"max=1e3"`
		}](), form.RuleTag, ".N", "no value of the field"},
		{"limit that is no date", reflect.TypeFor[struct {
			D time.Time `form:"date,min=2026-02-30"`
		}](), form.RuleTag, ".D", "no value of the field"},
		{"max on a checkbox", reflect.TypeFor[struct {
			B bool `form:"max=5"`
		}](), form.RuleTag, ".B", "does not fit"},
		{"email on a number", reflect.TypeFor[struct {
			N int `form:"email"`
		}](), form.RuleTag, ".N", "does not fit"},
		{"max_items on a scalar", reflect.TypeFor[struct {
			Text string `form:"max=5,max_items=5"`
		}](), form.RuleTag, ".Text", "does not fit"},
		{"max on choices", reflect.TypeFor[struct {
			Text string `form:"choices=a|b,max=5"`
		}](), form.RuleTag, ".Text", "does not fit"},
		{"both email and url", reflect.TypeFor[struct {
			Text string `form:"email,url,max=5"`
		}](), form.RuleTag, ".Text", "both email and url"},
		{"choices with an empty one", reflect.TypeFor[struct {
			Text string `form:"choices=a||b"`
		}](), form.RuleTag, ".Text", "no value"},
		{"choice twice", reflect.TypeFor[struct {
			Text string `form:"choices=a|b|a:Again"`
		}](), form.RuleTag, ".Text", "twice"},
		{"choices on a number", reflect.TypeFor[struct {
			N int `form:"choices=1|2"`
		}](), form.RuleTag, ".N", "does not fit"},
		{"inputmode unknown", reflect.TypeFor[struct {
			Text string `form:"max=5,inputmode=digits"`
		}](), form.RuleTag, ".Text", "numeric"},
		{"autocomplete that would leave its attribute", reflect.TypeFor[struct {
			Text string `form:"max=5" autocomplete:"off\" onfocus=\"x"`
		}](), form.RuleTag, ".Text", "autofill"},
		{"upload bytes", reflect.TypeFor[struct {
			F []byte `form:""`
		}](), form.RuleUpload, ".F", "cannot take an upload"},
		{"upload by header", reflect.TypeFor[struct {
			F *multipart.FileHeader `form:"max_bytes=5"`
		}](), form.RuleUpload, ".F", "cannot take an upload"},
		{"uploads", reflect.TypeFor[struct {
			F []*multipart.FileHeader `form:"max_items=3"`
		}](), form.RuleUpload, ".F", "cannot take an upload"},
		{"upload by its options", reflect.TypeFor[struct {
			F string `form:"types=image/png"`
		}](), form.RuleUpload, ".F", "cannot take an upload"},
		{"a list of uploads", reflect.TypeFor[struct {
			F []form.File `form:"max_items=3,max_bytes=5,types=image/png"`
		}](), form.RuleUpload, ".F", "one field a file"},
		{"upload without a size", reflect.TypeFor[struct {
			F form.File `form:"types=image/png"`
		}](), form.RuleNoLimit, ".F", "max_bytes"},
		{"upload without types", reflect.TypeFor[struct {
			F form.File `form:"max_bytes=5"`
		}](), form.RuleNoLimit, ".F", "types"},
		{"picture without pixels", reflect.TypeFor[struct {
			F form.Image `form:"max_bytes=5,types=image/png"`
		}](), form.RuleNoLimit, ".F", "pixels"},
		{"picture larger than memory", reflect.TypeFor[struct {
			F form.Image `form:"max_bytes=5,types=image/png,pixels=50000001"`
		}](), form.RuleTag, ".F", "50000000"},
		{"upload of a type that runs", reflect.TypeFor[struct {
			F form.File `form:"max_bytes=5,types=image/svg+xml"`
		}](), form.RuleUpload, ".F", "image/svg+xml"},
		{"picture of a type that is none", reflect.TypeFor[struct {
			F form.Image `form:"max_bytes=5,types=application/pdf,pixels=5"`
		}](), form.RuleUpload, ".F", "application/pdf"},
		{"upload in a path", reflect.TypeFor[struct {
			F form.File `path:"f,max_bytes=5,types=image/png"`
		}](), form.RuleTag, ".F", "does not fit an address"},
		{"hidden upload", reflect.TypeFor[struct {
			F form.File `form:"hidden,max_bytes=5,types=image/png"`
		}](), form.RuleTag, ".F", "does not fit a field of kind file"},
		{"only unexported fields", reflect.TypeFor[struct{ text string }](), form.RuleStruct, "", "no exported field"},
		{"tag on an unexported field", reflect.TypeFor[struct {
			Text string `form:"max=5"`
			note string `form:"max=5"`
		}](), form.RuleStruct, ".note", "not exported"},
		{"no struct", reflect.TypeFor[map[string]string](), form.RuleStruct, "map[string]string", "declare a struct"},
		{"pointer to a struct", reflect.TypeFor[*text10](), form.RuleStruct, "text10", "declare a struct"},
		{"a time", reflect.TypeFor[time.Time](), form.RuleStruct, "time.Time", "declare a struct"},
		{"two sources", reflect.TypeFor[struct {
			ID int64 `form:"" path:"id"`
		}](), form.RuleTag, ".ID", "two sources"},
		{"query in a form", reflect.TypeFor[struct {
			ID int64 `query:"id"`
		}](), form.RuleTag, ".ID", "body only"},
		{"path text without max", reflect.TypeFor[struct {
			Slug string `path:"slug"`
		}](), form.RuleNoLimit, ".Slug", "add max="},
		{"path list", reflect.TypeFor[struct {
			IDs []int `path:"id,max_items=3"`
		}](), form.RuleType, ".IDs", "one value"},
		{"path required", reflect.TypeFor[struct {
			ID int `path:"id,required"`
		}](), form.RuleTag, ".ID", "does not fit"},
		{"path password", reflect.TypeFor[struct {
			P string `path:"p,password,max=5"`
		}](), form.RulePasswordQuery, ".P", "POST form"},
		{"path checkbox", reflect.TypeFor[struct {
			B bool `path:"b"`
		}](), form.RuleTag, ".B", "does not fit"},
		{"list of sealed numbers", reflect.TypeFor[struct {
			N []int64 `form:"sealed,max_items=3"`
		}](), form.RuleTag, ".N", "does not fit a list"},
		{"path name that is none", reflect.TypeFor[struct {
			ID int `path:"{id}"`
		}](), form.RuleTag, ".ID", "no name"},
		{"path name of another field", reflect.TypeFor[struct {
			ID   int    `path:"Text"`
			Text string `form:"max=5"`
		}](), form.RuleStruct, ".Text", "taken"},
		{"sealed bool", reflect.TypeFor[struct {
			B bool `form:"sealed"`
		}](), form.RuleTag, ".B", "does not fit"},
		{"sealed with required", reflect.TypeFor[struct {
			N int `form:"sealed,required"`
		}](), form.RuleTag, ".N", "does not fit"},
	} {
		spec, faults := form.SpecOf(c.typ)
		if spec != nil || len(faults) != 1 {
			t.Errorf("%s: got spec %v, faults %v, want one fault", c.name, spec, faults)
			continue
		}
		f := faults[0]
		if f.ID != c.rule.ID || !strings.HasSuffix(f.Where, c.where) || !strings.Contains(f.Error(), c.says) {
			t.Errorf("%s: got %v, want %s at …%s saying %q", c.name, f, c.rule.ID, c.where, c.says)
		}
	}
}

// TestHonestStructs: the nearest structs that do start.
func TestHonestStructs(t *testing.T) {
	type Choice string
	type everything struct {
		ID       int64         `path:"id"`
		Slug     string        `path:"slug,max=64"`
		Kind     string        `path:"kind,choices=a|b"`
		Text     string        `form:"required,max=10,min=2" label:"Your text" help:"Two to ten letters" autocomplete:"section-a given-name"`
		Code     string        `form:"max=6,inputmode=numeric" autocomplete:"one-time-code"`
		Body     string        `form:"lines,max=1000,rows=8"`
		Mail     string        `form:"email"`
		Site     string        `form:"url,max=200"`
		Color    Choice        `form:"required,choices=red:Dark red|green"`
		Club     string        `form:"choices"`
		Tags     []string      `form:"max=5,max_items=3"`
		Colors   []Choice      `form:"choices=red|green,max_items=2"`
		Numbers  []int32       `form:"min=1,max=9,max_items=3"`
		Mails    []string      `form:"email,max_items=3"`
		N        int           `form:""`
		N8       int8          `form:"min=-128,max=127"`
		U        uint16        `form:"max=9"`
		F        float32       `form:"min=-0.5,max=.5"`
		B        bool          `form:""`
		Day      time.Time     `form:"date,min=2026-01-01,max=2026-12-31"`
		At       time.Time     `form:"datetime"`
		DayText  string        `form:"date"`
		Password secret.String `form:"required,password,min=8,max=1024" autocomplete:"new-password"`
		Ref      int64         `form:"sealed"`
		hidden   int
		_        int
	}
	spec, faults := form.SpecOf(reflect.TypeFor[everything]())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if got := len(spec.Fields()); got != 24 {
		t.Errorf("got %d fields, want 24", got)
	}
	if again, _ := form.SpecOf(reflect.TypeFor[everything]()); again != spec {
		t.Error("compiled twice")
	}
	if f, ok := spec.Field("id"); ok || f.Path {
		t.Error("a path field is found by its name in the address: a body could bind it")
	}
	if f, ok := spec.Field("ID"); !ok || !f.Path || !f.Required {
		t.Errorf("got %+v, want the path field", f)
	}
	if f, _ := spec.Field("Color"); f.Choices[0] != (form.Option{Value: "red", Label: "Dark red"}) || f.Choices[1].Value != "green" {
		t.Errorf("got choices %v", f.Choices)
	}
	if !spec.HasSealed() || spec.Type() != reflect.TypeFor[everything]() {
		t.Error("HasSealed or Type is wrong")
	}
	if spec, faults := form.SpecOf(reflect.TypeFor[struct{}]()); spec == nil || len(faults) > 0 {
		t.Errorf("the form that is only a button: got %v", faults)
	}
	_ = everything{hidden: 1}
}

// TestAllFaultsAtOnce: one start shows every fault, each at its place.
func TestAllFaultsAtOnce(t *testing.T) {
	type bad struct {
		A string `form:"required"`
		B *int   `form:""`
		C int
	}
	_, faults := form.SpecOf(reflect.TypeFor[bad]())
	if len(faults) != 3 || faults[0].Where != "form_test.bad.A" || faults[1].Where != "form_test.bad.B" || faults[2].Where != "form_test.bad.C" {
		t.Errorf("got %v, want three faults with their places", faults)
	}
	body, _ := form.Parse(post("A=x&C=1"), form.Limits{})
	f, bound := form.Bind[bad](body, nil)
	if v, ok := f.Value(); ok || v != (bad{}) || bound.Refusal == nil || bound.Refusal.Status != 500 {
		t.Errorf("a struct with faults was bound: %v %v, refusal %v", v, ok, bound.Refusal)
	}
	if got := string(form.AppendFields(nil, form.Form[bad]{})); got != "" {
		t.Errorf("a struct with faults was shown: %s", got)
	}
}

func TestLabels(t *testing.T) {
	type labels struct {
		FirstName string `form:"max=5"`
		UserID    int    `form:""`
		URLOfSite string `form:"max=5"`
		X         int    `form:""`
		Äpfel     int    `form:""`
		Given     int    `form:"" label:"As given"`
	}
	spec, faults := form.SpecOf(reflect.TypeFor[labels]())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := []string{"First name", "User ID", "URL of site", "X", "Äpfel", "As given"}
	for i, f := range spec.Fields() {
		if f.Label != want[i] {
			t.Errorf("%s: got label %q, want %q", f.Name, f.Label, want[i])
		}
	}
}

// A misspelt key of a tag would be ignored by reflection: the label that was meant is not there.
func TestMisspeltTagKeys(t *testing.T) {
	type misspelt struct {
		A string `form:"max=10" lable:"A"`
		B string `form:"max=10" label:"key:\"lable:\" in a value" json:"b" db:"c"`
	}
	_, faults := form.SpecOf(reflect.TypeFor[misspelt]())
	if len(faults) != 1 || faults[0].ID != form.RuleTag.ID || !strings.Contains(faults[0].What, "lable") || faults[0].Do != "did you mean label?" {
		t.Errorf("%v", faults)
	}
}
