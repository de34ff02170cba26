package form_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

type hiddenForm struct {
	Next  string `form:"hidden,max=20"`
	Count int    `form:"hidden,required,max=5"`
	Text  string `form:"required,max=10"`
}

// A hidden field is one hidden control without label, keeps what was typed, and obeys its rules.
func TestHidden(t *testing.T) {
	out := string(form.AppendFields(nil, form.New(hiddenForm{Next: `/a"b`, Count: 3})))
	if !strings.HasPrefix(out, `<input type="hidden" name="Next" value="/a&#34;b">`+"\n"+`<input type="hidden" name="Count" value="3">`+"\n"+`<div class="field">`) {
		t.Errorf("printed: %s", out)
	}
	if out := string(form.AppendFields(nil, form.Form[hiddenForm]{})); !strings.HasPrefix(out, `<input type="hidden" name="Next" value="">`) {
		t.Errorf("the zero form: %s", out)
	}
	for tag, typ := range map[string]reflect.Type{
		"list": reflect.TypeFor[struct {
			A []string `form:"hidden,max=5,max_items=2"`
		}](),
		"password": reflect.TypeFor[struct {
			A secret.String `form:"hidden,password,max=50"`
		}](),
		"lines": reflect.TypeFor[struct {
			A string `form:"hidden,lines,max=50"`
		}](),
	} {
		if _, faults := form.SpecOf(typ); len(faults) != 1 || faults[0].ID != form.RuleTag.ID || !strings.Contains(faults[0].What, "hidden") {
			t.Errorf("%s: %v", tag, faults)
		}
	}
	if _, faults := form.QuerySpecOf(reflect.TypeFor[struct {
		A string `query:"a,hidden,max=50"`
	}]()); len(faults) != 1 || !strings.Contains(faults[0].What, "cannot be hidden") {
		t.Errorf("in a query: %v", faults)
	}
}
