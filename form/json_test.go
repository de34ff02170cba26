package form_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

func parseJSON(contentType string, body string, limits form.Limits) (*form.Body, *form.Refusal) {
	b, err := form.ParseJSON(request(contentType, []byte(body)), limits)
	var refusal *form.Refusal
	if err != nil && !errors.As(err, &refusal) {
		panic(err)
	}
	return b, refusal
}

func TestJSONType(t *testing.T) {
	for _, c := range []struct {
		contentType string
		taken       bool
	}{
		{"application/json", true},
		{"application/json; charset=utf-8", true},
		{"Application/JSON;charset=UTF-8", true},
		{"text/plain", false},
		{"text/plain; application/json", false},
		{"application/x-www-form-urlencoded", false},
		{"multipart/form-data; boundary=x", false},
		{"application/json; charset=utf-16", false},
		{"application/json; charset=utf-8; x=y", false},
		{"application/json, text/plain", false},
		{"application/jsonx", false},
		{"application/vnd.api+json", false},
		{"text/json", false},
		{"", false},
	} {
		_, refusal := parseJSON(c.contentType, `{"Text":"a"}`, form.Limits{})
		if c.taken != (refusal == nil) || refusal != nil && (refusal.Status != 415 || refusal.Rule.ID != form.RuleJSONType.ID) {
			t.Errorf("%q: got %v, taken should be %v", c.contentType, refusal, c.taken)
		}
	}
	two := request("application/json", []byte(`{}`))
	two.Header.Add("Content-Type", "text/plain")
	if _, err := form.ParseJSON(two, form.Limits{}); err == nil {
		t.Error("two Content-Type lines were taken")
	}
	packed := request("application/json", []byte(`{}`))
	packed.Header.Set("Content-Encoding", "gzip")
	var refusal *form.Refusal
	if _, err := form.ParseJSON(packed, form.Limits{}); !errors.As(err, &refusal) || refusal.Status != 415 {
		t.Errorf("a compressed body: got %v", err)
	}
	// the other way round: a form's route takes no JSON
	if _, err := form.Parse(request("application/json", []byte(`{}`)), form.Limits{}); !errors.As(err, &refusal) || refusal.Status != 415 {
		t.Errorf("JSON to a form: got %v", err)
	}
}

