package keyring

import (
	"crypto/sha256"
	"fmt"
)

// Encode returns the file of a ring.
func Encode(r *Ring) []byte { return encode(r.state.Load().keys) }

// WithCheck adds a right check line.
func WithCheck(text []byte) []byte {
	if len(text) == 0 || text[len(text)-1] != '\n' {
		text = append(text[:len(text):len(text)], '\n')
	}
	return fmt.Appendf(text[:len(text):len(text)], "check %x\n", sha256.Sum256(text))
}
