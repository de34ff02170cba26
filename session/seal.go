package session

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

const labelData = "merlon/session/v1"

var errSeal = errors.New("session: the seal of the row is broken: its values, user, level or version were changed by something that does not hold the cookie; the session counts as none")

// dataKey is HMAC-SHA-256(token, "merlon/session/v1" ‖ salt). It is kept nowhere: without the cookie there is no key.
func dataKey(token *[tokenBytes]byte, salt []byte) [sha256.Size]byte {
	var in [len(labelData) + saltBytes]byte
	copy(in[copy(in[:], labelData):], salt)
	return mac(token, in[:])
}

// newAEAD is ChaCha20-Poly1305 (RFC 8439), which is nothing but its key until it is used. Each session has a key of its own, so
// one request in some makes a cipher for a single row, and AES-GCM would first make a schedule and a table of 1.2 KB.
func newAEAD(key *[sha256.Size]byte) cipher.AEAD {
	aead, err := chacha20poly1305.New(key[:])
	if err != nil {
		panic("session: ChaCha20-Poly1305 is not to be had: " + err.Error()) // not reachable: the key's length is a constant
	}
	return aead
}

// mac is HMAC-SHA-256 (RFC 2104) for a key of 32 bytes and a message of at most 64, on the stack: crypto/hmac allocates ten
// times for what every request does. A test compares the two.
func mac(key *[sha256.Size]byte, message []byte) [sha256.Size]byte {
	if len(message) > sha256.BlockSize {
		panic("session: mac of a message that is longer than any here")
	}
	var inner [2 * sha256.BlockSize]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		inner[i], outer[i] = 0x36, 0x5c
	}
	for i, c := range key {
		inner[i] ^= c
		outer[i] ^= c
	}
	n := copy(inner[sha256.BlockSize:], message)
	sum := sha256.Sum256(inner[:sha256.BlockSize+n])
	copy(outer[sha256.BlockSize:], sum[:])
	return sha256.Sum256(outer[:])
}

// associated is what the seal binds beside the values, each part with its length before it: the store key, the user and the
// version, so that a blob cannot be moved to another row or user, nor an old one put back; and what the session may, so
// that a row cannot be raised to two factors, to a fresh step-up or to a later end by who can write to the database.
func associated(dst []byte, r *Row) []byte {
	num := func(dst []byte, n int64) []byte {
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(dst, 8), uint64(n))
	}
	dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(r.Key))), r.Key[:]...)
	dst = num(dst, r.User)
	dst = num(dst, r.Version)
	dst = num(dst, int64(r.Class))
	dst = num(dst, int64(r.Factors))
	dst = num(dst, r.Recent)
	dst = num(dst, r.Created)
	return num(dst, r.Absolute)
}

const associatedBytes = 4 + sha256.Size + 7*(4+8)

// seal sets r.Data from the values.
func (m *Manager) seal(r *Row, key *[sha256.Size]byte, salt, values []byte) {
	var ad [associatedBytes]byte
	out := make([]byte, sealedHead, sealedHead+len(values)+tagBytes)
	out[0] = sealedVersion
	copy(out[1:], salt)
	nonce := out[1+saltBytes : sealedHead]
	m.fill(nonce)
	r.Data = newAEAD(key).Seal(out, nonce, values, associated(ad[:0], r))
}

// open returns the values of a row and proves its seal and their layout. The values take the place of the box in r.Data.
func open(r *Row, key *[sha256.Size]byte) ([]byte, error) {
	p, err := parseSealed(r.Data)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errSeal, err)
	}
	var ad [associatedBytes]byte
	values, err := newAEAD(key).Open(p.box[:0], p.nonce, p.box, associated(ad[:0], r))
	if err != nil {
		return nil, errSeal
	}
	return values, checkValues(values)
}
