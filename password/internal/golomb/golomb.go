// Package golomb holds a large set of strings in few bytes: sorted short hashes, their differences in Golomb-Rice code.
//
// It never misses a string of the set; of other strings it takes about one in 512 for one of the set.
package golomb

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// Rice is the parameter of the code: 2^Rice is how many strings there are for one false alarm.
const Rice = 9

const (
	magic = "golomb1\n"
	block = 512 // values between two entries of the index
	head  = len(magic) + 4
	entry = 8
)

// A Set is the text that [Encode] returns: magic, number of values (4 bytes), an index of (value, bit offset) for each
// block, then the code, most significant bit first. Anything else is an empty set.
type Set string

// Encode returns the set of the strings.
func Encode(members []string) (Set, error) {
	if len(members) == 0 || len(members) > 1<<(31-Rice) {
		return "", fmt.Errorf("golomb: %d strings: 1 to %d fit", len(members), 1<<(31-Rice))
	}
	n := uint32(len(members))
	values := make([]uint32, n)
	for i, s := range members {
		values[i] = value(s, n)
	}
	slices.Sort(values)
	var code writer
	index := binary.BigEndian.AppendUint32([]byte(magic), n)
	last := uint32(0)
	for i, v := range values {
		if i%block == 0 {
			index = binary.BigEndian.AppendUint32(index, last)
			index = binary.BigEndian.AppendUint32(index, uint32(code.n))
		}
		code.rice(v - last)
		last = v
	}
	return Set(append(index, code.bytes...)), nil
}

// value maps a string evenly to 0 … n·2^Rice-1.
func value(s string, n uint32) uint32 {
	sum := sha256.Sum256([]byte(s))
	high, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:]), uint64(n)<<Rice)
	return uint32(high)
}

// Len returns how many strings the set was made of.
func (s Set) Len() int {
	if len(s) < head || string(s[:len(magic)]) != magic {
		return 0
	}
	return int(s.at(len(magic)))
}

func (s Set) at(i int) uint32 {
	return uint32(s[i])<<24 | uint32(s[i+1])<<16 | uint32(s[i+2])<<8 | uint32(s[i+3])
}

// Has reports whether the set has the string.
func (s Set) Has(member string) bool {
	n := s.Len()
	if n == 0 || n > 1<<(31-Rice) {
		return false
	}
	blocks := (n + block - 1) / block
	code := head + blocks*entry
	if len(s) < code {
		return false
	}
	want := value(member, uint32(n))
	// The last block whose values begin below the wanted one; equal values may lie across a border, so strictly below.
	low, high := 0, blocks
	for low+1 < high {
		if mid := (low + high) / 2; s.at(head+mid*entry) < want {
			low = mid
		} else {
			high = mid
		}
	}
	v := s.at(head + low*entry)
	r := reader{string(s[code:]), int(s.at(head + low*entry + 4))}
	for range min(2*block, n-low*block) {
		difference, ok := r.rice()
		if v += difference; !ok || v > want {
			return false
		}
		if v == want {
			return true
		}
	}
	return false
}

type writer struct {
	bytes []byte
	n     int // bits
}

func (w *writer) bit(b uint32) {
	if w.n%8 == 0 {
		w.bytes = append(w.bytes, 0)
	}
	w.bytes[w.n/8] |= byte(b << (7 - w.n%8))
	w.n++
}

// rice writes v / 2^Rice in ones, a zero, and the rest in Rice bits.
func (w *writer) rice(v uint32) {
	for range v >> Rice {
		w.bit(1)
	}
	w.bit(0)
	for i := Rice - 1; i >= 0; i-- {
		w.bit(v >> i & 1)
	}
}

type reader struct {
	code string
	n    int // bits read
}

func (r *reader) bit() (uint32, bool) {
	i := r.n / 8
	if i < 0 || i >= len(r.code) {
		return 0, false
	}
	b := uint32(r.code[i]) >> (7 - r.n%8) & 1
	r.n++
	return b, true
}

func (r *reader) rice() (uint32, bool) {
	v := uint32(0)
	for {
		b, ok := r.bit()
		if !ok {
			return 0, false
		}
		if b == 0 {
			break
		}
		v += 1 << Rice
	}
	for i := Rice - 1; i >= 0; i-- {
		b, ok := r.bit()
		if !ok {
			return 0, false
		}
		v |= b << i
	}
	return v, true
}
