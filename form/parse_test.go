package form_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/merlon-web/merlon/form"
)

const urlencoded = "application/x-www-form-urlencoded"

func post(body string) *http.Request { return postAs(urlencoded, body) }

func postAs(contentType, body string) *http.Request {
	r := httptest.NewRequest("POST", "/form", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

func parts(lines ...string) string { return strings.Join(lines, "\r\n") }

const textPart = `Content-Disposition: form-data; name="Text"`

// bindText binds a body to the struct of the vectors and returns the text, or the refusal.
func bindText(r *http.Request) (string, *form.Refusal) {
	body, err := form.Parse(r, form.Limits{})
	if err != nil {
		return "", err.(*form.Refusal)
	}
	f, bound := form.Bind[text10](body, nil)
	v, _ := f.Value()
	return v.Text, bound.Refusal
}

func TestParse(t *testing.T) {
	multi := "multipart/form-data; boundary=XX"
	for _, c := range []struct {
		name        string
		contentType string
		body        string
		want        string // the text bound
		status      int    // or the refusal
	}{
		{"type in upper case", "APPLICATION/X-WWW-Form-urlencoded", "Text=a", "a", 0},
		{"charset in quotes", urlencoded + `; charset="utf-8"`, "Text=a", "a", 0},
		{"another charset", urlencoded + "; charset=iso-8859-1", "Text=a", "", 415},
		{"UTF-7", urlencoded + "; charset=utf-7", "Text=a", "", 415},
		{"two charsets", urlencoded + "; charset=utf-8; charset=utf-7", "Text=a", "", 415},
		{"unknown parameter", urlencoded + "; x=y", "Text=a", "", 415},
		{"boundary on urlencoded", urlencoded + "; boundary=XX", "Text=a", "", 415},
		{"RFC 2231 parameter", "multipart/form-data; boundary*0=X; boundary*1=X", "--XX--", "", 415},
		{"multipart/mixed", "multipart/mixed; boundary=XX", "--XX--", "", 415},
		{"escaped separator", urlencoded, "Text=a%26b%3D%3B", "a&b=;", 0},
		{"escaped name", urlencoded, "%54%65%78%74=a", "a", 0},
		{"second equals sign", urlencoded, "Text=a=b", "a=b", 0},
		{"cut escape", urlencoded, "Text=a%4", "", 400},
		{"lone percent", urlencoded, "Text=%", "", 400},
		{"bad escape in an undeclared name", urlencoded, "Text=a&%zz=1", "", 400},
		{"semicolon in an undeclared field", urlencoded, "Text=a&x=1;y=2", "", 400},
		{"control character in a name", urlencoded, "Text=a&x%0Ay=1", "", 400},
		{"name that is not UTF-8", urlencoded, "Text=a&%FF=1", "", 400},
		{"empty name", urlencoded, "=x&Text=a", "a", 0},
		{"token in another case", urlencoded, "TEXT=x&Text=a", "a", 0},
		{"name with a space", urlencoded, "Text+=x&Text=a", "a", 0},
		{"name with NUL", urlencoded, "Text%00=x&Text=a", "", 400},

		{"multipart, end without line break", multi, parts("--XX", textPart, "", "a", "--XX--"), "a", 0},
		{"multipart, empty form", multi, "--XX--\r\n", "", 0},
		{"multipart, empty value", multi, parts("--XX", textPart, "", "", "--XX--", ""), "", 0},
		{"multipart, boundary in quotes", `multipart/form-data; boundary="X:X"`, parts("--X:X", textPart, "", "a", "--X:X--"), "a", 0},
		{"multipart, browser's boundary", "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", parts("------WebKitFormBoundary7MA4YWxkTrZu0gW", textPart, "", "a", "------WebKitFormBoundary7MA4YWxkTrZu0gW--", ""), "a", 0},
		{"multipart, boundary with a space", `multipart/form-data; boundary="X X"`, parts("--X X", textPart, "", "a", "--X X--"), "", 400},
		{"multipart, text with a type", multi, parts("--XX", textPart, "Content-Type: text/plain; charset=UTF-8", "", "a", "--XX--"), "a", 0},
		{"multipart, text in another charset", multi, parts("--XX", textPart, "Content-Type: text/plain; charset=utf-7", "", "a", "--XX--"), "", 400},
		{"multipart, text as HTML", multi, parts("--XX", textPart, "Content-Type: text/html", "", "a", "--XX--"), "", 400},
		{"multipart, header before the disposition", multi, parts("--XX", "X-Other: y", textPart, "", "a", "--XX--"), "a", 0},
		{"multipart, name in upper case", multi, parts("--XX", `CONTENT-DISPOSITION: Form-Data; NAME="Text"`, "", "a", "--XX--"), "a", 0},
		{"multipart, name as a token", multi, parts("--XX", `Content-Disposition: form-data; name=Text`, "", "a", "--XX--"), "a", 0},
		{"multipart, dashes in the value", multi, parts("--XX", textPart, "", "--X", "--XX--"), "--X", 0},

		{"multipart, bare line feeds", multi, "--XX\n" + textPart + "\n\na\n--XX--\n", "", 400},
		{"multipart, boundary behind a bare line feed", multi, parts("--XX", textPart, "", "a\n--XX", textPart, "", "b", "--XX--"), "", 400},
		{"multipart, preamble with a part behind a bare line feed", multi, "\n--XX\r\n" + `Content-Disposition: form-data; name="Opt"` + "\r\n\r\nb\r\n" + parts("--XX", textPart, "", "a", "--XX--"), "", 400},
		{"multipart, a long preamble", multi, strings.Repeat("x", 1<<10) + "\r\n" + parts("--XX", textPart, "", "a", "--XX--"), "", 400},
		{"multipart, boundary in the middle of a preamble's line", multi, parts("x--XX", textPart, "", "a", "--XX--"), "", 400},
		{"multipart, two types in one part", multi, parts("--XX", textPart, "Content-Type: text/plain", "Content-Type: text/plain", "", "a", "--XX--"), "", 400},
		{"multipart, boundary of 71 letters", "multipart/form-data; boundary=" + strings.Repeat("x", 71), parts("--"+strings.Repeat("x", 71), textPart, "", "a", "--"+strings.Repeat("x", 71)+"--"), "", 400},
		{"multipart, boundary of 70 letters", "multipart/form-data; boundary=" + strings.Repeat("x", 70), parts("--"+strings.Repeat("x", 70), textPart, "", "a", "--"+strings.Repeat("x", 70)+"--"), "a", 0},
		{"multipart, boundary in the middle of a line", multi, parts("--XX", textPart, "", "a--XX", "--XX--"), "a--XX", 0},
		{"multipart, control character in a header", multi, parts("--XX", textPart, "X: \x13", "", "a", "--XX--"), "", 400},
		{"multipart, header name that is none", multi, parts("--XX", textPart, "X@: y", "", "a", "--XX--"), "", 400},
		{"multipart, bare line feed in the header", multi, "--XX\r\n" + textPart + "\nX: y\r\n\r\na\r\n--XX--", "", 400},
		{"multipart, bare carriage return in the header", multi, "--XX\r\n" + textPart + "\rX: y\r\n\r\na\r\n--XX--", "", 400},
		{"multipart, folded header", multi, parts("--XX", "Content-Disposition: form-data;", ` name="Text"`, "", "a", "--XX--"), "", 400},
		{"multipart, space before the colon", multi, parts("--XX", `Content-Disposition : form-data; name="Text"`, "", "a", "--XX--"), "", 400},
		{"multipart, two dispositions", multi, parts("--XX", `Content-Disposition: form-data; name="Opt"`, textPart, "", "a", "--XX--"), "", 400},
		{"multipart, no disposition", multi, parts("--XX", "X: y", "", "a", "--XX--"), "", 400},
		{"multipart, no header at all", multi, parts("--XX", "", "a", "--XX--"), "", 400},
		{"multipart, padding behind the boundary", multi, parts("--XX ", textPart, "", "a", "--XX--"), "", 400},
		{"multipart, longer boundary inside", multi, parts("--XX", textPart, "", "a", "--XXX", "", "--XX--"), "", 400},
		{"multipart, bytes behind the end", multi, parts("--XX", textPart, "", "a", "--XX--", textPart, "", "b", "--XX--"), "", 400},
		{"multipart, name with a backslash", multi, parts("--XX", `Content-Disposition: form-data; name="Te\"xt"`, "", "a", "--XX--"), "", 400},
		{"multipart, unfinished quotation", multi, parts("--XX", `Content-Disposition: form-data; name="Text`, "", "a", "--XX--"), "", 400},
		{"multipart, something behind the quotation", multi, parts("--XX", `Content-Disposition: form-data; name="Text"x`, "", "a", "--XX--"), "", 400},
		{"multipart, filename*", multi, parts("--XX", `Content-Disposition: form-data; name="Text"; filename*=UTF-8''a.txt`, "", "a", "--XX--"), "", 400},
		{"multipart, name*", multi, parts("--XX", `Content-Disposition: form-data; name*=UTF-8''Text`, "", "a", "--XX--"), "", 400},
		{"multipart, two file names", multi, parts("--XX", `Content-Disposition: form-data; name="x"; filename="a"; filename="b"`, "", "a", "--XX--"), "", 400},
		{"multipart, unknown parameter", multi, parts("--XX", `Content-Disposition: form-data; name="Text"; size=1`, "", "a", "--XX--"), "", 400},
		{"multipart, encoded part", multi, parts("--XX", textPart, "Content-Transfer-Encoding: base64", "", "YQ==", "--XX--"), "", 400},
		{"multipart, 8bit part", multi, parts("--XX", textPart, "Content-Transfer-Encoding: 8bit", "", "a", "--XX--"), "", 400},
		{"multipart, header of 5 KiB", multi, parts("--XX", textPart, "X: "+strings.Repeat("y", 5<<10), "", "a", "--XX--"), "", 400},
		{"multipart, header of 20 lines", multi, parts("--XX", textPart+strings.Repeat("\r\nX: y", 20), "", "a", "--XX--"), "", 400},
		{"multipart, urlencoded inside", multi, "Text=a", "", 400},
		{"multipart, cut in the header", multi, "--XX\r\nContent-Disposition: form-data; na", "", 400},
		{"multipart, cut at the boundary", multi, parts("--XX", textPart, "", "a", "--X"), "", 400},
		{"multipart, one dash at the end", multi, parts("--XX", textPart, "", "a", "--XX-"), "", 400},
		{"urlencoded read as multipart", urlencoded, parts("--XX", textPart, "", "a", "--XX--"), "", 400},
	} {
		text, refusal := bindText(postAs(c.contentType, c.body))
		status := 0
		if refusal != nil {
			status = refusal.Status
			if !strings.Contains(refusal.Error(), refusal.Rule.ID) {
				t.Errorf("%s: the error %q has no id", c.name, refusal)
			}
		}
		if text != c.want || status != c.status {
			t.Errorf("%s: got %q, %v, want %q, status %d", c.name, text, refusal, c.want, c.status)
		}
	}
}

func TestParseHeaders(t *testing.T) {
	r := post("Text=a")
	r.Header.Add("Content-Type", "multipart/form-data; boundary=XX")
	if _, refusal := bindText(r); refusal == nil || refusal.Status != 415 {
		t.Errorf("two types: got %v, want 415", refusal)
	}
	for _, coding := range []string{"gzip", "identity", ""} {
		r = post("Text=a")
		r.Header.Set("Content-Encoding", coding)
		if _, refusal := bindText(r); refusal == nil || refusal.Status != 415 || refusal.Rule.ID != form.RuleContentEncoding.ID {
			t.Errorf("Content-Encoding %q: got %v, want 415", coding, refusal)
		}
	}
	r = post("")
	r.Body = nil
	if body, err := form.Parse(r, form.Limits{}); err != nil || body.String() != "form body of 0 fields" {
		t.Errorf("no body: got %v, %v", body, err)
	}
}

// endless is a body without end: only so much of it may be read.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	e.read += len(p)
	return len(p), nil
}

func (*endless) Close() error { return nil }

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits form.Limits
		body   string
		status int
	}{
		{"exactly the default body", form.Limits{Field: 2 << 20}, "T=" + strings.Repeat("a", 1<<20-2), 0},
		{"one more", form.Limits{Field: 2 << 20}, "T=" + strings.Repeat("a", 1<<20-1), 413},
		{"exactly the body", form.Limits{Body: 10}, "Text=abcde", 0},
		{"one over the body", form.Limits{Body: 10}, "Text=abcdef", 413},
		{"exactly the field", form.Limits{}, "T=" + strings.Repeat("a", 64<<10), 0},
		{"one over the field", form.Limits{}, "T=" + strings.Repeat("a", 64<<10+1), 413},
		{"escapes count decoded", form.Limits{Field: 2}, "T=%41%42", 0},
		{"200 fields", form.Limits{}, strings.Repeat("x=1&", 200), 0},
		{"201 fields", form.Limits{}, strings.Repeat("x=1&", 201), 400},
		{"3 fields of 2", form.Limits{Fields: 2}, "a=1&b=2&c=3", 400},
		{"name of 256", form.Limits{}, strings.Repeat("n", 256) + "=1", 0},
		{"name of 257", form.Limits{}, strings.Repeat("n", 257) + "=1", 400},
	} {
		_, err := form.Parse(post(c.body), c.limits)
		status := 0
		if err != nil {
			status = err.(*form.Refusal).Status
		}
		if status != c.status {
			t.Errorf("%s: got %v, want status %d", c.name, err, c.status)
		}
	}
	e := &endless{}
	r := post("")
	r.Body, r.ContentLength = e, -1
	if _, err := form.Parse(r, form.Limits{}); err == nil || err.(*form.Refusal).Status != 413 || e.read > 2<<20 {
		t.Errorf("endless body: got %v after %d bytes, want 413 near 1 MiB", err, e.read)
	}
	e = &endless{}
	r.Body, r.ContentLength = e, 1<<40
	if _, err := form.Parse(r, form.Limits{}); err == nil || e.read > 0 {
		t.Errorf("Content-Length of a terabyte: read %d bytes, want none", e.read)
	}
	r = post("Text=a")
	if _, err := io.ReadAll(r.Body); err != nil {
		t.Fatal(err)
	}
	if _, err := form.Parse(r, form.Limits{}); err == nil || err.(*form.Refusal).Status != 400 {
		t.Errorf("a body that was read before: got %v, want 400: not an empty form", err)
	}
	r = post("")
	r.Body = http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader("Text=abcdefgh")), 5)
	r.ContentLength = -1
	if _, err := form.Parse(r, form.Limits{}); err == nil || err.(*form.Refusal).Status != 413 {
		t.Errorf("a limit set outside: got %v, want 413", err)
	}
	r = post("")
	r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader("Text=a"), iotest.ErrReader(errors.New("cut off")))), 100
	if _, err := form.Parse(r, form.Limits{}); err == nil || err.(*form.Refusal).Status != 400 {
		t.Errorf("a body cut off: got %v, want 400: never half a form", err)
	}
	r = post("")
	r.ContentLength = -1
	r.Body = io.NopCloser(iotest.OneByteReader(iotest.DataErrReader(strings.NewReader("Text=slowly"))))
	if text, refusal := bindText(r); text != "slowly" || refusal != nil {
		t.Errorf("byte by byte: got %q, %v", text, refusal)
	}
}