func TestJSONBodies(t *testing.T) {
	type big struct {
		N int64   `form:""`
		U uint64  `form:""`
		L []int64 `form:"max_items=3"`
	}
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct {
		name, body string
		status     int    // of the refusal, 0 for none
		problem    string // message of the first failed field
		check      func(w wide) bool
		undeclared string
	}{
		{name: "every kind", body: ` {"Text":"a","Lines":"b\r\nc","Num":-5,"U":7,"F":1.5,"Agree":true,"Color":"red","Day":"2026-01-02","Mail":"a@b.example","Site":"https://x.example","Pass":" p ","Tags":["a","b"]} `,
			check: func(w wide) bool {
				return reflect.DeepEqual(w, wide{7, "a", "b\nc", -5, 7, 1.5, true, "red", time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), "a@b.example", "https://x.example", secret.New(" p "), []string{"a", "b"}})
			}},
		{name: "escapes", body: `{"Text":"\u00e4\"\\\/\ud83d\ude00"}`, check: func(w wide) bool { return w.Text == "ä\"\\/😀" }},
		{name: "null is left out", body: `{"Text":"a","Num":null,"Agree":null,"Tags":null}`, check: func(w wide) bool { return w.Num == 0 && !w.Agree && w.Tags == nil }},
		{name: "false is not ticked", body: `{"Text":"a","Agree":false}`, check: func(w wide) bool { return !w.Agree }},
		{name: "an empty list", body: `{"Text":"a","Tags":[]}`, check: func(w wide) bool { return w.Tags == nil }},
		{name: "an exponent in a float", body: `{"Text":"a","F":25e-1}`, check: func(w wide) bool { return w.F == 2.5 }},
		{name: "nothing given", body: `{}`, problem: form.MsgRequired},
		{name: "null for what is required", body: `{"Text":null}`, problem: form.MsgRequired},
		{name: "too long", body: `{"Text":"12345678901"}`, problem: form.MsgTooLong},
		{name: "no choice", body: `{"Text":"a","Color":"blue"}`, problem: form.MsgChoice},
		{name: "below the least", body: `{"Text":"a","Num":-6}`, problem: form.MsgTooSmall},
		{name: "a fraction for a whole number", body: `{"Text":"a","Num":1.5}`, problem: form.MsgNumber},
		{name: "an exponent for a whole number", body: `{"Text":"a","Num":1e1}`, problem: form.MsgNumber},
		{name: "more than the type holds", body: `{"Text":"a","Num":128}`, problem: form.MsgTooLarge},
		{name: "too many in a list", body: `{"Text":"a","Tags":["1","2","3","4"]}`, problem: form.MsgTooMany},
		{name: "an escaped NUL", body: `{"Text":"a\u0000"}`, problem: form.MsgControl},
		{name: "undeclared", body: `{"Text":"a","Admin":true,"X":{"Text":"b","n":[1,{"y":null}]}}`, undeclared: "Admin X", check: func(w wide) bool { return w.Text == "a" }},
		{name: "another case is another name", body: `{"Text":"a","text":"b"}`, undeclared: "text", check: func(w wide) bool { return w.Text == "a" }},
		{name: "a path field from the body", body: `{"Text":"a","ID":9}`, undeclared: "ID", check: func(w wide) bool { return w.ID == 7 }},

		{name: "a string for a number", body: `{"Text":"a","Num":"3"}`, status: 400},
		{name: "a number for a string", body: `{"Text":3}`, status: 400},
		{name: "a string for a checkbox", body: `{"Text":"a","Agree":"false"}`, status: 400},
		{name: "a number for a checkbox", body: `{"Text":"a","Agree":1}`, status: 400},
		{name: "an object for a string", body: `{"Text":{"a":1}}`, status: 400},
		{name: "an array for a string", body: `{"Text":["a"]}`, status: 400},
		{name: "an empty array for a string", body: `{"Text":[]}`, status: 400},
		{name: "a string for a list", body: `{"Text":"a","Tags":"b"}`, status: 400},
		{name: "null in a list", body: `{"Text":"a","Tags":[null]}`, status: 400},
		{name: "a list in a list", body: `{"Text":"a","Tags":[["b"]]}`, status: 400},
		{name: "no float", body: `{"Text":"a","F":1e999}`, status: 400},
		{name: "a name twice", body: `{"Text":"a","Text":"b"}`, status: 400},
		{name: "a name twice, once escaped", body: `{"Text":"a","Te\u0078t":"b"}`, status: 400},
		{name: "an undeclared name twice", body: `{"Text":"a","x":1,"x":2}`, status: 400},
		{name: "a name twice within", body: `{"Text":"a","x":{"y":1,"y":2}}`, status: 400},
		{name: "a name twice with an empty list", body: `{"Text":"a","Tags":[],"Tags":["b"]}`, status: 400},
		{name: "trailing data", body: `{"Text":"a"} {}`, status: 400},
		{name: "a trailing NUL", body: "{\"Text\":\"a\"}\x00", status: 400},
		{name: "a trailing comma", body: `{"Text":"a",}`, status: 400},
		{name: "a comment", body: `{"Text":"a"/*b*/}`, status: 400},
		{name: "an array", body: `[{"Text":"a"}]`, status: 400},
		{name: "a string", body: `"Text"`, status: 400},
		{name: "empty", body: ``, status: 400},
		{name: "cut", body: `{"Text":"a"`, status: 400},
		{name: "cut in an escape", body: `{"Text":"\u00`, status: 400},
		{name: "a byte order mark", body: "\ufeff{}", status: 400},
		{name: "not UTF-8", body: "{\"Text\":\"\xff\"}", status: 400},
		{name: "half a pair", body: `{"Text":"\ud83d"}`, status: 400},
		{name: "half a pair and another escape", body: `{"Text":"\ud83d\u0041"}`, status: 400},
		{name: "the other half", body: `{"Text":"\ude00"}`, status: 400},
		{name: "an escape that is none", body: `{"Text":"\x41"}`, status: 400},
		{name: "a line break in a string", body: "{\"Text\":\"a\nb\"}", status: 400},
		{name: "a leading zero", body: `{"Text":"a","Num":01}`, status: 400},
		{name: "a plus", body: `{"Text":"a","Num":+1}`, status: 400},
		{name: "no digits behind the point", body: `{"Text":"a","F":1.}`, status: 400},
		{name: "NaN", body: `{"Text":"a","F":NaN}`, status: 400},
		{name: "single quotes", body: `{'Text':'a'}`, status: 400},
		{name: "a control character in a name", body: `{"Te\u0000xt":"a"}`, status: 400},
		{name: "sixteen deep", body: `{"Text":"a","x":` + deep(15) + `}`, undeclared: "x", check: func(w wide) bool { return true }},
		{name: "seventeen deep", body: `{"Text":"a","x":` + deep(16) + `}`, status: 400},
		{name: "a hundred thousand deep", body: `{"Text":"a","x":` + deep(100_000) + `}`, status: 400},
		{name: "too many values", body: `{"Text":"a","x":[` + strings.Repeat("1,", 200) + `1]}`, status: 400},
		{name: "too many values within values", body: `{"Text":"a","x":[[` + strings.Repeat("1,", 200) + `1]]}`, status: 400},
		{name: "a field over its limit", body: `{"Text":"` + strings.Repeat("a", 65<<10) + `"}`, status: 413},
		{name: "a body over its limit", body: `{"Text":"` + strings.Repeat("a", 1<<20) + `"}`, status: 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, refusal := parseJSON("application/json", c.body, form.Limits{})
			var f form.Form[wide]
			var bound form.Bound
			if refusal == nil {
				f, bound = form.Bind[wide](body, func(string) string { return "7" })
				refusal = bound.Refusal
			}
			if c.status != 0 {
				if refusal == nil || refusal.Status != c.status || refusal.Rule.ID == "" {
					t.Fatalf("got %v, want %d", refusal, c.status)
				}
				return
			}
			if refusal != nil {
				t.Fatal(refusal)
			}
			if got := strings.Join(bound.Undeclared, " "); got != c.undeclared {
				t.Errorf("undeclared %q, want %q", got, c.undeclared)
			}
			w, ok := f.Value()
			if c.problem != "" {
				found := ""
				for _, field := range f.FormSpec().Fields() {
					found += f.ProblemID(field.Name)
				}
				if ok || found != c.problem {
					t.Errorf("got %v with %q, want %q", ok, found, c.problem)
				}
				return
			}
			if !ok || !c.check(w) {
				t.Errorf("got %+v, %v", w, ok)
			}
		})
	}
	body, _ := parseJSON("application/json", `{"N":-9007199254740993,"U":18446744073709551615,"L":[9007199254740993]}`, form.Limits{})
	f, _ := form.Bind[big](body, nil)
	if v, ok := f.Value(); !ok || v.N != -9007199254740993 || v.U != 18446744073709551615 || v.L[0] != 9007199254740993 {
		t.Errorf("numbers that no float holds: got %+v, %v", v, ok)
	}
}

