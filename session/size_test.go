package session_test

import (
	"runtime"
	"testing"

	"github.com/merlon-web/merlon/session"
)

// The cache keeps to its bound in real memory, whatever the sessions hold.
func TestCacheIsBounded(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const bound = 512 << 10
	for name, size := range map[string]int{"small": 10, "large": 20_000} {
		h := newHouse(t, func(c *session.Config) { c.CacheBytes = bound; c.PerUser = 1000 })
		var all []*browser
		for i := range 1500 * 10 / max(10, size/50) {
			b := h.browser()
			if err := b.post(func(w *session.Writer) error {
				keyBytes.Set(w, make([]byte, size))
				return w.Rotate(session.Level{User: int64(i%50 + 1), Factors: 1})
			}); err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
		h.m.DropCache()
		h.events.all = nil
		before := heap()
		for _, b := range all {
			b.load()
		}
		grown := heap() - before
		t.Logf("%s: %d sessions, %d bytes for a bound of %d", name, len(all), grown, bound)
		if grown > bound*5/4 {
			t.Errorf("%s: the cache holds %d bytes, its bound is %d", name, grown, bound)
		}
		h.store.lookups()
		all[len(all)-1].load()
		if h.store.lookups() != 0 {
			t.Errorf("%s: the last one used is not cached", name)
		}
		runtime.KeepAlive(h)
	}
}
