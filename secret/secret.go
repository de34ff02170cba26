// Package secret holds values that must never be printed: they answer [redacted] to every verb of fmt, to slog, and to
// text encoding, and JSON refuses them.
//
// A secret keeps its value in the process's memory; the package does not protect from someone who reads that memory.
package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// ErrMarshal is returned by json.Marshal for a value that holds a secret.
var ErrMarshal = errors.New("secret: a secret cannot be encoded: it would leave the process in the clear; give the answer a struct without it")

// A String is a text that must not be printed: a password, a key, a token. The zero value is the empty secret.
//
// It cannot be compared with ==, which would compare addresses, or leak by its time if it compared texts: use [String.Equal],
// and for passwords room password.
type String struct {
	_     [0]func() // not comparable
	value *string
}

// New returns the secret of a text.
func New(value string) String { return String{value: &value} }

// Reveal returns the text. Each call is a place where the secret can leak: grep for it.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether there is no text.
func (s String) Empty() bool { return s.value == nil || *s.value == "" }

// Equal compares in constant time for texts of equal length.
func (s String) Equal(other String) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String implements [fmt.Stringer] and returns "[redacted]".
func (String) String() string { return redacted }

// GoString implements [fmt.GoStringer] and returns "[redacted]".
func (String) GoString() string { return redacted }

// Format implements [fmt.Formatter]: every verb prints "[redacted]", %x and %q included.
func (String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements [slog.LogValuer].
func (String) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON always fails with [ErrMarshal].
func (String) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// MarshalText always fails with [ErrMarshal].
func (String) MarshalText() ([]byte, error) { return nil, ErrMarshal }

// Bytes are a secret of raw bytes, as keys are. The zero value is the empty secret.
type Bytes struct {
	_     [0]func()     // not comparable
	value func() []byte // fmt follows a pointer even in a field that is not exported; a function it cannot look into
}

// NewBytes returns the secret of a copy of b.
func NewBytes(b []byte) Bytes {
	c := append([]byte(nil), b...)
	return Bytes{value: func() []byte { return c }}
}

// Reveal returns the bytes themselves, not a copy: callers must not change them.
func (b Bytes) Reveal() []byte {
	if b.value == nil {
		return nil
	}
	return b.value()
}

// String implements [fmt.Stringer] and returns "[redacted]".
func (Bytes) String() string { return redacted }

// GoString implements [fmt.GoStringer] and returns "[redacted]".
func (Bytes) GoString() string { return redacted }

// Format implements [fmt.Formatter]: every verb prints "[redacted]".
func (Bytes) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements [slog.LogValuer].
func (Bytes) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON always fails with [ErrMarshal].
func (Bytes) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// MarshalText always fails with [ErrMarshal].
func (Bytes) MarshalText() ([]byte, error) { return nil, ErrMarshal }
