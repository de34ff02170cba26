package session

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
)

// Digest is the SHA-256 of a token: the key under which a store keeps a row. A plain hash is enough for 256 random bits,
// and nobody can go back from it to the cookie.
type Digest [sha256.Size]byte

// A Token is the secret in the cookie. It has no String method and cannot be turned into text outside this package: every
// verb of fmt, slog and JSON get [redacted] or an error.
type Token struct {
	// Behind a function, since fmt prints the unexported fields of a struct without asking Format, and follows a pointer
	// when the verb is a wrong one.
	reveal func() *[tokenBytes]byte
}

const (
	tokenBytes = 32
	tokenChars = 43 // base64url without padding; the last character has 2 unused bits, which must be zero
	preRandom  = 24
	preMAC     = 16
	preChars   = 1 + 54 // "p", then 40 bytes; the last character has 4 unused bits
)

// b64 is strict: the unused bits of the last character must be zero, so that a value has one spelling.
var b64 = base64.RawURLEncoding.Strict()

// Format implements [fmt.Formatter]: every verb prints "[redacted]".
func (Token) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// LogValue implements [slog.LogValuer].
func (Token) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalJSON always fails: a token never leaves the process but in its cookie.
func (Token) MarshalJSON() ([]byte, error) { return nil, errTokenText }

// MarshalText always fails.
func (Token) MarshalText() ([]byte, error) { return nil, errTokenText }

var (
	_            json.Marshaler = Token{}
	errTokenText                = errors.New("session: a token cannot be encoded: it would leave the process outside its cookie; log the session's id")
)

// parseToken reads a cookie's value: exactly 43 characters of base64url in their one spelling, and not the zero token.
func parseToken(value string, dst *[tokenBytes]byte) bool {
	if len(value) != tokenChars {
		return false
	}
	var in [tokenChars]byte
	copy(in[:], value)
	for _, c := range in {
		if c == '\r' || c == '\n' { // encoding/base64 skips them
			return false
		}
	}
	if n, err := b64.Decode(dst[:], in[:]); err != nil || n != tokenBytes {
		return false
	}
	return *dst != [tokenBytes]byte{}
}

// newToken makes a token. The zero value is no session, should a broken source give it.
func (m *Manager) newToken() Token {
	b := new([tokenBytes]byte)
	m.fill(b[:])
	if *b == [tokenBytes]byte{} {
		panic("session: the source of randomness returned zeros; leave Config.Random nil")
	}
	return Token{func() *[tokenBytes]byte { return b }}
}

func (t Token) value() string { return b64.EncodeToString(t.reveal()[:]) }

func digestOf(token *[tokenBytes]byte) Digest { return sha256.Sum256(token[:]) }

const (
	labelBinding = "merlon/session/binding/v1"
	labelPre     = "merlon/session/pre-session/binding/v1"
)

// bindingOf is what form tokens are bound to: made from the token, so that the store does not hold it.
func bindingOf(token *[tokenBytes]byte) [sha256.Size]byte {
	var b [len(labelBinding) + tokenBytes]byte
	copy(b[copy(b[:], labelBinding):], token[:])
	return sha256.Sum256(b[:])
}

// newPre makes a pre-session value: "p" and base64url of 24 random bytes and their MAC cut to 16. It is no session: no row
// stands behind it and none is looked up. Its only use is that a form shown to a visitor without a session is bound to the
// browser it was shown in (login CSRF), so a value that this site did not sign is never adopted.
func (m *Manager) newPre() string {
	var raw [preRandom + preMAC]byte
	m.fill(raw[:preRandom])
	mac := m.preSign(raw[:preRandom])
	copy(raw[preRandom:], mac[:preMAC])
	out := make([]byte, 1, preChars)
	out[0] = 'p'
	return string(b64.AppendEncode(out, raw[:]))
}

// parsePre reads a pre-session value and returns the binding of its forms.
func (m *Manager) parsePre(value string) (binding [sha256.Size]byte, ok bool) {
	if len(value) != preChars || value[0] != 'p' {
		return binding, false
	}
	var in [preChars - 1]byte
	copy(in[:], value[1:])
	for _, c := range in {
		if c == '\r' || c == '\n' {
			return binding, false
		}
	}
	var raw [preRandom + preMAC]byte
	if n, err := b64.Decode(raw[:], in[:]); err != nil || n != len(raw) {
		return binding, false
	}
	mac := m.preSign(raw[:preRandom])
	if subtle.ConstantTimeCompare(mac[:preMAC], raw[preRandom:]) != 1 {
		return binding, false
	}
	return preBinding(raw[:preRandom]), true
}

func (m *Manager) preSign(random []byte) [sha256.Size]byte { return mac(m.preKey(), random) }

func preBinding(random []byte) [sha256.Size]byte {
	var b [len(labelPre) + preRandom]byte
	copy(b[copy(b[:], labelPre):], random)
	return sha256.Sum256(b[:])
}
