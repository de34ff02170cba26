package backup

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"strings"

	"filippo.io/age"
)

// A Recovery is the owner's recovery key: an age identity that opens every point, and the root key that is derived from it,
// which signs what begins or moves a chain. It is made once, printed, and never kept on the server.
//
// It prints as "[recovery key]" under every verb; [Recovery.Reveal] is the one way to its text.
type Recovery struct {
	id   *age.HybridIdentity
	root ed25519.PrivateKey
}

// How the key's text looks: the prefix that age gives it and as many characters of bech32 behind it.
const (
	recoveryPrefix = "AGE-SECRET-KEY-PQ-1"
	recoveryLength = 77
	bech32Letters  = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
)

// NewRecovery makes a key. It is hybrid (X-Wing: ML-KEM-768 and X25519), so that points recorded today stay closed to a
// quantum computer.
func NewRecovery() (*Recovery, error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, fmt.Errorf("backup: a recovery key could not be made: %w", err)
	}
	return recoveryOf(id)
}

// ParseRecovery reads the key out of a text: typed in groups with spaces, in small letters, scanned from the kit's code, or
// the whole kit. The error never repeats the text.
func ParseRecovery(text string) (*Recovery, error) {
	upper := strings.Join(strings.Fields(strings.ToUpper(text)), "") // groups cut the beginning too
	at := strings.Index(upper, recoveryPrefix)
	if at < 0 {
		return nil, fmt.Errorf("backup: this is no recovery key: one begins with %s and has %d characters: type it as the kit shows it", recoveryPrefix, recoveryLength)
	}
	key := []byte(recoveryPrefix)
	for _, c := range []byte(upper[at+len(recoveryPrefix):]) {
		if len(key) == recoveryLength {
			break
		}
		if strings.IndexByte(bech32Letters, c) < 0 {
			return nil, fmt.Errorf("backup: the recovery key has a character that none has, at place %d: b, i, o and 1 do not occur behind its beginning: compare it with the kit", len(key)+1)
		}
		key = append(key, c)
	}
	if len(key) < recoveryLength {
		return nil, fmt.Errorf("backup: the recovery key has %d characters: it has %d when it is whole: compare it with the kit", len(key), recoveryLength)
	}
	id, err := age.ParseHybridIdentity(string(key))
	if err != nil { // age's words may repeat the key
		return nil, fmt.Errorf("backup: the recovery key has a mistake: its check characters do not fit: compare it with the kit, group by group")
	}
	return recoveryOf(id)
}

func recoveryOf(id *age.HybridIdentity) (*Recovery, error) {
	seed, err := hkdf.Key(sha256.New, []byte(id.String()), nil, "merlon/backup/root/v1", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("backup: the root key could not be derived: %w", err)
	}
	return &Recovery{id: id, root: ed25519.NewKeyFromSeed(seed)}, nil
}

// Identity opens points: see [Store.Fetch].
func (r *Recovery) Identity() age.Identity { return r.id }

// Recipient returns the public half, "age1pq1…", to which points are sealed.
func (r *Recovery) Recipient() string { return r.id.Recipient().String() }

// Root returns the public half of the root key, which the genesis record of a chain names.
func (r *Recovery) Root() PublicKey { return publicKey(r.root.Public().(ed25519.PublicKey)) }

// Reveal returns the key's text: for the kit and for nothing else.
func (r *Recovery) Reveal() string { return r.id.String() }

// Format implements [fmt.Formatter]: it prints no part of the key.
func (r *Recovery) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[recovery key]") }

// groups writes a text in groups of n, as people copy it.
func groups(text string, n int) string {
	var b strings.Builder
	for i, c := range []byte(text) {
		if i > 0 && i%n == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(c)
	}
	return b.String()
}
