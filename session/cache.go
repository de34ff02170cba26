package session

import (
	"crypto/sha256"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// An opened row is what a request sees of its session. It is shared between requests and never changes, but for used, and for
// its place in the cache, which the cache's lock guards.
type opened struct {
	next, prev *opened

	row     Row               // without Data
	key     [sha256.Size]byte // of the seal
	salt    [saltBytes]byte
	values  []byte
	binding [32]byte
	used    atomic.Int64 // last use in this process, Unix microseconds; 0: not since it was opened
}

// The cache keeps opened rows of this process, bounded in bytes, the least recently used thrown out first.
//
// A row that this process writes is dropped twice: at once, so that the writing request does not meet its own past, and
// after the commit, with a stone in its place. The stone refuses what a reader with an older snapshot would still put
// there; it stays for longer than any request lives. Without it a session that has just been ended could be cached alive.
type cache struct {
	shards [16]shard
	each   int // bytes a shard
}

const (
	stoneLife  = 10 * time.Minute
	stonesEach = 4096          // a shard; more, and the shard caches nothing until their time is over
	entryBytes = 600           // an entry without its values: row, what is left of the seal, and its place in the map
	gone       = math.MaxInt64 // the stone of an ended row: no version is young enough
)

type shard struct {
	mu          sync.Mutex
	entries     map[Digest]*opened
	head        opened // ring: head.next is the most recently used
	bytes       int
	stones, old map[Digest]int64 // key → least version that may be cached
	turned      int64            // when stones became old, Unix microseconds
	closedUntil int64
}

func newCache(bytes int) *cache {
	c := &cache{each: bytes / 16}
	for i := range c.shards {
		s := &c.shards[i]
		s.entries, s.stones = map[Digest]*opened{}, map[Digest]int64{}
		s.head.next, s.head.prev = &s.head, &s.head
	}
	return c
}

func (c *cache) shard(key *Digest) *shard { return &c.shards[key[0]&15] }

func (c *cache) get(key *Digest) *opened {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[*key]
	if e == nil {
		return nil
	}
	if s.head.next != e {
		e.unlink()
		s.link(e)
	}
	return e
}

// put caches an opened row, unless a write to it that this process knows of is younger.
func (c *cache) put(o *opened, now int64) {
	size := entryBytes + len(o.values)
	if size > c.each {
		return
	}
	s := c.shard(&o.row.Key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	if now < s.closedUntil && s.closedUntil-now <= stoneLife.Microseconds() || o.row.Version < s.stones[o.row.Key] || o.row.Version < s.old[o.row.Key] {
		return
	}
	if e := s.entries[o.row.Key]; e != nil {
		if o.row.Version < e.row.Version {
			return
		}
		s.remove(e)
	}
	s.entries[o.row.Key] = o
	s.link(o)
	s.bytes += size
	for s.bytes > c.each {
		s.remove(s.head.prev)
	}
}

// drop forgets a row. With least > 0, after a commit, it lays a stone: nothing below that version is cached any more.
func (c *cache) drop(key Digest, least, now int64) {
	s := c.shard(&key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		s.remove(e)
	}
	if least == 0 {
		return
	}
	s.turn(now)
	if len(s.stones) >= stonesEach {
		s.close(now)
		return
	}
	if least > s.stones[key] {
		s.stones[key] = least
	}
}

// clear forgets all rows, and caches none until no request that began before can still be running.
func (c *cache) clear(now int64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.close(now)
		s.mu.Unlock()
	}
}

func (s *shard) close(now int64) {
	s.closedUntil, s.turned = now+stoneLife.Microseconds(), now
	s.entries, s.stones, s.old = map[Digest]*opened{}, map[Digest]int64{}, nil
	s.head.next, s.head.prev = &s.head, &s.head
	s.bytes = 0
}

// turn lets stones grow old. A clock that was set back only makes them live longer.
func (s *shard) turn(now int64) {
	if now < s.turned {
		s.turned = now
	}
	if now-s.turned >= stoneLife.Microseconds() {
		s.old, s.stones, s.turned = s.stones, map[Digest]int64{}, now
	}
}

func (s *shard) link(e *opened) {
	e.next, e.prev = s.head.next, &s.head
	e.next.prev, s.head.next = e, e
}

func (e *opened) unlink() { e.prev.next, e.next.prev = e.next, e.prev }

func (s *shard) remove(e *opened) {
	e.unlink()
	delete(s.entries, e.row.Key)
	s.bytes -= entryBytes + len(e.values)
}
