package session

import (
	"encoding/binary"
	"errors"
	"math"
)

// The values of a session, before they are sealed, are one flat run of bytes that is searched in place, so that opening a
// row allocates nothing per value:
//
//	repeated: name length (1 byte, 1–64) | value length (4 bytes, big-endian) | name | value
//
// Names rise strictly, so there is one spelling for a set of values and no name stands twice.
const valueHead = 1 + 4

const maxName = 64

var errLayout = errors.New("session: the values are not in the layout of this version")

// checkValues proves the layout once; lookup and without then walk it without looking back.
func checkValues(b []byte) error {
	last := ""
	for len(b) > 0 {
		if len(b) < valueHead {
			return errLayout
		}
		n, v := int(b[0]), binary.BigEndian.Uint32(b[1:])
		if n == 0 || n > maxName || uint64(len(b)) < valueHead+uint64(n)+uint64(v) {
			return errLayout
		}
		name := b[valueHead : valueHead+n]
		if string(name) <= last {
			return errLayout
		}
		for _, c := range name {
			if !nameByte(c) {
				return errLayout
			}
		}
		last = string(name)
		b = b[valueHead+n+int(v):]
	}
	return nil
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// current returns the values without those whose time is over, b itself if there are none.
func current(b []byte, now int64) []byte {
	rest := b
	for len(rest) >= valueHead {
		n, v := int(rest[0]), int(binary.BigEndian.Uint32(rest[1:]))
		name, value := string(rest[valueHead:valueHead+n]), rest[valueHead+n:valueHead+n+v]
		if _, ok := inTime(value, now); !ok {
			return current(with(b, name, nil), now)
		}
		rest = rest[valueHead+n+v:]
	}
	return b
}

// lookup returns the value of a name, a part of b.
func lookup(b []byte, name string) ([]byte, bool) {
	for len(b) >= valueHead {
		n, v := int(b[0]), int(binary.BigEndian.Uint32(b[1:]))
		end := valueHead + n + v
		if string(b[valueHead:valueHead+n]) == name {
			return b[valueHead+n : end : end], true
		}
		b = b[end:]
	}
	return nil, false
}

// with returns a copy of the values in which name has the value; nil takes the name out. b itself, which other requests
// read, is never changed.
func with(b []byte, name string, value []byte) []byte {
	out := make([]byte, 0, len(b)+valueHead+len(name)+len(value))
	placed := value == nil
	for len(b) > 0 {
		n, v := int(b[0]), int(binary.BigEndian.Uint32(b[1:]))
		end := valueHead + n + v
		there := b[valueHead : valueHead+n]
		if !placed && string(there) >= name {
			out, placed = appendValue(out, name, value), true
		}
		if string(there) != name {
			out = append(out, b[:end]...)
		}
		b = b[end:]
	}
	if !placed {
		out = appendValue(out, name, value)
	}
	return out
}

func appendValue(dst []byte, name string, value []byte) []byte {
	dst = append(dst, byte(len(name)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(value)))
	dst = append(dst, name...)
	return append(dst, value...)
}

// The sealed values, as a row holds them:
//
//	layout (1 byte, 2) | salt (16) | nonce (12) | ChaCha20-Poly1305 ciphertext and tag
//
// Layout 1 had AES-256-GCM and was in no release; its rows are no sessions.
const (
	sealedVersion = 2
	saltBytes     = 16
	nonceBytes    = 12
	tagBytes      = 16
	sealedHead    = 1 + saltBytes + nonceBytes
)

type sealedParts struct{ salt, nonce, box []byte }

func parseSealed(b []byte) (sealedParts, error) {
	if len(b) < sealedHead+tagBytes || b[0] != sealedVersion || len(b) > math.MaxInt32 {
		return sealedParts{}, errLayout
	}
	return sealedParts{b[1 : 1+saltBytes], b[1+saltBytes : sealedHead], b[sealedHead:]}, nil
}