// TestMemoryBeforeBytes: a client that only claims a megabyte does not get one.
func TestMemoryBeforeBytes(t *testing.T) {
	n := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := &http.Request{Header: http.Header{"Content-Type": {urlencoded}}, ContentLength: 1 << 20, Body: io.NopCloser(strings.NewReader("Text=a"))}
			_, _ = form.Parse(r, form.Limits{})
		}
	}).AllocedBytesPerOp()
	if n > 20<<10 {
		t.Errorf("got %d bytes for a claimed megabyte, want at most 20 KiB", n)
	}
}

// TestLinear: the worst bodies of a megabyte are decoded and bound in little time.
func TestLinear(t *testing.T) {
	multi := "multipart/form-data; boundary=" + strings.Repeat("-", 69)
	start := parts("--"+strings.Repeat("-", 69), textPart, "", "")
	wide := form.Limits{Fields: 1 << 20, Field: 1 << 20, Name: 1 << 20}
	for _, c := range []struct {
		name, contentType, body string
		limits                  form.Limits
	}{
		{"ampersands", urlencoded, strings.Repeat("&", 1<<20-1), form.Limits{}},
		{"escapes", urlencoded, "T=" + strings.Repeat("%41", (1<<20-10)/3), wide},
		{"equals signs", urlencoded, strings.Repeat("=", 1<<20-1), wide},
		{"almost a boundary", multi, start + strings.Repeat("\r\n"+strings.Repeat("-", 70), 14000), wide},
		{"dashes", multi, start + strings.Repeat("-", 1<<19), wide},
		{"line breaks", multi, strings.Repeat("\r\n--", 1<<18-1), wide},
		{"header lines", multi, start[:70] + "\r\n" + strings.Repeat("X: y\r\n", 170000), wide},
		{"200 long names", urlencoded, strings.Repeat(strings.Repeat("n", 255)+"=1&", 200), form.Limits{}},
		{"quotation", multi, parts("--"+strings.Repeat("-", 69), `Content-Disposition: form-data; name="`+strings.Repeat(`\`, 4000), "", ""), form.Limits{}},
	} {
		took := time.Hour
		for try := 0; try < 10 && took > time.Second; try++ { // a busy machine takes longer, and not each time
			began := time.Now()
			body, err := form.Parse(postAs(c.contentType, c.body), c.limits)
			if err == nil {
				form.Bind[text10](body, nil)
			}
			took = min(took, time.Since(began))
		}
		if took > time.Second {
			t.Errorf("%s: took %v for %d bytes at the least", c.name, took, len(c.body))
		}
	}
}

func TestTake(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body, want string
		ok                            bool
	}{
		{"once", urlencoded, "token=t&Text=a", "t", true},
		{"empty", urlencoded, "token=&Text=a", "", true},
		{"absent", urlencoded, "Text=a", "", false},
		{"twice", urlencoded, "token=t&token=t&Text=a", "", false},
		{"as a file", "multipart/form-data; boundary=X", parts("--X", `Content-Disposition: form-data; name="token"; filename="x"`, "", "t", "--X", textPart, "", "a", "--X--"), "", false},
	} {
		body, err := form.Parse(postAs(c.contentType, c.body), form.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got, ok := body.Take("token")
		if got != c.want || ok != c.ok {
			t.Errorf("%s: got %q, %v, want %q, %v", c.name, got, ok, c.want, c.ok)
		}
		if _, again := body.Take("token"); again {
			t.Errorf("%s: taken twice", c.name)
		}
		f, bound := form.Bind[text10](body, nil)
		if v, ok := f.Value(); !ok || v.Text != "a" || len(bound.Undeclared) > 0 {
			t.Errorf("%s: after Take got %v, %v, undeclared %q", c.name, v, ok, bound.Undeclared)
		}
	}
}

func TestSum(t *testing.T) {
	sum := func(contentType, body string) [32]byte {
		b, err := form.Parse(postAs(contentType, body), form.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		b.Take("token")
		return b.Sum()
	}
	same := sum(urlencoded, "Text=ab&Opt=c&token=1")
	if same != sum(urlencoded, "token=2&Text=%61b&&Opt=c") {
		t.Error("another token or another spelling changes the sum")
	}
	if same != sum("multipart/form-data; boundary=X", parts("--X", textPart, "", "ab", "--X", `Content-Disposition: form-data; name="Opt"`, "", "c", "--X--")) {
		t.Error("the encoding changes the sum")
	}
	seen := map[[32]byte]string{same: "Text=ab&Opt=c"}
	for _, other := range []string{"", "Text=ab", "Text=abOpt&=c", "Text=a&bOpt=c", "Opt=c&Text=ab", "Text=ab&Opt=c&Opt=c", "Text=ab&Opt=d", "Textab=&Opt=c", "Text=ab&Opt=c&x"} {
		s := sum(urlencoded, other)
		if was, ok := seen[s]; ok {
			t.Errorf("%q has the sum of %q", other, was)
		}
		seen[s] = other
	}
}

// TestNotPrinted: a body, and a form with a password in it, print no value.
func TestNotPrinted(t *testing.T) {
	body, _ := form.Parse(post("Text=&Pass=hunter2"), form.Limits{})
	f, _ := form.Bind[textPass](body, nil)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "body", body, "form", f)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, verb, body)
		fmt.Fprintf(&log, verb, f)
	}
	if strings.Contains(log.String(), "hunter2") || strings.Contains(log.String(), "68756e74657232") {
		t.Errorf("the password is printed: %s", log.String())
	}
}

// TestNamesOfUndeclaredFields: they come from a visitor, so they are short text.
func TestNamesOfUndeclaredFields(t *testing.T) {
	long := strings.Repeat("ä", 40) // 80 bytes
	body, err := form.Parse(post("Text=a&b=1&b=2&B=3&"+url.QueryEscape(long)+"=4"), form.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	_, bound := form.Bind[text10](body, nil)
	want := []string{"b", "B", strings.Repeat("ä", 32)}
	if fmt.Sprint(bound.Undeclared) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", bound.Undeclared, want)
	}
	body, _ = form.Parse(post("Text=a&Text=b&evil=1"), form.Limits{})
	if _, bound := form.Bind[text10](body, nil); bound.Refusal == nil || len(bound.Undeclared) != 1 {
		t.Errorf("a refused body: got undeclared %q, want them all the same", bound.Undeclared)
	}
}
