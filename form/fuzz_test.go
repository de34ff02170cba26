package form_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

// wide is a form with a field of each kind.
type wide struct {
	ID    int64         `path:"id"`
	Text  string        `form:"required,max=10"`
	Lines string        `form:"lines,max=50"`
	Num   int8          `form:"min=-5"`
	U     uint          `form:""`
	F     float64       `form:"max=10"`
	Agree bool          `form:""`
	Color string        `form:"choices=red|green"`
	Day   time.Time     `form:"date"`
	Mail  string        `form:"email"`
	Site  string        `form:"url,max=100"`
	Pass  secret.String `form:"password,max=20"`
	Tags  []string      `form:"max=5,max_items=3"`
}

func request(contentType string, body []byte) *http.Request {
	return &http.Request{Method: "POST", Header: http.Header{"Content-Type": {contentType}}, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body))}
}

// FuzzBody: no body panics or is bound in part; an undeclared name is never bound and always reported; what is bound keeps
// the rules; a password is not shown again.
func FuzzBody(f *testing.F) {
	for _, v := range vectors(f) {
		if v.Repeat == nil {
			f.Add(v.ContentType, []byte(v.Body))
		}
	}
	f.Add("application/x-www-form-urlencoded", []byte("Text=a&Lines=b%0D%0A&Num=-5&U=1&F=1.5&Agree=on&Color=red&Day=2026-01-01&Mail=a@b&Site=https://x&Pass=%20&Tags=a&Tags=b"))
	f.Add("multipart/form-data; boundary=XX", []byte("--XX\r\nContent-Disposition: form-data; name=\"Text\"\r\n\r\na\r\n--XX--\r\n"))
	declared := map[string]bool{"Text": true, "Lines": true, "Num": true, "U": true, "F": true, "Agree": true, "Color": true, "Day": true, "Mail": true, "Site": true, "Pass": true, "Tags": true}
	f.Fuzz(func(t *testing.T, contentType string, sent []byte) {
		body, err := form.Parse(request(contentType, slices.Clone(sent)), form.Limits{})
		if err != nil {
			if r, ok := err.(*form.Refusal); !ok || r.Rule.ID == "" || r.Status < 400 {
				t.Fatalf("got %#v, want a refusal with a rule", err)
			}
			return
		}
		sum := body.Sum()
		got, bound := form.Bind[wide](body, func(string) string { return "7" })
		if body.Sum() != sum {
			t.Fatal("binding changed the body")
		}
		v, ok := got.Value()
		for _, name := range bound.Undeclared {
			if declared[name] || !utf8.ValidString(name) || len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
				t.Fatalf("undeclared name %q", name)
			}
		}
		// The names that a slow parser finds are either declared or reported.
		if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
			slow, err := url.ParseQuery(string(sent))
			if err != nil {
				t.Fatalf("url.ParseQuery refuses what Parse accepts: %v", err)
			}
			for name := range slow {
				if !declared[name] && len(name) <= 64 && !slices.Contains(bound.Undeclared, name) {
					t.Fatalf("undeclared %q is not reported", name)
				}
			}
			if ok && v.Text != strings.TrimSpace(slow.Get("Text")) {
				t.Fatalf("bound %q, url.ParseQuery says %q", v.Text, slow.Get("Text"))
			}
		}
		if !ok {
			if v.Text != "" || v.Tags != nil || v.Num != 0 || bound.Refusal != nil && v.ID != 0 {
				t.Fatalf("a failed form has values: %+v", v)
			}
		} else if bound.Refusal != nil || v.ID != 7 || v.Text == "" || utf8.RuneCountInString(v.Text) > 10 || utf8.RuneCountInString(v.Lines) > 50 || strings.ContainsAny(v.Text, "\r\n\x00") || strings.Contains(v.Lines, "\r") ||
			v.Num < -5 || !(v.F <= 10) || v.Color != "" && v.Color != "red" && v.Color != "green" || len(v.Tags) > 3 {
			t.Fatalf("bound against the rules: %+v", v)
		}
		out := new(form.Render).AppendAgain(form.AppendProblems(nil, got), got)
		if !utf8.Valid(out) {
			t.Fatal("the form shown again is not UTF-8")
		}
		if pass := v.Pass.Reveal(); ok && len(pass) > 12 && !strings.Contains(v.Text+v.Lines+v.Mail+v.Site, pass) && bytes.Contains(out, []byte(pass)) {
			t.Fatal("the password is shown again")
		}
	})
}

