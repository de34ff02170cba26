package header_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/header"
)

func TestCookiesAreWhole(t *testing.T) {
	h := http.Header{}
	if err := header.SetCookie(h, header.Cookie{Name: "__Host-session", Value: liveToken}); err != nil {
		t.Fatal(err)
	}
	if err := header.SetCookie(h, header.Cookie{Name: "__Host-shop-device", Value: "abc", MaxAge: 1500 * time.Millisecond, Strict: true}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"__Host-session=" + liveToken + "; Path=/; Secure; HttpOnly; SameSite=Lax",
		"__Host-shop-device=abc; Path=/; Max-Age=2; Secure; HttpOnly; SameSite=Strict",
	}
	if got := h["Set-Cookie"]; strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// the second of a name replaces the first, and no other
	if err := header.ClearCookie(h, "__Host-session"); err != nil {
		t.Fatal(err)
	}
	want = []string{want[1], "__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"}
	if got := h["Set-Cookie"]; strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	h = http.Header{}
	if err := header.SetCookie(h, header.Cookie{Name: "__Host-step", Value: "secret", MaxAge: -1}); err != nil || strings.Contains(h.Get("Set-Cookie"), "secret") {
		t.Errorf("deleting: %v, %v", h, err)
	}
}

func TestCookiesThatAreRefused(t *testing.T) {
	for name, c := range map[string]header.Cookie{
		"no prefix":            {Name: "session", Value: "x"},
		"prefix alone":         {Name: "__Host-", Value: "x"},
		"prefix in lower case": {Name: "__host-session", Value: "x"},
		"__Secure-":            {Name: "__Secure-session", Value: "x"},
		"space in front":       {Name: " __Host-session", Value: "x"},
		"name with =":          {Name: "__Host-a=b", Value: "x"},
		"name with ;":          {Name: "__Host-a;b", Value: "x"},
		"semicolon":            {Name: "__Host-a", Value: "x; Domain=evil.test"},
		"line break":           {Name: "__Host-a", Value: "x\r\nSet-Cookie: y=z"},
		"space":                {Name: "__Host-a", Value: "x y"},
		"quote":                {Name: "__Host-a", Value: `"x"`},
		"comma":                {Name: "__Host-a", Value: "x,y"},
		"beyond ASCII":         {Name: "__Host-a", Value: "é"},
		"4,097 bytes":          {Name: "__Host-a", Value: strings.Repeat("x", 4097-len("__Host-a=; Path=/; Secure; HttpOnly; SameSite=Lax"))},
		"401 days":             {Name: "__Host-a", Value: "x", MaxAge: 401 * 24 * time.Hour},
	} {
		h := http.Header{}
		if err := header.SetCookie(h, c); err == nil || len(h) != 0 {
			t.Errorf("%s: %v, %v; want it refused", name, h, err)
		}
	}
	h := http.Header{}
	if err := header.SetCookie(h, header.Cookie{Name: "__Host-a", Value: strings.Repeat("x", 4096-len("__Host-a=; Path=/; Secure; HttpOnly; SameSite=Lax"))}); err != nil || len(h.Get("Set-Cookie")) != 4096 {
		t.Errorf("4,096 bytes: %v, %d", err, len(h.Get("Set-Cookie")))
	}
	if err := header.ClearCookie(h, "session"); err == nil {
		t.Error("ClearCookie took a name without the prefix")
	}
}

var (
	theme      = header.InsecureScriptCookie("__Host-theme", "the colours are set before the page is painted")
	noReason   = header.InsecureScriptCookie("__Host-theme", " ")
	noPrefix   = header.InsecureScriptCookie("theme", "a reason")
	allScripts = []*header.ScriptCookie{theme, noReason, noPrefix}
)

func TestScriptCookieLacksOnlyHttpOnly(t *testing.T) {
	h := http.Header{}
	if err := theme.Set(h, "dark", time.Hour); err != nil || h.Get("Set-Cookie") != "__Host-theme=dark; Path=/; Max-Age=3600; Secure; SameSite=Lax" {
		t.Errorf("got %v, %v", h, err)
	}
	if theme.Name() != "__Host-theme" || theme.Reason() == "" || !strings.Contains(theme.Where(), "cookie_test.go:") {
		t.Errorf("%q %q %q", theme.Name(), theme.Reason(), theme.Where())
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "__Host-theme=dark")
	if v, ok := theme.Find(r); !ok || v != "dark" {
		t.Errorf("Find = %q, %v", v, ok)
	}
	if err := noReason.Set(h, "dark", 0); err == nil {
		t.Error("a script cookie without a reason was set")
	}
	if err := noPrefix.Set(h, "dark", 0); err == nil {
		t.Error("a script cookie without the prefix was set")
	}
	if got := header.ScriptCookies(); !slices.Equal(got, allScripts) {
		t.Errorf("listed are %v, want %v", got, allScripts)
	}
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "declare it as a package variable") {
			t.Errorf("declared while the program runs: %q", p)
		}
	}()
	header.InsecureScriptCookie("__Host-late", "check never sees this one")
}