// TestJSONSum: the one-time mark tells two bodies apart whenever they bind differently, and not by their spaces.
func TestJSONSum(t *testing.T) {
	sum := func(body string) [32]byte {
		b, refusal := parseJSON("application/json", body, form.Limits{})
		if refusal != nil {
			t.Fatal(refusal)
		}
		return b.Sum()
	}
	if sum(`{"a":"x","b":[1]}`) != sum(` { "a" : "\u0078" , "b" : [ 1 ] } `) {
		t.Error("spaces and escapes made another body")
	}
	for _, pair := range [][2]string{{`{"a":"1"}`, `{"a":1}`}, {`{"a":true}`, `{"a":false}`}, {`{"a":null}`, `{}`}, {`{"a":[]}`, `{"a":null}`}, {`{"a":{"b":1}}`, `{"a":{"b":2}}`}, {`{"a":1}`, `{"a":2}`}} {
		if sum(pair[0]) == sum(pair[1]) {
			t.Errorf("%s and %s have one sum", pair[0], pair[1])
		}
	}
}

// FuzzJSON holds the reader against encoding/json: what it takes, that takes too, with the same values; nothing that is
// undeclared is bound; nothing panics.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"Text":"a","Num":-5,"U":1,"F":1.5e0,"Agree":true,"Tags":["a","b"],"x":{"y":[1,null,"\ud83d\ude00"]}}`,
		`{"Text":"\u00e4\\\/"}`, `{"a":1,"a":2}`, `{"Text":"\ud800"}`, ` {"F":1E400} `, "{\"Text\":\"\xff\"}", `{"x":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		body, err := form.ParseJSON(request("application/json", slices.Clone(sent)), form.Limits{})
		var refusal *form.Refusal
		if err != nil {
			if !errors.As(err, &refusal) || refusal.Rule.ID == "" {
				t.Fatalf("got %#v, want a refusal with a rule", err)
			}
			return
		}
		d := json.NewDecoder(bytes.NewReader(sent))
		d.UseNumber()
		var want map[string]any
		if err := d.Decode(&want); err != nil {
			t.Fatalf("taken, and encoding/json says %v: %q", err, sent)
		}
		if _, err := d.Token(); err != io.EOF {
			t.Fatalf("taken with something behind it: %q", sent)
		}
		got, bound := form.Bind[wide](body, func(string) string { return "7" })
		if bound.Refusal != nil {
			if v, ok := got.Value(); ok || !reflect.DeepEqual(v, wide{}) {
				t.Fatalf("refused and bound: %+v", v)
			}
			return
		}
		for _, name := range bound.Undeclared {
			if _, declared := got.FormSpec().Field(name); declared && name != "ID" {
				t.Fatalf("%q is declared", name)
			}
		}
		for name, v := range want {
			switch v := v.(type) {
			case string:
				if _, ok := got.FormSpec().Field(name); ok && name != "Pass" && name != "ID" && got.Raw(name) != v {
					t.Fatalf("%s: got %q, encoding/json %q", name, got.Raw(name), v)
				}
			case json.Number:
				if (name == "Num" || name == "U") && got.Raw(name) != v.String() {
					t.Fatalf("%s: got %q, encoding/json %q", name, got.Raw(name), v)
				}
			case bool:
				if name == "Agree" && got.Has(name, "on") != v {
					t.Fatalf("Agree: got %v", got.Has(name, "on"))
				}
			}
		}
	})
}

func BenchmarkParseJSON(b *testing.B) {
	body := []byte(`{"Title":"A title","Text":"Some text\r\nin two lines.","Pin":true}`)
	reader := &resetting{}
	r := &http.Request{Method: "POST", Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(body)), Body: reader}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		p, err := form.ParseJSON(r, form.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if f, _ := form.Bind[note](p, nil); f.Failed() {
			b.Fatal("not bound")
		}
	}
}
