// Package keyring keeps the site's secret keys: several, each with an id and a time; the newest seals, all open, and each
// purpose has keys of its own.
//
// The keys lie in one file that only the site's own user may read ([Open], [Create]; the format is described at [Parse]).
// The package does not protect from someone who reads that file or the memory of the process. Lose the file and what was
// sealed stays sealed: passwords peppered with its keys verify no more. So it belongs into the encrypted backup.
package keyring

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon/secret"
)

// constant is the type of purpose labels. Only an untyped constant of the program fits: a label is never data.
type constant string

// size is the length of a key, in bytes.
const size = 32

// A Ring is a set of keys, safe for concurrent use. The zero Ring has no key: it seals nothing and opens nothing.
type Ring struct {
	path string // "" for a ring in memory
	seed string // of a ring in memory

	rotate sync.Mutex
	state  atomic.Pointer[state]
}

// state is one generation of keys; [Ring.Rotate] puts a new one in place.
type state struct {
	keys     []key // ascending ids, never empty
	purposes sync.Map
}

type key struct {
	id      uint32
	created time.Time
	bytes   [size]byte
}

// A KeyInfo tells of one key what may be told.
type KeyInfo struct {
	ID      uint32
	Created time.Time
}

// ErrNoKeys is returned by a zero [Ring].
var ErrNoKeys = errors.New("keyring: the ring has no keys: it was not made by Open, Create or Memory; open the site's key file")

// Memory returns a ring that lies in no file, for tests and scratch sites. The same seed gives the same keys; the empty
// seed gives random ones. A production site that has one loses every sealed value at its next start: [Ring.Checks] says so.
func Memory(seed string) *Ring {
	r := &Ring{seed: seed}
	r.state.Store(&state{keys: []key{r.newKey(1, time.Time{})}})
	return r
}

func (r *Ring) newKey(id uint32, created time.Time) key {
	k := key{id: id, created: created.UTC().Truncate(time.Second)}
	if r.path == "" && r.seed != "" {
		k.bytes = sha256.Sum256(fmt.Appendf(nil, "merlon/keyring/v1/memory\x00%d\x00%s", id, r.seed))
		return k
	}
	_, _ = rand.Read(k.bytes[:]) // never fails (crypto/rand, Go 1.24)
	return k
}

// Path returns the file of the ring, "" for a ring in memory.
func (r *Ring) Path() string { return r.path }

// Keys lists the keys, oldest first, without their bytes.
func (r *Ring) Keys() []KeyInfo {
	s := r.state.Load()
	if s == nil {
		return nil
	}
	list := make([]KeyInfo, len(s.keys))
	for i, k := range s.keys {
		list[i] = KeyInfo{k.id, k.created}
	}
	return list
}

// Newest returns the id of the key that seals, 0 for a ring without keys.
func (r *Ring) Newest() uint32 {
	s := r.state.Load()
	if s == nil {
		return 0
	}
	return s.newest().id
}

// Age returns how old the newest key is. A ring in memory has no age.
func (r *Ring) Age(now time.Time) time.Duration {
	s := r.state.Load()
	if s == nil || s.newest().created.IsZero() {
		return 0
	}
	return now.Sub(s.newest().created)
}

// Rotate adds a key made at now, which seals from then on; the old ones go on opening. The file is replaced in one step
// and synced before the new key is used. It refuses when the file is no longer the one that was opened, or when another
// rotation is under way: a key must never be lost.
func (r *Ring) Rotate(now time.Time) (KeyInfo, error) {
	r.rotate.Lock()
	defer r.rotate.Unlock()
	old := r.state.Load()
	if old == nil {
		return KeyInfo{}, ErrNoKeys
	}
	if len(old.keys) >= maxKeys {
		return KeyInfo{}, fmt.Errorf("keyring: the ring has %d keys: more do not fit its file; start a new ring for a new site", maxKeys)
	}
	added := r.newKey(old.newest().id+1, now)
	keys := append(append(make([]key, 0, len(old.keys)+1), old.keys...), added)
	if r.path != "" {
		if err := replaceFile(r.path, encode(old.keys), encode(keys)); err != nil {
			return KeyInfo{}, err
		}
	}
	r.state.Store(&state{keys: keys})
	return KeyInfo{added.id, added.created}, nil
}

// Same reports whether two rings hold the same keys, for a restore and a drill.
func (r *Ring) Same(other *Ring) bool {
	a, b := r.state.Load(), other.state.Load()
	if a == nil || b == nil {
		return false
	}
	return bytes.Equal(encode(a.keys), encode(b.keys))
}

// String tells how many keys there are, and never a key.
func (r *Ring) String() string {
	return fmt.Sprintf("keyring: %d keys, the newest %d", len(r.Keys()), r.Newest())
}

// Format implements [fmt.Formatter]: every verb prints what [Ring.String] returns.
func (r *Ring) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(r.String())) }

// MarshalText implements [encoding.TextMarshaler] with what [Ring.String] returns: slog and JSON print it.
func (r *Ring) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (s *state) newest() *key { return &s.keys[len(s.keys)-1] }

// Seal encrypts and authenticates plain under the newest key of the purpose; see [Subkeys.Seal].
func (r *Ring) Seal(purpose constant, plain, aad []byte) ([]byte, error) {
	return r.For(purpose).Seal(nil, plain, aad)
}

// Open returns what [Ring.Seal] was given; see [Subkeys.Open].
func (r *Ring) Open(purpose constant, sealed, aad []byte) ([]byte, error) {
	return r.For(purpose).Open(nil, sealed, aad)
}

// MAC authenticates message under the newest key of the purpose; see [Subkeys.MAC].
func (r *Ring) MAC(purpose constant, message []byte) ([]byte, error) {
	return r.For(purpose).MAC(nil, message)
}

// Verify reports whether mac was made by [Ring.MAC] for this purpose and message.
func (r *Ring) Verify(purpose constant, message, mac []byte) bool {
	return r.For(purpose).Verify(message, mac)
}

// Key returns the purpose's own key under the newest key of the ring: 32 bytes for what needs a bare key. What is kept for
// long should use [Subkeys.Key] with an id instead, so that it survives a rotation. The empty secret: the ring has no keys.
func (r *Ring) Key(purpose constant) secret.Bytes {
	k, _ := r.For(purpose).Key(r.Newest())
	return k
}