func TestFindEdges(t *testing.T) {
	for _, c := range []struct {
		title, line, want string
		ok                bool
	}{
		{"a run of spaces", "a=b;   __Host-x=1", "1", true},
		{"a tab in front", "a=b;\t__Host-x=1", "", false},
		{"a form feed in front", "a=b;\f__Host-x=1", "", false},
		{"no equals sign", "__Host-x; __Host-x=1", "1", true},
		{"equals signs in the value", "__Host-x=a=b", "a=b", true},
		{"a bad one beside a good one", "__Host-x=\"q\"; __Host-x=1", "", false},
		{"an empty one beside a good one", "__Host-x=; __Host-x=1", "", false},
		{"a space in the value", "__Host-x=1 2", "", false},
		{"a longer name", "__Host-xy=1", "", false},
		{"200 cookies", strings.Repeat("a=b; ", 199) + "__Host-x=1", "1", true},
		{"201 cookies", strings.Repeat("a=b; ", 200) + "__Host-x=1", "", false},
		{"201 cookies, ours first", "__Host-x=1" + strings.Repeat("; a=b", 200), "", false},
		{"semicolons", strings.Repeat(";", 5000) + "__Host-x=1", "", false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = []string{c.line}
		if got, ok := header.Find(r, "__Host-x"); got != c.want || ok != c.ok {
			t.Errorf("%s: got %q, %v, want %q, %v", c.title, got, ok, c.want, c.ok)
		}
	}
	if _, ok := header.Find(httptest.NewRequest("GET", "/", nil), ""); ok {
		t.Error("an empty name was found")
	}
}

// FuzzFind compares with a slow reading of the same rule.
func FuzzFind(f *testing.F) {
	for _, c := range load[cookieCase](f, "cookies-sessions.json") {
		if c.Repeat == nil {
			f.Add(strings.Join(c.CookieHeaders, "\n"))
		}
	}
	f.Fuzz(func(t *testing.T, lines string) {
		const name = "__Host-session"
		r := &http.Request{Header: http.Header{"Cookie": strings.Split(lines, "\n")}}
		var pairs []string
		for _, line := range r.Header["Cookie"] {
			pairs = append(pairs, strings.Split(line, ";")...)
		}
		var found []string
		for _, p := range pairs {
			if k, v, ok := strings.Cut(strings.TrimLeft(p, " "), "="); ok && k == name {
				found = append(found, v)
			}
		}
		want, wantOK := "", false
		if len(found) == 1 && len(pairs) <= 200 && found[0] != "" && !strings.ContainsFunc(found[0], func(r rune) bool {
			return r <= ' ' || r > '~' || strings.ContainsRune(`",;\`, r)
		}) {
			want, wantOK = found[0], true
		}
		if got, ok := header.Find(r, name); got != want || ok != wantOK {
			t.Errorf("Find(%q) = %q, %v, want %q, %v", lines, got, ok, want, wantOK)
		}
	})
}

// FuzzSetCookie: whatever is accepted comes back as it was, alone, and with every attribute.
func FuzzSetCookie(f *testing.F) {
	f.Add("__Host-session", liveToken, int64(60), true)
	f.Add("__Host-a", "x; Domain=evil.test", int64(0), false)
	f.Add("__Host-a\r\n", "\x00", int64(-1), false)
	f.Fuzz(func(t *testing.T, name, value string, seconds int64, strict bool) {
		h := http.Header{}
		if err := header.SetCookie(h, header.Cookie{Name: name, Value: value, MaxAge: time.Duration(seconds) * time.Second, Strict: strict}); err != nil {
			return
		}
		line := h["Set-Cookie"][0]
		c, err := http.ParseSetCookie(line)
		if err != nil || c.Name != name || c.Path != "/" || c.Domain != "" || !c.Secure || !c.HttpOnly || c.SameSite == 0 || len(line) > 4096 || strings.Count(line, ";") > 5 {
			t.Errorf("%q: %+v, %v", line, c, err)
		}
		if c.MaxAge < 0 {
			return
		}
		if c.Value != value {
			t.Errorf("%q: value %q, want %q", line, c.Value, value)
		}
		r := &http.Request{Header: http.Header{"Cookie": {"a=b; " + name + "=" + value}}}
		if got, ok := header.Find(r, name); value != "" && (!ok || got != value) {
			t.Errorf("Find = %q, %v, want %q", got, ok, value)
		}
	})
}
