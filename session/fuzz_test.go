package session_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/merlon-web/merlon/session"
)

// A cookie's value is a token if and only if it is the one spelling of 32 bytes that are not all zero; it is a pre-session if
// and only if this site signed it.
func FuzzCookieValue(f *testing.F) {
	m, err := session.New(session.Config{Secret: secret})
	if err != nil {
		f.Fatal(err)
	}
	signed, _ := m.PreSession()
	for _, s := range []string{"", "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM", "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoN", signed.Value,
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "\nGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM", "p", "p" + signed.Value[2:]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var token [32]byte
		ok := session.ParseToken(value, &token)
		if ok && (base64.RawURLEncoding.EncodeToString(token[:]) != value || token == [32]byte{}) {
			t.Errorf("%q is taken for a token", value)
		}
		if !ok {
			if b, err := base64.RawURLEncoding.DecodeString(value); err == nil && len(b) == 32 && base64.RawURLEncoding.EncodeToString(b) == value && !bytes.Equal(b, make([]byte, 32)) {
				t.Errorf("%q is a token, and refused", value)
			}
		}
		if _, pre := m.ParsePre(value); pre && (ok || value != signed.Value && len(value) != 55) {
			t.Errorf("%q is taken for a pre-session", value)
		}
	})
}

// The values of a row: what passes the check is found, changed and taken out without a panic, and has one spelling.
func FuzzValues(f *testing.F) {
	var b []byte
	for _, s := range []string{"a", "b.c", "z-9_"} {
		b = session.With(b, s, []byte(s+s))
	}
	f.Add(b, "b.c", []byte("new"))
	f.Add([]byte{}, "a", []byte{})
	f.Add([]byte{1, 0, 0, 0, 0, 'a', 1, 0, 0, 0, 0, 'a'}, "a", []byte{1})
	f.Add([]byte{1, 255, 255, 255, 255, 'a'}, "a", []byte{1})
	f.Add([]byte{0, 0, 0, 0, 0}, "", []byte{1})
	f.Fuzz(func(t *testing.T, b []byte, name string, value []byte) {
		if session.CheckValues(b) != nil {
			return
		}
		whole := append([]byte(nil), b...)
		old, had := session.Lookup(b, name)
		if session.CheckValues(session.With(nil, name, append([]byte{1}, value...))) != nil {
			return // no name of a key
		}
		set := session.With(b, name, append([]byte{1}, value...))
		if err := session.CheckValues(set); err != nil {
			t.Fatalf("With made %q, which has no layout", set)
		}
		if got, ok := session.Lookup(set, name); !ok || !bytes.Equal(got[1:], value) {
			t.Fatalf("set %q, got %q, %v", value, got, ok)
		}
		out := session.With(set, name, nil)
		if _, ok := session.Lookup(out, name); ok {
			t.Fatal("taken out, and still there")
		}
		if had {
			if back := session.With(out, name, append([]byte{}, old...)); !bytes.Equal(back, whole) {
				t.Fatalf("there and back: %q, was %q", back, whole)
			}
		} else if !bytes.Equal(out, whole) {
			t.Fatalf("there and back: %q, was %q", out, whole)
		}
		if !bytes.Equal(b, whole) {
			t.Fatal("the values that others read were changed")
		}
	})
}

// The sealed blob: its parts cover it exactly.
func FuzzSealed(f *testing.F) {
	f.Add(append([]byte{session.SealedVersion}, make([]byte, 44)...))
	f.Add(append([]byte{session.SealedVersion - 1}, make([]byte, 44)...))
	f.Add([]byte{session.SealedVersion})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		salt, nonce, box, err := session.ParseSealed(b)
		if err != nil {
			return
		}
		if len(salt) != 16 || len(nonce) != 12 || len(box) < 16 || !bytes.Equal(bytes.Join([][]byte{{session.SealedVersion}, salt, nonce, box}, nil), b) {
			t.Fatalf("%x: parts %x %x %x", b, salt, nonce, box)
		}
	})
}

// A kept value of any bytes is read as its own type or not at all.
func FuzzDecode(f *testing.F) {
	for _, v := range []any{true, 7, int64(-7), uint64(7), 1.5, "text", []byte{1}, basket{Paid: true}} {
		b, err := session.Encode(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{2})
	f.Add([]byte{7, 1, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		read := 0
		var number int64
		if session.Decode(b, &number) == nil {
			read++
			var again int64
			if enc, _ := session.Encode(number); session.Decode(enc, &again) != nil || again != number {
				t.Fatalf("%x: %d is not kept as it was read", b, number)
			}
		}
		for _, to := range []any{new(bool), new(uint64), new(float64), new(string), new([]byte), new(basket)} {
			if session.Decode(b, to) == nil {
				read++
			}
		}
		if read > 1 {
			t.Fatalf("%x is read as %d types", b, read)
		}
	})
}
