package throttle

import (
	"encoding/binary"
	"sync"
)

// full remembers buckets that are known to be full, and until when, so that who goes on trying is refused without a look
// into the database. It is a table of fixed size: a key has eight places where it may stand, and the one that is free
// soonest is thrown out. Keys are HMACs, so nobody can choose where his falls.
type full struct {
	sets []fullSet
}

type fullSet struct {
	mu    sync.Mutex
	drops uint32 // rises with each drop: what was asked before one must not be remembered after it
	keys  [8]Key
	until [8]int64
	since [8]int64
}

func newFull(entries int) *full {
	n := 1
	for n*8 < entries {
		n *= 2
	}
	return &full{make([]fullSet, n)}
}

func (f *full) set(k *Key) *fullSet {
	return &f.sets[binary.LittleEndian.Uint64(k[:])&uint64(len(f.sets)-1)]
}

// until returns until when a bucket is full, 0 if it is not known to be.
func (f *full) until(k *Key, now int64) int64 {
	s := f.set(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.keys {
		if s.until[i] != 0 && s.keys[i] == *k {
			if u := s.until[i]; u > now && now >= s.since[i]-maxDisorder.Microseconds() {
				return u
			}
			s.until[i] = 0 // over, or the clock was set back
		}
	}
	return 0
}

func (f *full) mark(k *Key) uint32 {
	s := f.set(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drops
}

// add remembers a bucket, unless one of its set was freed since the mark.
func (f *full) add(k *Key, until, now int64, mark uint32) {
	s := f.set(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drops != mark || until <= now {
		return
	}
	at := 0
	for i := range s.keys {
		if s.until[i] != 0 && s.keys[i] == *k {
			at = i
			break
		}
		if s.until[i] < s.until[at] {
			at = i
		}
	}
	s.keys[at], s.until[at], s.since[at] = *k, until, now
}

func (f *full) drop(k *Key) {
	s := f.set(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drops++
	for i := range s.keys {
		if s.keys[i] == *k {
			s.until[i] = 0
		}
	}
}
