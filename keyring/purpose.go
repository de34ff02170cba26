package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/merlon-web/merlon/secret"
)

// Overhead is how much longer a sealed value is than its plain text, in bytes: key id 4, nonce 12, tag 16.
const Overhead = idSize + nonceSize + tagSize

// MACSize is the length of what [Subkeys.MAC] appends, in bytes: key id 4, HMAC-SHA-256 32.
const MACSize = idSize + sha256.Size

const (
	idSize    = 4
	nonceSize = 12
	tagSize   = 16
)

var (
	// ErrOpen says that a value was not sealed by this ring for this purpose and this associated data, or was altered.
	ErrOpen = errors.New("keyring: the sealed value does not open: it was altered, cut, or sealed for another purpose; treat it as absent")
	// ErrUnknownKey says that the ring lacks the key that a value names: after a restore with another key file.
	ErrUnknownKey = errors.New("keyring: the value names a key that the ring lacks: it was sealed under another key file; restore the key file that belongs to the data")
)

// Subkeys are a ring's keys for one purpose: derived by HKDF-SHA-256 (RFC 5869), so that a value sealed for one purpose
// never opens for another. Safe for concurrent use; they follow the ring's rotation.
type Subkeys struct {
	ring  *Ring
	label string
	cache atomic.Pointer[derived]
}

// derived holds the subkeys of one label under one generation of the ring.
type derived struct {
	of   *state
	keys []subkey // as in the state: ascending ids
}

type subkey struct {
	id   uint32
	raw  secret.Bytes
	mac  []byte
	aead cipher.AEAD
}

// For returns the ring's keys for a purpose, such as "merlon/csrf/v1". It is cheap; a hot path keeps the result.
// An empty purpose panics: it is a mistake of the program.
func (r *Ring) For(purpose constant) *Subkeys {
	if purpose == "" {
		panic("keyring: a purpose is empty: keys of different purposes would be one; name it, as in \"merlon/csrf/v1\"")
	}
	return &Subkeys{ring: r, label: string(purpose)}
}

func (p *Subkeys) derived() *derived {
	s := p.ring.state.Load()
	if s == nil {
		return nil
	}
	if d := p.cache.Load(); d != nil && d.of == s {
		return d
	}
	if d, ok := s.purposes.Load(p.label); ok {
		p.cache.Store(d.(*derived))
		return d.(*derived)
	}
	d := &derived{of: s, keys: make([]subkey, len(s.keys))}
	for i := range s.keys {
		d.keys[i] = derive(&s.keys[i], p.label)
	}
	s.purposes.Store(p.label, d)
	p.cache.Store(d)
	return d
}

// derive separates the three uses of a purpose as well: the key that is handed out never is the one that seals.
func derive(k *key, label string) subkey {
	of := func(use string) []byte {
		out, err := hkdf.Key(sha256.New, k.bytes[:], nil, "merlon/keyring/v1\x00"+use+"\x00"+label, size)
		if err != nil {
			panic("keyring: HKDF-SHA-256 of 32 bytes failed: " + err.Error()) // not reachable: length and hash are constants
		}
		return out
	}
	block, err := aes.NewCipher(of("seal"))
	if err == nil {
		var aead cipher.AEAD
		if aead, err = cipher.NewGCMWithRandomNonce(block); err == nil {
			return subkey{id: k.id, raw: secret.NewBytes(of("key")), mac: of("mac"), aead: aead}
		}
	}
	panic("keyring: AES-256-GCM is not to be had: " + err.Error()) // not reachable
}

func (d *derived) find(id uint32) *subkey {
	for i := len(d.keys) - 1; i >= 0; i-- {
		if d.keys[i].id == id {
			return &d.keys[i]
		}
	}
	return nil
}

// Seal appends key id ‖ nonce ‖ box to dst: AES-256-GCM with a random nonce under the newest key. aad is bound to the box
// and not kept: give it what the value belongs to (row, user, column), so that a box cannot be moved. One key seals at
// most 2^32 values (NIST SP 800-38D, 8.3); rotate long before. It fails only for a ring without keys.
func (p *Subkeys) Seal(dst, plain, aad []byte) ([]byte, error) {
	d := p.derived()
	if d == nil {
		return nil, ErrNoKeys
	}
	k := &d.keys[len(d.keys)-1]
	dst = binary.BigEndian.AppendUint32(dst, k.id)
	return k.aead.Seal(dst, nil, plain, aad), nil
}

// Open appends the plain text of a sealed value to dst, under whichever key of the ring sealed it. The error is
// [ErrOpen], [ErrUnknownKey] or [ErrNoKeys]; dst is untouched then.
func (p *Subkeys) Open(dst, sealed, aad []byte) ([]byte, error) {
	d := p.derived()
	if d == nil {
		return nil, ErrNoKeys
	}
	if len(sealed) < Overhead {
		return nil, ErrOpen
	}
	k := d.find(binary.BigEndian.Uint32(sealed))
	if k == nil {
		return nil, ErrUnknownKey
	}
	out, err := k.aead.Open(dst, nil, sealed[idSize:], aad)
	if err != nil {
		return nil, ErrOpen
	}
	return out, nil
}

// MAC appends key id ‖ HMAC-SHA-256 of message to dst, under the newest key. It fails only for a ring without keys.
func (p *Subkeys) MAC(dst, message []byte) ([]byte, error) {
	d := p.derived()
	if d == nil {
		return nil, ErrNoKeys
	}
	k := &d.keys[len(d.keys)-1]
	dst = binary.BigEndian.AppendUint32(dst, k.id)
	h := hmac.New(sha256.New, k.mac)
	h.Write(message)
	return h.Sum(dst), nil
}

// Verify reports whether mac was made by [Subkeys.MAC] of message, under any key of the ring. It compares in constant time.
func (p *Subkeys) Verify(message, mac []byte) bool {
	d := p.derived()
	if d == nil || len(mac) != MACSize {
		return false
	}
	k := d.find(binary.BigEndian.Uint32(mac))
	if k == nil {
		return false
	}
	h := hmac.New(sha256.New, k.mac)
	h.Write(message)
	var sum [sha256.Size]byte
	return hmac.Equal(h.Sum(sum[:0]), mac[idSize:])
}

// Newest returns the id of the key that seals, 0 for a ring without keys.
func (p *Subkeys) Newest() uint32 { return p.ring.Newest() }

// Key returns the purpose's own 32 bytes under the key id of the ring, for what needs a bare key (a pepper, a seed); keep
// the id beside the value. It is false when the ring lacks the id.
func (p *Subkeys) Key(id uint32) (secret.Bytes, bool) {
	d := p.derived()
	if d == nil {
		return secret.Bytes{}, false
	}
	k := d.find(id)
	if k == nil {
		return secret.Bytes{}, false
	}
	return k.raw, true
}

// String names the purpose, never a key.
func (p *Subkeys) String() string { return fmt.Sprintf("keyring: keys for %q", p.label) }