// FuzzRoundTrip: what the standard library encodes is bound as it was, urlencoded and multipart alike, with one sum.
func FuzzRoundTrip(f *testing.F) {
	f.Add("a", "b\r\nc", "t", "u")
	f.Add("ä", "=&;+%", "", "\x7f")
	type pair struct {
		A secret.String `form:"password,max=1000"` // verbatim
		B string        `form:"lines,max=1000"`
		L []string      `form:"max=1000,max_items=2"`
	}
	f.Fuzz(func(t *testing.T, a, b, l, m string) {
		if len(a)+len(b)+len(l)+len(m) > 4000 {
			return
		}
		encoded := url.Values{"A": {a}, "B": {b}, "L": {l, m}}.Encode()
		var multi bytes.Buffer
		w := multipart.NewWriter(&multi)
		for _, p := range [][2]string{{"A", a}, {"B", b}, {"L", l}, {"L", m}} {
			_ = w.WriteField(p[0], p[1])
		}
		_ = w.Close()
		one, err := form.Parse(request("application/x-www-form-urlencoded", []byte(encoded)), form.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		two, err := form.Parse(request(w.FormDataContentType(), multi.Bytes()), form.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if one.Sum() != two.Sum() {
			t.Fatal("the encodings give different sums")
		}
		f1, bound := form.Bind[pair](one, nil)
		f2, _ := form.Bind[pair](two, nil)
		v1, ok1 := f1.Value()
		v2, ok2 := f2.Value()
		if bound.Refusal != nil || len(bound.Undeclared) > 0 || ok1 != ok2 || v1.A.Reveal() != v2.A.Reveal() || v1.B != v2.B || !slices.Equal(v1.L, v2.L) {
			t.Fatalf("got %+v %v and %+v %v, %v", v1, ok1, v2, ok2, bound)
		}
		if ok1 && v1.A.Reveal() != a {
			t.Fatalf("got %q, want %q", v1.A.Reveal(), a)
		}
		if f1.Raw("B") != b {
			t.Fatalf("typed %q, want %q", f1.Raw("B"), b)
		}
	})
}

// FuzzMultipart: where net/http's reader finds other fields than Parse, Parse has refused the body.
func FuzzMultipart(f *testing.F) {
	for _, v := range vectors(f) {
		if v.Repeat == nil && strings.HasPrefix(v.ContentType, "multipart/form-data; boundary=XX") {
			f.Add([]byte(v.Body))
		}
	}
	type any3 struct {
		Text string `form:"lines,max=100000"`
		Opt  string `form:"lines,max=100000"`
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		const kind = "multipart/form-data; boundary=XX"
		body, err := form.Parse(request(kind, slices.Clone(sent)), form.Limits{})
		if err != nil {
			return
		}
		got, bound := form.Bind[any3](body, nil)
		if bound.Refusal != nil {
			return
		}
		std, err := multipart.NewReader(bytes.NewReader(sent), "XX").ReadForm(1 << 20)
		if err != nil {
			if len(sent) > 12 && !bytes.HasPrefix(sent, []byte("--XX--")) { // an empty form is io.EOF to the standard library
				t.Fatalf("net/http refuses what Parse accepts: %v: %q", err, sent)
			}
			return
		}
		for _, name := range []string{"Text", "Opt"} {
			values := std.Value[name]
			if len(values) > 1 || len(values) == 1 && values[0] != got.Raw(name) || len(values) == 0 && got.Raw(name) != "" {
				t.Fatalf("%s: net/http reads %q, Parse %q: %q", name, values, got.Raw(name), sent)
			}
		}
	})
}

// FuzzQuery: no query panics, and what is bound keeps the rules.
func FuzzQuery(f *testing.F) {
	f.Add("q=a&page=2&all=on&tag=a&tag=b", "7")
	f.Add("q=%zz", "007")
	type input struct {
		ID   int64    `path:"id"`
		Q    string   `query:"q,max=5"`
		Page uint     `query:"page,max=100"`
		All  bool     `query:"all"`
		Tags []string `query:"tag,max=3,max_items=2"`
	}
	f.Fuzz(func(t *testing.T, raw, id string) {
		v, err := form.BindQuery[input](raw, func(string) string { return id })
		if err != nil {
			if r, ok := err.(*form.Refusal); !ok || r.Status != 400 && r.Status != 404 || v.Q != "" || v.ID != 0 {
				t.Fatalf("got %+v, %v", v, err)
			}
			return
		}
		slow, err := url.ParseQuery(raw)
		if err != nil || len(slow["q"]) > 1 || len(slow["page"]) > 1 || len(slow["all"]) > 1 || v.Q != strings.TrimSpace(slow.Get("q")) || utf8.RuneCountInString(v.Q) > 5 || v.Page > 100 || len(v.Tags) > 2 {
			t.Fatalf("%q: got %+v, %v", raw, v, slow)
		}
	})
}
