package session_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/session"
)

var (
	lookIn = db.Query[[]byte](session.Schema(), "SELECT data FROM merlon_session ORDER BY id")

	breakUser    = db.Exec(session.Schema(), "UPDATE merlon_session SET factors = 2")
	breakRecent  = db.Exec(session.Schema(), "UPDATE merlon_session SET recent = 1")
	breakVersion = db.Exec(session.Schema(), "UPDATE merlon_session SET version = version + 1")
	breakClass   = db.Exec(session.Schema(), "UPDATE merlon_session SET class = 1")
	setData      = db.Exec(session.Schema(), "UPDATE merlon_session SET data = $1, version = $2 WHERE id = (SELECT id FROM merlon_session ORDER BY id LIMIT 1 OFFSET $3 - 1)")
	unrevoke     = db.Exec(session.Schema(), "UPDATE merlon_session SET revoked_at = 0")
	move         = db.Exec(session.Schema(), "UPDATE merlon_session SET user_id = 1")
	prolong      = db.Exec(session.Schema(), "UPDATE merlon_session SET absolute_deadline = absolute_deadline + 1")
)

// M01, M02, SESS-3: a thief has every byte of the database and the key ring, but no cookie.
func TestThief(t *testing.T) {
	h := newHouse(t)
	const canary = "canary-of-the-basket"
	var cookies []string
	for i := range 40 {
		b := h.browser()
		b.signIn(int64(i%8 + 1))
		if err := b.post(func(w *session.Writer) error {
			note.Set(w, fmt.Sprintf("%s-%d", canary, i))
			number.Set(w, 0x6361_6e61_7279)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if i%5 == 0 {
			b.signOut()
		} else {
			cookies = append(cookies, b.cookie)
		}
	}
	q := h.engine.Read(h.ctx)
	seals, err := lookIn.All(q)
	_ = q.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.engine.Close(); err != nil { // everything is in the files now
		t.Fatal(err)
	}
	var loot []byte
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(h.dir + "/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		loot = append(loot, b...)
	}
	if !bytes.Contains(loot, []byte("Firefox on Linux")) {
		t.Fatal("the thief looks into the wrong files")
	}
	for _, name := range []string{canary, "test.note", "test.number", "canary"} {
		if bytes.Contains(loot, []byte(name)) {
			t.Errorf("%q stands in the database", name)
		}
	}
	for _, c := range cookies {
		token, err := base64.RawURLEncoding.DecodeString(c)
		if err != nil {
			t.Fatal(err)
		}
		derived := hmac.New(sha256.New, token)
		for name, form := range map[string][]byte{
			"cookie": []byte(c), "token": token, "hex": []byte(hex.EncodeToString(token)), "HEX": []byte(strings.ToUpper(hex.EncodeToString(token))),
			"base64": []byte(base64.StdEncoding.EncodeToString(token)), "half": token[:16], "data key label": derived.Sum(nil),
		} {
			if bytes.Contains(loot, form) {
				t.Errorf("a live token stands in the database as %s", name)
			}
		}
		sum := sha256.Sum256(token)
		if !bytes.Contains(loot, sum[:]) {
			t.Error("the store key is not where the thief looks: the test proves nothing")
		}
	}
	breakSeals(t, loot, seals, cookies[len(cookies)-1])
}

// breakSeals tries every 32 bytes of the loot and of the key ring, and what a thief would make of them, as keys.
func breakSeals(t *testing.T, loot []byte, seals [][]byte, cookie string) {
	last := seals[len(seals)-1]
	derive := func(key, sealed []byte) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte("merlon/session/v1"))
		m.Write(sealed[1:17])
		return m.Sum(nil)
	}
	// The stream does not depend on the associated data: a right key shows the layout of the values, with the names of the keys
	// in it, even to who cannot rebuild the associated data.
	opens := func(key, sealed []byte) bool {
		nonce, box := sealed[17:29], sealed[29:]
		stream, err := chacha20.NewUnauthenticatedCipher(key, nonce)
		if err != nil {
			return false
		}
		stream.SetCounter(1) // block 0 is the authenticator's (RFC 8439, 2.8)
		out := make([]byte, len(box)-16)
		stream.XORKeyStream(out, box[:len(out)])
		return bytes.Contains(out, []byte("test.note"))
	}
	token, _ := base64.RawURLEncoding.DecodeString(cookie)
	if !opens(derive(token, last), last) {
		t.Fatal("the owner's cookie does not open the seal: the test proves nothing")
	}
	tried := 0
	try := func(key []byte) {
		tried++
		if opens(key, last) || opens(derive(key, last), last) {
			t.Fatal("the thief opened a seal")
		}
	}
	ring := secret("")
	try(ring[:32])
	for i := 0; i+32 <= len(loot); i++ {
		window := loot[i : i+32]
		if bytes.Count(window, []byte{0}) > 16 {
			continue
		}
		try(window)
		if i%16 == 0 { // and what hashes of it would give
			sum := sha256.Sum256(window)
			try(sum[:])
			m := hmac.New(sha256.New, ring)
			m.Write(window)
			try(m.Sum(nil))
		}
	}
	t.Logf("%d keys tried", tried)
}

