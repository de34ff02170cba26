package enginetest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
)

// order has one goroutine that counts up and others that read. Who begins to read after a write was acknowledged sees it;
// and who begins after another has read sees no less than the other, whether or not that write was acknowledged yet.
func order(t *testing.T, s *suite) {
	e := s.open(t)
	write(t, e, func(w *db.Writer) { must(insertItem.Run(w, "a", 0)) })
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var least atomic.Int64 // what was acknowledged or read
	raise := func(to int64) {
		for {
			was := least.Load()
			if was >= to || least.CompareAndSwap(was, to) {
				return
			}
		}
	}
	read := func() bool {
		r := e.Read(t.Context())
		defer r.Close()
		want := least.Load()
		got, err := sumRank.One(r)
		if err != nil || got < want {
			t.Errorf("a reader sees %d, error %v; %d was acknowledged or read before it began", got, err, want)
			return false
		}
		raise(got)
		return true
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for ctx.Err() == nil && read() {
			}
		})
	}
	for n := int64(1); ctx.Err() == nil; n++ {
		write(t, e, func(w *db.Writer) { must(addRank.Run(w, 1, "a")) })
		raise(n)
		if !read() {
			break
		}
	}
	cancel()
	wg.Wait()
}
