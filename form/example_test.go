package form_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"

	"github.com/merlon-web/merlon/form"
)

type NewNote struct {
	Text string `form:"required,max=20,lines" label:"Your note"`
}

// A form in plain net/http, without Merlon: read, judge, and show again with what was typed.
func ExampleBind() {
	handle := func(w http.ResponseWriter, r *http.Request) {
		body, err := form.Parse(r, form.Limits{})
		if err != nil {
			http.Error(w, "Bad request", err.(*form.Refusal).Status)
			return
		}
		f, bound := form.Bind[NewNote](body, r.PathValue)
		if bound.Refusal != nil {
			http.Error(w, "Bad request", bound.Refusal.Status)
			return
		}
		note, ok := f.Value()
		if !ok {
			w.Write(form.AppendFields(nil, f))
			return
		}
		fmt.Fprintf(w, "kept %q, passed over %q\n", note.Text, bound.Undeclared)
	}
	for _, body := range []string{"Text=Hello&is_admin=1", "Text=More+than+twenty+letters"} {
		r := httptest.NewRequest("POST", "/notes", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		handle(w, r)
		fmt.Print(w.Body)
	}
	// Output:
	// kept "Hello", passed over ["is_admin"]
	// <div class="field invalid"><label for="f-Text">Your note</label><p class="error" id="f-Text-error">Use at most 20 characters.</p><textarea id="f-Text" name="Text" required aria-invalid="true" aria-describedby="f-Text-error" maxlength="20">
	// More than twenty letters</textarea></div>
}

// The faults of a struct, all at once, before any request.
func ExampleSpecOf() {
	_, faults := form.SpecOf(reflect.TypeFor[struct {
		Text  string `form:"required"`
		Admin bool   `form:"-"`
	}]())
	for _, f := range faults {
		fmt.Fprint(os.Stdout, f.Text())
	}
	// Output:
	// struct{…}.Text: the field has no max
	//   what has no limit is filled to the brim of the disk by somebody
	//   add max=…: the most code points that the text may have  MRL-FORM-002
	// struct{…}.Admin: the tag excludes the field
	//   a list of what is out forgets the field that is added next year; a field is in by its tag, and there is no exclusion
	//   take the field out of the struct: a field is in by its tag  MRL-FORM-003
}
