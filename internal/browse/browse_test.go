package browse

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const page = `<!doctype html><title>x</title><script>hidden words</script><h1>Hello</h1><a href="/next">on</a>
<form action="/do" method="post"><input type="hidden" name="token" value="t1"><input name="Name" value="was"><textarea name="Text">
kept</textarea><select name="Kind"><option value="a">A</option><option value="b" selected>B</option></select>
<input type="checkbox" name="On" value="on"><input type="checkbox" name="Was" value="on" checked><button name="b" value="c">Go</button></form>
<form action="/search" method="get"><input name="q"></form>`

func TestBrowser(t *testing.T) {
	var sent string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.SetCookie(w, &http.Cookie{Name: "__Host-s", Value: "1", Secure: true, Path: "/"})
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, page)
		case "/do":
			_ = r.ParseForm()
			sent = r.PostForm.Encode() + " " + r.Header.Get("Cookie") + " " + r.Header.Get("Origin") + " " + r.Host
			http.Redirect(w, r, "/next?a=1", http.StatusSeeOther)
		case "/next":
			http.SetCookie(w, &http.Cookie{Name: "__Host-s", MaxAge: -1})
			fmt.Fprint(w, "arrived")
		case "/away":
			http.Redirect(w, r, "//evil.test/", http.StatusSeeOther)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusSeeOther)
		}
	}))
	defer s.Close()
	b := New("http://club.localhost", "tcp", strings.TrimPrefix(s.URL, "http://"))
	defer b.Close()
	if status, err := b.Get(t.Context(), "/"); err != nil || status != 200 || !b.Has("Hello") || b.Has("hidden words") || len(b.Links()) != 1 {
		t.Fatal(status, err, b.Text(), b.Links())
	}
	if got := b.Cookies(); len(got) != 1 || got[0] != "__Host-s=1" {
		t.Errorf("cookies %q", got)
	}
	for what, send := range map[string]func() error{
		"a form that is not there":  func() error { _, err := b.Submit(t.Context(), "/none", nil); return err },
		"one that searches":         func() error { _, err := b.Submit(t.Context(), "/search", nil); return err },
		"a field that is not there": func() error { _, err := b.Submit(t.Context(), "/do", map[string]string{"none": "x"}); return err },
	} {
		if send() == nil {
			t.Errorf("%s is sent", what)
		}
	}
	status, err := b.Submit(t.Context(), "/do", map[string]string{"Name": "now"})
	if err != nil || status != 200 || b.Path() != "/next?a=1" || !b.Has("arrived") || len(b.Cookies()) != 0 {
		t.Error(status, err, b.Path(), b.Cookies())
	}
	if want := "Kind=b&Name=now&Text=kept&Was=on&token=t1 __Host-s=1 http://club.localhost club.localhost"; sent != want {
		t.Errorf("sent %q\nwant %q", sent, want)
	}
	for _, path := range []string{"/away", "/round"} {
		if _, err := b.Get(t.Context(), path); err == nil {
			t.Errorf("%s is followed", path)
		}
	}
}

// TestChosen: what a browser sends of a select (HTML, the option and select elements).
func TestChosen(t *testing.T) {
	for options, want := range map[string]string{
		`<option value=""></option><option value="a">A</option>`:               "",
		`<option value="">None<option value="a" selected>A<option value="b">B`: "a",
		`<optgroup label="g"><option>  One
		two </option></optgroup><option value="b">B</option>`: "One two",
		`<option value="a">A</option><option value="" selected></option>`: "",
		``: "nothing",
	} {
		doc, err := html.Parse(strings.NewReader("<select>" + options + "</select>"))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.DataAtom != atom.Select {
				continue
			}
			got, sent := Chosen(n)
			if !sent {
				got = "nothing"
			}
			if got != want {
				t.Errorf("%s: %q, want %q", options, got, want)
			}
		}
	}
}
