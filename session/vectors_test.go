package session_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/session"
)

type vector struct {
	ID, Title, Why, State, Query string
	Headers                      [][2]string
	CookieHeaders                []string `json:"cookie_headers"`
	Repeat                       *struct {
		Marker, Text string
		Times        int
	}
	Expect struct {
		Session, Which string
		Lookups        *int
	}
}

// The cookie's value, in all the ways that it is not to be believed.
func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/cookies-sessions.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []vector
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 39 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) { runVector(t, c) })
	}
}

func runVector(t *testing.T, c vector) {
	first := make([]byte, 32)
	for i := range first {
		first[i] = byte(0x64 + i)
	}
	second := sha256.Sum256([]byte("second"))
	h := newHouse(t, func(c *session.Config) {
		c.Random = &fixed{[][]byte{first, second[:]}, rand.Reader}
		c.CacheBytes = 64 << 10
	})
	live, other := h.browser(), h.browser()
	live.signIn(1)
	other.signIn(2)
	if live.cookie != "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM" || other.cookie != "FjZ6rLZ6SgF8jairlWgsyzkIY3gPcRTdoKDgxVZEx8Q" {
		t.Fatalf("the fixed tokens are not in use: %s, %s", live.cookie, other.cookie)
	}
	old := live.cookie
	switch c.State {
	case "", "revoked", "absolute-expired", "signed-in-since":
	default:
		t.Fatalf("state %q is not known to the test", c.State)
	}
	switch c.State {
	case "revoked":
		live.signOut()
	case "absolute-expired":
		for range 31 { // used every day, so that only the absolute deadline ends it
			h.clock.Add(23*time.Hour + 59*time.Minute)
			live.load()
			if err := h.m.Seen(h.ctx, h.engine); err != nil {
				t.Fatal(err)
			}
		}
	case "signed-in-since":
		live.signIn(1)
	}
	r := httptest.NewRequest("GET", "https://site.test/?"+c.Query, nil)
	for _, line := range c.CookieHeaders {
		line = strings.ReplaceAll(line, "%OLD%", old)
		if c.Repeat != nil {
			line = strings.ReplaceAll(line, c.Repeat.Marker, strings.Repeat(c.Repeat.Text, c.Repeat.Times))
		}
		r.Header.Add("Cookie", line)
	}
	for _, h := range c.Headers {
		r.Header.Add(h[0], h[1])
	}
	h.store.lookups()
	rows := h.rows()
	q := h.engine.Read(h.ctx)
	defer q.Close()
	s, err := h.m.Load(q, r)
	if err != nil {
		t.Fatalf("%s: an error instead of a visitor without session: %v", c.ID, err)
	}
	asked := h.store.lookups()
	switch c.Expect.Session {
	case "accepted":
		if !s.Live() || s.User() != 1 || s.Binding() == nil {
			t.Errorf("%s: %s: not accepted (%s)", c.ID, c.Title, c.Why)
		}
	case "ignored":
		if s.Live() || s.User() != 0 || s.Level() != (session.Level{}) || s.Binding() != nil || s.Reader().Live() {
			t.Errorf("%s: %s: accepted (%s)", c.ID, c.Title, c.Why)
		}
	case "either":
	default:
		t.Fatalf("%s: expects %q", c.ID, c.Expect.Session)
	}
	if c.Expect.Lookups != nil && asked != *c.Expect.Lookups {
		t.Errorf("%s: %d look-ups, want %d", c.ID, asked, *c.Expect.Lookups)
	}
	if h.rows() != rows {
		t.Errorf("%s: Load wrote", c.ID)
	}
	if c.Expect.Session == "ignored" {
		// Never adopted: what the visitor does next begins under another token.
		b := h.browser()
		if err := b.postAs(s, func(w *session.Writer) error { note.Set(w, "x"); return nil }); err != nil {
			t.Fatal(err)
		}
		for _, line := range r.Header["Cookie"] {
			if b.cookie == "" || strings.Contains(line, b.cookie) {
				t.Errorf("%s: the client's value was adopted", c.ID)
			}
		}
	}
}

func TestPreSession(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	s := b.load()
	if s.Binding() != nil {
		t.Fatal("a visitor without cookie has a binding")
	}
	c, given := h.m.PreSession()
	if given == nil || len(c.Value) != 55 || c.MaxAge != 0 {
		t.Fatalf("no pre-session: %+v", c)
	}
	if h.rows() != 0 {
		t.Error("a pre-session wrote a row")
	}
	b.cookie = c.Value
	h.store.lookups()
	back := b.load()
	if string(back.Binding()) != string(given) || back.Live() || back.User() != 0 {
		t.Error("the pre-session did not come back")
	}
	if n := h.store.lookups(); n != 0 {
		t.Errorf("%d look-ups for a pre-session", n)
	}
	other, binding := h.m.PreSession()
	if other.Value == c.Value || string(binding) == string(given) {
		t.Error("two visitors share a pre-session")
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range c.Value {
		for _, repl := range []byte("A_pq=\n .") {
			if c.Value[i] == repl {
				continue
			}
			b.cookie = c.Value[:i] + string(repl) + c.Value[i+1:]
			if b.load().Binding() != nil {
				t.Errorf("a value that was not signed is adopted: %q", b.cookie)
			}
		}
	}
	for _, last := range alphabet { // the unused bits of the last letter
		v := c.Value[:54] + string(last)
		b.cookie = v
		if v != c.Value && b.load().Binding() != nil {
			t.Errorf("a second spelling is adopted: %q", v)
		}
	}
	foreign := newHouse(t, func(c *session.Config) {
		c.Secret = func(string) []byte { return []byte("another key, and also 32 bytes long") }
	})
	fb := foreign.browser()
	fb.cookie = c.Value
	if fb.load().Binding() != nil {
		t.Error("another site's pre-session is adopted")
	}
}

// Sign-in takes the place of a pre-session; what was bound to it is dead.
func TestSignInReplacesThePreSession(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	c, before := h.m.PreSession()
	b.cookie = c.Value
	b.signIn(5)
	s := b.load()
	if b.cookie == c.Value || !s.Live() || string(s.Binding()) == string(before) {
		t.Error("the pre-session outlived the sign-in")
	}
}
