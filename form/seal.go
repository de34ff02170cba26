package form

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// A Sealer makes and opens the values of sealed fields: hidden values that the server gives out and gets back, and that a
// visitor can neither change nor read. It must be safe for concurrent use.
//
// A sealed value can be sent again, and as long as its sealer lives: it is no one-time ticket.
type Sealer interface {
	// Seal appends the sealed form of value, in characters of base64url. The label names form and field.
	Seal(dst []byte, label string, value []byte) []byte
	// Open returns the value, and true only if it was sealed by this sealer under this label.
	Open(label, sealed string) ([]byte, bool)
}

// NewSealer returns a [Sealer] by AES-256-GCM with random nonces, under a key derived from key for this binding: the session
// or the user that the value was given to, so that one visitor's value is worth nothing to another. It panics when the key is
// shorter than 32 bytes.
func NewSealer(key, binding []byte) Sealer {
	if len(key) < 32 {
		panic(fmt.Sprintf("form: a key of %d bytes: what it seals can be opened by guessing; give 32 random bytes", len(key)))
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("merlon/form/seal/v1"))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(binding))))
	mac.Write(binding)
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		panic("form: " + err.Error()) // a key of 32 bytes is always one
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("form: " + err.Error())
	}
	return sealer{gcm}
}

type sealer struct{ gcm cipher.AEAD }

var sealEncoding = base64.RawURLEncoding.Strict()

func (s sealer) Seal(dst []byte, label string, value []byte) []byte {
	return sealEncoding.AppendEncode(dst, s.gcm.Seal(nil, nil, value, []byte(label)))
}

func (s sealer) Open(label, sealed string) ([]byte, bool) {
	raw, err := sealEncoding.DecodeString(sealed)
	// DecodeString skips line breaks: one value, one spelling.
	if err != nil || sealEncoding.EncodedLen(len(raw)) != len(sealed) {
		return nil, false
	}
	value, err := s.gcm.Open(nil, nil, raw, []byte(label))
	return value, err == nil
}
