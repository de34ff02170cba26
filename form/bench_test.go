package form_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/merlon-web/merlon/form"
)

type note struct {
	Title string `form:"required,max=100"`
	Text  string `form:"required,max=500,lines"`
	Pin   bool   `form:""`
}

// resetting is a body that is read again and again.
type resetting struct{ bytes.Reader }

func (*resetting) Close() error { return nil }

func sender(body []byte) func() *http.Request {
	reader := &resetting{}
	r := &http.Request{Method: "POST", Header: http.Header{"Content-Type": {urlencoded}}, ContentLength: int64(len(body)), Body: reader}
	return func() *http.Request {
		reader.Reset(body)
		return r
	}
}

var noteBody = []byte("merlon_token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&Title=A+title&Text=Some+text%0D%0Ain+two+lines.&Pin=on")

func readNote(r *http.Request) (note, bool) {
	b, err := form.Parse(r, form.Limits{})
	if err != nil {
		return note{}, false
	}
	if _, ok := b.Take("merlon_token"); !ok {
		return note{}, false
	}
	f, bound := form.Bind[note](b, nil)
	v, ok := f.Value()
	return v, ok && bound.Refusal == nil
}

// TestAllocations holds what a form of three fields may cost: the buffer, the Body, the state, the form, and
// the text whose line breaks were changed.
func TestAllocations(t *testing.T) {
	next := sender(noteBody)
	if n := testing.AllocsPerRun(200, func() {
		if v, ok := readNote(next()); !ok || v.Text != "Some text\nin two lines." {
			t.Fatal("not bound")
		}
	}); n > 5 {
		t.Errorf("Parse, Take and Bind: got %v allocations, want at most 5", n)
	}
	f := form.New(note{"A title", "Some text", true})
	dst := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(200, func() { dst = form.AppendFields(dst[:0], &f) }); n > 0 {
		t.Errorf("AppendFields: got %v allocations, want none", n)
	}
	var zero form.Form[note]
	if n := testing.AllocsPerRun(200, func() { dst = form.AppendProblems(form.AppendFields(dst[:0], &zero), &zero) }); n > 0 {
		t.Errorf("AppendFields of an empty form: got %v allocations, want none", n)
	}
	if n := testing.AllocsPerRun(200, func() { _, _ = form.BindQuery[struct{}]("", nil) }); n > 0 {
		t.Errorf("BindQuery of nothing: got %v allocations, want none", n)
	}
}

func BenchmarkParseBind(b *testing.B) {
	next := sender(noteBody)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := readNote(next()); !ok {
			b.Fatal("not bound")
		}
	}
}

// BenchmarkParseForm is the same body by net/http, without any check.
func BenchmarkParseForm(b *testing.B) {
	next := sender(noteBody)
	b.ReportAllocs()
	for b.Loop() {
		r := next()
		r.Form, r.PostForm = nil, nil
		r.Method = "POST"
		if err := r.ParseForm(); err != nil && err != io.EOF {
			b.Fatal(err)
		}
		if r.PostForm.Get("Title") == "" {
			b.Fatal("not parsed")
		}
	}
}

func BenchmarkSum(b *testing.B) {
	body, err := form.Parse(sender(noteBody)(), form.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		body.Sum()
	}
}

func BenchmarkAppendFields(b *testing.B) {
	f := form.New(note{"A title", "Some text", true})
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		dst = form.AppendFields(dst[:0], &f)
	}
}

func BenchmarkBindQuery(b *testing.B) {
	type input struct {
		ID   int64 `path:"id"`
		Page int   `query:"page,min=1,max=100"`
	}
	path := func(string) string { return "7" }
	b.ReportAllocs()
	for b.Loop() {
		if _, err := form.BindQuery[input]("page=2", path); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFlood is the most that an attacker can have decoded: 200 fields in a megabyte.
func BenchmarkFlood(b *testing.B) {
	body := bytes.Repeat([]byte("name=%41%42%43%44"), 1)
	body = append(bytes.Repeat(append(body, bytes.Repeat([]byte("%41"), 1700)...), 1), '&')
	body = bytes.Repeat(body, 199)
	next := sender(body)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := form.Parse(next(), form.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		form.Bind[note](p, nil)
	}
}
