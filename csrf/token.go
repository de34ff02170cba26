package csrf

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// FieldName is the name of the hidden field that carries the token.
const FieldName = "merlon_token"

// TokenLength is the length of a token: pad and masked MAC, 64 bytes in base64url without padding.
const TokenLength = 86

// KeySize is the least length of a key in bytes.
const KeySize = 32

var encoding = base64.RawURLEncoding.Strict()

// AppendToken appends a fresh token to dst: pad ‖ (pad ⊕ MAC) in base64url, where MAC is the HMAC-SHA-256 under key of
// binding and route, each framed by its length. The pad is new for each token, so that no secret repeats in a compressed page
// (BREACH). No allocation beyond the growth of dst.
//
// The binding is what the token is good for: the session's, or the value of a pre-session cookie. The route is the pattern
// of the form's target. Random is read 32 bytes at a time; nil is crypto/rand.
//
// AppendToken panics when the key is shorter than [KeySize] or the binding is empty, since everybody's tokens would then be
// alike, and when random fails: these are faults of the program, never of a request.
func AppendToken(dst, key, binding []byte, route string, random io.Reader) []byte {
	if len(key) < KeySize {
		panic(fmt.Sprintf("csrf: a key of %d bytes: tokens made with it can be guessed; give %d random bytes", len(key), KeySize))
	}
	if len(binding) == 0 {
		panic("csrf: an empty binding: the token would be good for every visitor; give the session's binding or a pre-session cookie's value")
	}
	var raw [64]byte
	readPad((*[32]byte)(raw[:32]), random)
	mac := sum(key, binding, route)
	subtle.XORBytes(raw[32:], raw[:32], mac[:])
	return encoding.AppendEncode(dst, raw[:])
}

// VerifyToken reports whether a token was made by [AppendToken] with this key, binding and route, in constant time for
// tokens of the right length. It accepts one spelling only. A short key or an empty binding verifies nothing.
//
// The pad is the token's own id: whoever remembers it can tell a form that is sent twice by a double click. It does not stop
// a visitor who wants to send twice: he can load the page again, or put another pad on the MAC of a token that he holds.
func VerifyToken(key, binding []byte, route, token string) (pad [32]byte, ok bool) {
	if len(token) != TokenLength || len(key) < KeySize || len(binding) == 0 {
		return [32]byte{}, false
	}
	var text [TokenLength]byte
	var raw [66]byte // Decode may write a little more than it returns
	copy(text[:], token)
	// Decode skips line breaks, so a text with one is shorter than 64 bytes.
	if n, err := encoding.Decode(raw[:], text[:]); err != nil || n != 64 {
		return [32]byte{}, false
	}
	mac := sum(key, binding, route)
	var got [32]byte
	subtle.XORBytes(got[:], raw[:32], raw[32:64])
	if subtle.ConstantTimeCompare(got[:], mac[:]) != 1 {
		return [32]byte{}, false
	}
	return [32]byte(raw[:32]), true
}

// AppendHiddenField appends <input type="hidden" name="merlon_token" value="…"> with a fresh token: see [AppendToken].
func AppendHiddenField(dst, key, binding []byte, route string, random io.Reader) []byte {
	dst = append(dst, `<input type="hidden" name="`+FieldName+`" value="`...)
	dst = AppendToken(dst, key, binding, route, random)
	return append(dst, `">`...)
}

// sum is HMAC-SHA-256 (RFC 2104) of len(binding) ‖ binding ‖ len(route) ‖ route ‖ "v1". It is written out because
// hmac.New allocates twice a call, and a page has a token for each of its forms; TestSum holds it against crypto/hmac.
func sum(key, binding []byte, route string) [32]byte {
	var block [sha256.BlockSize]byte
	if len(key) > len(block) {
		short := sha256.Sum256(key)
		copy(block[:], short[:])
	} else {
		copy(block[:], key)
	}
	var space [512]byte // on the stack; longer bindings and routes allocate
	inner := space[:0]
	for _, b := range block {
		inner = append(inner, b^0x36)
	}
	inner = binary.BigEndian.AppendUint64(inner, uint64(len(binding)))
	inner = append(inner, binding...)
	inner = binary.BigEndian.AppendUint64(inner, uint64(len(route)))
	inner = append(inner, route...)
	inner = append(inner, "v1"...)
	digest := sha256.Sum256(inner)
	var outer [sha256.BlockSize + sha256.Size]byte
	for i, b := range block {
		outer[i] = b ^ 0x5c
	}
	copy(outer[sha256.BlockSize:], digest[:])
	return sha256.Sum256(outer[:])
}

// pads hand out random bytes that were read many at a time: one system call for sixteen tokens. Each byte is used once and
// wiped.
var pads = sync.Pool{New: func() any { return new(padBuffer) }}

type padBuffer struct {
	bytes [512]byte
	left  int
}

func readPad(pad *[32]byte, random io.Reader) {
	if random != nil {
		b := make([]byte, len(pad)) // a copy: the reader's argument escapes
		if _, err := io.ReadFull(random, b); err != nil {
			panic("csrf: the source of randomness failed: " + err.Error() + "; without it tokens can be guessed")
		}
		copy(pad[:], b)
		return
	}
	p := pads.Get().(*padBuffer)
	if p.left < len(pad) {
		_, _ = rand.Read(p.bytes[:]) // never fails: it ends the program instead
		p.left = len(p.bytes)
	}
	from := p.bytes[p.left-len(pad) : p.left]
	copy(pad[:], from)
	clear(from)
	p.left -= len(pad)
	pads.Put(p)
}
