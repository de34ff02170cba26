package session

import "testing"

// Renamed is a key of the same name with another type: what a changed program has.
func Renamed[New, Old any](k Key[Old]) Key[New] { return Key[New](k) }

// Unseal opens the list of keys again at the end of a test.
func Unseal(t *testing.T) { t.Cleanup(UnsealNow) }

func UnsealNow() {
	declared.Lock()
	defer declared.Unlock()
	declared.sealed = false
}

// SealedVersion is the first byte of every sealed row.
const SealedVersion = sealedVersion

var (
	ParseToken  = parseToken
	CheckValues = checkValues
	Lookup      = lookup
	With        = with
	ParseSealed = func(b []byte) (salt, nonce, box []byte, err error) {
		p, err := parseSealed(b)
		return p.salt, p.nonce, p.box, err
	}
	Mac = mac

	Associated = associated
	Decode     = decode
	Encode     = encode
)

func (m *Manager) ParsePre(value string) ([32]byte, bool) { return m.parsePre(value) }

// DropCache empties the cache.
func (m *Manager) DropCache() { m.cache = newCache(m.cache.each * 16) }
