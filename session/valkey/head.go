package valkey

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/session"
)

// The head of a row is all but its values. It rests as
//
//	MAC (36 bytes, keyring) | SHA-256 of the values (32) | form (1) | numbers (varints) | texts, each behind its length (varint)
//
// and the MAC is over the generation, the digest and what stands behind it: a row that is copied to another place or generation, or
// whose values are others, is not what the site has signed. Lists read the head alone.
const (
	headForm   = 1
	headBefore = keyring.MACSize + sha256.Size
)

func appendHead(b []byte, r *session.Row) []byte {
	b = append(b, headForm)
	remember := int64(0)
	if r.Remember {
		remember = 1
	}
	for _, n := range [...]int64{r.ID, r.User, int64(r.Class), int64(r.Factors), remember, r.Recent, r.Created, r.Seen, r.Idle, r.Absolute, r.Ended, r.Version} {
		b = binary.AppendVarint(b, n)
	}
	for _, t := range [...]string{r.How, r.Reason, r.Device, r.Network} {
		b = append(binary.AppendUvarint(b, uint64(len(t))), t...)
	}
	return b
}

// parseHead reads what appendHead wrote, and is false for anything else.
func parseHead(b []byte, r *session.Row) bool {
	if len(b) == 0 || b[0] != headForm {
		return false
	}
	b = b[1:]
	var class, factors, remember int64
	for _, n := range [...]*int64{&r.ID, &r.User, &class, &factors, &remember, &r.Recent, &r.Created, &r.Seen, &r.Idle, &r.Absolute, &r.Ended, &r.Version} {
		v, size := binary.Varint(b)
		if size <= 0 {
			return false
		}
		*n, b = v, b[size:]
	}
	r.Class, r.Factors, r.Remember = session.Class(class), int(factors), remember != 0
	for _, t := range [...]*string{&r.How, &r.Reason, &r.Device, &r.Network} {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return false
		}
		*t, b = string(b[size:size+int(n)]), b[size+int(n):]
	}
	return len(b) == 0
}

// signed returns what the MAC of a row is over; rest is the head behind its MAC.
func (s *Store) signed(key *session.Digest, rest string) []byte {
	b := make([]byte, 0, 4+len(s.generation)+len(key)+len(rest))
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.generation)))
	b = append(append(b, s.generation...), key[:]...)
	return append(b, rest...)
}

// textOf returns the head of a row, signed by the newest key.
func (s *Store) textOf(r *session.Row) (string, error) {
	sum := sha256.Sum256(r.Data)
	rest := string(appendHead(sum[:], r))
	mac, err := s.keys.MAC(nil, s.signed(&r.Key, rest))
	return string(mac) + rest, err
}

// rowOf reads a head, and of what values it is. It is false for one that the site has not signed for this place.
func (s *Store) rowOf(key session.Digest, text string) (r session.Row, data [sha256.Size]byte, ok bool) {
	if len(text) < headBefore {
		return r, data, false
	}
	message := s.signed(&key, text[keyring.MACSize:])
	r.Key = key
	if !s.keys.Verify(message, []byte(text[:keyring.MACSize])) || !parseHead(message[len(message)-len(text)+headBefore:], &r) {
		return session.Row{}, data, false
	}
	copy(data[:], text[keyring.MACSize:])
	return r, data, true
}
