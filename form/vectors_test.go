package form_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

type vector struct {
	ID, Title   string
	Fields      []map[string]any
	ContentType string `json:"content_type"`
	Query, Body string
	BodyBytes   string `json:"body_bytes"`
	Repeat      *struct {
		Marker, Text string
		Times        int
	}
	Rendered    []string
	NotRendered []string `json:"not_rendered"`
	Expect      struct {
		Result string
		Values map[string]any
		Errors map[string]string
		Status int
		Event  string
	}
}

func vectors(t testing.TB) []vector {
	text, err := os.ReadFile("testdata/form-bodies.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// request is the vector's request; latin1 bodies have one byte a character.
func (v vector) request() *http.Request {
	body := v.Body
	if v.Repeat != nil {
		body = strings.ReplaceAll(body, v.Repeat.Marker, strings.Repeat(v.Repeat.Text, v.Repeat.Times))
	}
	if v.BodyBytes == "latin1" {
		var b []byte
		for _, r := range body {
			b = append(b, byte(r))
		}
		body = string(b)
	}
	r := httptest.NewRequest("POST", "https://site.test/form?"+v.Query, strings.NewReader(body))
	if v.ContentType != "" {
		r.Header.Set("Content-Type", v.ContentType)
	}
	return r
}

// outcome is what a vector's form made of its request.
type outcome struct {
	values   map[string]any
	ok       bool
	problems map[string]string
	bound    form.Bound
	html     string
}

type runner struct {
	typ reflect.Type
	run func(*form.Body) outcome
}

var sealer = form.NewSealer(make([]byte, 32), []byte("a session"))

func of[T any]() runner {
	typ := reflect.TypeFor[T]()
	return runner{typ, func(b *form.Body) outcome {
		b.Sealer = sealer
		f, bound := form.Bind[T](b, nil)
		o := outcome{values: map[string]any{}, problems: map[string]string{}, bound: bound}
		var value T
		value, o.ok = f.Value()
		for _, field := range f.FormSpec().Fields() {
			v := reflect.ValueOf(value).FieldByName(field.Go).Interface()
			switch x := v.(type) {
			case secret.String:
				v = x.Reveal()
			case form.File:
				if v = any(nil); x.Given() {
					v = map[string]any{"size": x.Size(), "type": x.Type(), "client_name": x.Name(), "stored_name": "random"}
				}
			}
			o.values[field.Go] = v
			if id := f.ProblemID(field.Go); id != "" {
				o.problems[field.Go] = id
			}
		}
		o.html = string(new(form.Render).AppendAgain(form.AppendProblems(nil, f), f))
		return o
	}}
}

// The structs of the vectors; which is whose is found by comparing the compiled description with the vector's words.
type (
	text10 struct {
		Text string `form:"required,max=10"`
	}
	int100 struct {
		Num int `form:"min=0,max=100"`
	}
	upload struct {
		Pic form.File `form:"max_bytes=1000,types=image/png|text/plain"`
	}
	mail struct {
		Mail string `form:"required,email"`
	}
	day struct {
		Day string `form:"required,date"`
	}
	float1000 struct {
		Num float64 `form:"min=0,max=1000"`
	}
	agree struct {
		Agree bool `form:""`
	}
	siteURL struct {
		Site string `form:"required,url,max=200"`
	}
	tags struct {
		Tags []string `form:"max=5,max_items=3"`
	}
	colour struct {
		Color string `form:"required,choices=red|green"`
	}
	lines5 struct {
		Text string `form:"required,lines,max=5"`
	}
	three struct {
		Text string `form:"required,max=10"`
		Opt  string `form:"max=10"`
		Num  int    `form:"min=0,max=100"`
	}
	pass struct {
		Pass secret.String `form:"required,password,max=1024"`
	}
	role struct {
		Role string `form:"max=10"`
	}
	longLines struct {
		Text string `form:"lines,max=100000"`
	}
	mustAgree struct {
		Agree bool `form:"required"`
	}
	sealed struct {
		Text string `form:"required,max=10"`
		Ref  int64  `form:"sealed"`
	}
	textPass struct {
		Text string        `form:"required,max=10"`
		Pass secret.String `form:"password,max=1024"`
	}
	small struct {
		Num int8 `form:""`
	}
	at struct {
		At string `form:"required,datetime"`
	}
	numOpt struct {
		Num int    `form:"min=0,max=100"`
		Opt string `form:"max=10"`
	}
)

var runners = []runner{
	of[text10](), of[int100](), of[mail](), of[day](), of[float1000](), of[agree](), of[siteURL](), of[tags](), of[colour](), of[lines5](), of[three](),
	of[pass](), of[role](), of[longLines](), of[mustAgree](), of[sealed](), of[textPass](), of[small](), of[at](), of[numOpt](), of[upload](),
}

// inWords describes a compiled form as the vectors do.
func inWords(t *testing.T, typ reflect.Type) string {
	spec, faults := form.SpecOf(typ)
	if len(faults) > 0 {
		t.Fatalf("%s: %v", typ, faults)
	}
	var all []map[string]any
	for _, f := range spec.Fields() {
		m := map[string]any{"name": f.Name}
		kind := f.Kind.String()
		switch f.Kind {
		case form.KindFile:
			kind, m["max_bytes"], m["types"] = "upload", float64(f.MaxBytes), f.Types
		case form.KindCheckbox:
			kind = "bool"
		case form.KindDateTime:
			kind = "datetime-local"
		case form.KindInt:
			if sf, _ := typ.FieldByName(f.Go); sf.Type.Kind() == reflect.Int8 {
				kind = "int8"
			}
		}
		if f.List {
			kind = "list of " + kind
			m["max_items"] = float64(f.MaxItems)
		}
		m["type"] = kind
		if f.Required && f.Kind != form.KindSealed {
			m["required"] = true
		}
		if f.Max > 0 {
			m["max"] = float64(f.Max)
		}
		for name, limit := range map[string]string{"min": f.Low, "max": f.High} {
			if limit != "" {
				var n float64
				fmt.Sscan(limit, &n)
				m[name] = n
			}
		}
		if f.Choices != nil {
			var values []string
			for _, c := range f.Choices {
				values = append(values, c.Value)
			}
			m["choices"] = values
		}
		all = append(all, m)
	}
	words, _ := json.Marshal(all)
	return string(words)
}

func TestVectors(t *testing.T) {
	byWords := map[string]runner{}
	for _, r := range runners {
		byWords[inWords(t, r.typ)] = r
	}
	run, uploads := 0, 0
	for _, v := range vectors(t) {
		words, _ := json.Marshal(v.Fields)
		r, known := byWords[string(words)]
		t.Run(v.ID, func(t *testing.T) {
			if !known {
				t.Fatalf("%s %s: no struct for %s", v.ID, v.Title, words)
			}
			run++
			spool := &spool{dir: t.TempDir()}
			streamed := func(r2 *http.Request) (*form.Body, error) {
				spec, _ := form.SpecOf(r.typ)
				return form.ParseUploads(r2, form.Limits{}, form.Uploads{Spec: spec, Spool: spool})
			}
			v.judge(t, r, streamed)
			spool.empty(t)
			if v.Fields[0]["type"] == "upload" {
				uploads++
				return
			}
			v.judge(t, r, func(r *http.Request) (*form.Body, error) { return form.Parse(r, form.Limits{}) })
		})
	}
	t.Logf("%d vectors run, %d of upload fields", run, uploads)
	if run != 121 || uploads != 13 {
		t.Errorf("got %d run and %d uploads, want 121 and 13", run, uploads)
	}
}

func (v vector) judge(t *testing.T, r runner, parse func(*http.Request) (*form.Body, error)) {
	name := v.ID + " " + v.Title
	body, err := parse(v.request())
	defer body.Drop()
	var o outcome
	var refusal *form.Refusal
	if err != nil {
		refusal = err.(*form.Refusal)
	} else {
		o = r.run(body)
		refusal = o.bound.Refusal
	}
	switch v.Expect.Result {
	case "refused":
		if refusal == nil || refusal.Status != v.Expect.Status || refusal.Rule.ID == "" {
			t.Fatalf("%s: got %v, want refused with %d", name, refusal, v.Expect.Status)
		}
		if o.ok || v.Expect.Event == "seal-broken" != (refusal.Rule.ID == form.RuleSeal.ID) {
			t.Errorf("%s: got ok %v, rule %s", name, o.ok, refusal.Rule.ID)
		}
		return
	case "ok":
		if refusal != nil || !o.ok || len(o.problems) > 0 {
			t.Fatalf("%s: got refusal %v, ok %v, problems %v, want ok", name, refusal, o.ok, o.problems)
		}
		for field, want := range v.Expect.Values {
			got, _ := json.Marshal(o.values[field])
			text, _ := json.Marshal(want)
			if string(got) != string(text) {
				t.Errorf("%s: %s: got %s, want %s", name, field, got, text)
			}
		}
	case "errors":
		if refusal != nil || o.ok {
			t.Fatalf("%s: got refusal %v, ok %v, want errors", name, refusal, o.ok)
		}
		want := map[string]string{}
		for field, kind := range v.Expect.Errors {
			want[field] = "form." + kind
		}
		if !reflect.DeepEqual(o.problems, want) {
			t.Errorf("%s: got problems %v, want %v", name, o.problems, want)
		}
		for field, value := range o.values {
			if value != nil && !reflect.ValueOf(value).IsZero() {
				t.Errorf("%s: %s is %v though the form failed", name, field, value)
			}
		}
	default:
		t.Fatalf("%s: result %q", name, v.Expect.Result)
	}
	if (v.Expect.Event == "undeclared-field") != (len(o.bound.Undeclared) > 0) {
		t.Errorf("%s: got undeclared %q, want event %q", name, o.bound.Undeclared, v.Expect.Event)
	}
	for _, want := range v.Rendered {
		if !strings.Contains(o.html, want) {
			t.Errorf("%s: the form shown again lacks %q: %s", name, want, o.html)
		}
	}
	for _, never := range v.NotRendered {
		if strings.Contains(o.html, never) {
			t.Errorf("%s: the form shown again has %q: %s", name, never, o.html)
		}
	}
}