// Whoever can write to the database can end sessions, but neither raise nor move one.
func TestSealBindsTheRow(t *testing.T) {
	for name, damage := range map[string]func(w *db.Writer) error{
		"two factors":       func(w *db.Writer) error { _, err := breakUser.Run(w); return err },
		"a step-up":         func(w *db.Writer) error { _, err := breakRecent.Run(w); return err },
		"another version":   func(w *db.Writer) error { _, err := breakVersion.Run(w); return err },
		"an administrator":  func(w *db.Writer) error { _, err := breakClass.Run(w); return err },
		"empty data":        func(w *db.Writer) error { _, err := setData.Run(w, []byte{}, 1, 1); return err },
		"data of no layout": func(w *db.Writer) error { _, err := setData.Run(w, make([]byte, 100), 1, 1); return err },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(c *session.Config) { c.Shared = true })
			b := h.browser()
			b.signIn(5)
			s := b.load()
			h.write(damage)
			if b.load().Live() {
				t.Error("served")
			}
			if h.events.count(session.RuleSeal) != 1 {
				t.Error("no event tells of the broken seal")
			}
			if name == "another version" { // met by a request on its way: its values are not those it knows
				if err := b.postAs(s, func(*session.Writer) error { return nil }); err == nil {
					t.Error("a request on its way wrote over it")
				}
			}
		})
	}
	// Old values put back, and another row's.
	h := newHouse(t, func(c *session.Config) { c.Shared = true })
	a, b := h.browser(), h.browser()
	a.signIn(1)
	b.signIn(1)
	q := h.engine.Read(h.ctx)
	before, err := lookIn.All(q)
	_ = q.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.post(func(w *session.Writer) error { number.Set(w, 1); return nil }); err != nil {
		t.Fatal(err)
	}
	h.write(func(w *db.Writer) error { _, err := setData.Run(w, before[0], 2, 1); return err })
	if a.load().Live() {
		t.Error("an old blob under the new version was served")
	}
	h.write(func(w *db.Writer) error { _, err := setData.Run(w, before[1], 1, 1); return err })
	if a.load().Live() {
		t.Error("another row's blob was served")
	}
	if !b.load().Live() {
		t.Error("an untouched session is not served")
	}
}

// Each part of a row that the seal binds changes what is bound; no two rows share it.
func TestAssociatedData(t *testing.T) {
	base := session.Row{Key: session.Digest{1}, User: 1, Version: 1, Class: 0, Factors: 1, Recent: 1, Created: 1, Absolute: 1}
	seen := map[string]string{string(session.Associated(nil, &base)): "base"}
	for name, change := range map[string]func(*session.Row){
		"key": func(r *session.Row) { r.Key[31] = 9 }, "user": func(r *session.Row) { r.User = 9 }, "version": func(r *session.Row) { r.Version = 9 },
		"class": func(r *session.Row) { r.Class = 9 }, "factors": func(r *session.Row) { r.Factors = 9 }, "recent": func(r *session.Row) { r.Recent = 9 },
		"created": func(r *session.Row) { r.Created = 9 }, "absolute": func(r *session.Row) { r.Absolute = 9 },
	} {
		r := base
		change(&r)
		ad := string(session.Associated(nil, &r))
		if other, there := seen[ad]; there {
			t.Errorf("another %s is sealed as %s", name, other)
		}
		seen[ad] = name
	}
}

// The table itself holds what must never change, whatever statement somebody writes.
func TestTableIsFinal(t *testing.T) {
	h := newHouse(t)
	a, b := h.browser(), h.browser()
	a.signIn(5)
	b.signIn(6)
	for name, s := range map[string]*db.Statement[db.Affected]{"another user": move, "a later end": prolong} {
		if err := h.engine.Write(h.ctx, func(_ context.Context, w *db.Writer) error { _, err := s.Run(w); return err }); err == nil {
			t.Errorf("the table took %s", name)
		}
	}
	b.signOut()
	if err := h.engine.Write(h.ctx, func(_ context.Context, w *db.Writer) error { _, err := unrevoke.Run(w); return err }); err == nil {
		t.Error("the table took an ended session back to life")
	}
}

// M12: the token is in the cookie and nowhere else: not in events, not under any verb of fmt, not in logs.
func TestTokenIsNeverPrinted(t *testing.T) {
	h := newHouse(t)
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	b := h.browser()
	var seen []string
	for i := range 4 {
		if err := b.post(func(w *session.Writer) error {
			note.Set(w, "canary-kept")
			if err := w.Rotate(session.Level{User: 5, Factors: 1 + i%2}); err != nil {
				return err
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
				type handler struct {
					Session *session.Writer
					inner   *session.Writer
					value   session.Writer
				}
				fmt.Fprintf(&out, verb+"\n", w)
				fmt.Fprintf(&out, verb+"\n", handler{w, w, *w})
				fmt.Fprintf(&out, verb+"\n", session.Token{})
			}
			log.Info("x", "writer", w)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		seen = append(seen, b.cookie)
		s := b.load()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			type handler struct {
				s *session.State
				r *session.Reader
				m *session.Manager
			}
			fmt.Fprintf(&out, verb+" "+verb+" "+verb+" "+verb+"\n", s, s.Reader(), h.m, handler{s, s.Reader(), h.m})
		}
		log.Info("x", "reader", s.Reader(), "manager", h.m)
	}
	for _, e := range h.events.all {
		fmt.Fprintf(&out, "%+v\n", e)
		log.LogAttrs(context.Background(), e.Level(), e.Title, e.Attrs()...)
	}
	if h.events.count(session.RuleRotated) == 0 {
		t.Fatal("no events: the test proves nothing")
	}
	for _, c := range seen {
		token, _ := base64.RawURLEncoding.DecodeString(c)
		decimal := strings.Trim(fmt.Sprint(token), "[]")
		for _, form := range []string{c, "canary-kept", fmt.Sprint([]byte("canary-kept"))[1:30], hex.EncodeToString(token), strings.ToUpper(hex.EncodeToString(token)), decimal} {
			if strings.Contains(out.String(), form) {
				i := strings.Index(out.String(), form)
				t.Errorf("a token was printed: %q", out.String()[max(0, i-200):i+len(form)])
			}
		}
	}
	var _ event.Recorder = h.events
}
