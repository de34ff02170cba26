package db

import (
	"context"
	"sync/atomic"
	"time"
)

// An Outage notes since when a server has been away, so that whoever needs it waits for its restart, and nobody for one that does not come
// back: requests would gather. It is for engines and stores. The zero value is ready, and it is safe for concurrent use.
type Outage struct{ since atomic.Int64 }

// How long a server is waited for, and between two tries.
const (
	outageWait  = 2 * time.Second
	outagePause = 20 * time.Millisecond
)

var outageStart = time.Now() // whose monotonic clock is used

// Wait is called after a try that found the server away, with nothing begun. It pauses and reports whether to try again: for two seconds
// from the first such call on, and as long as ctx lives.
func (o *Outage) Wait(ctx context.Context) bool {
	now := int64(time.Since(outageStart)) + 1
	if !o.since.CompareAndSwap(0, now) && now-o.since.Load() > int64(outageWait) {
		return false
	}
	pause := time.NewTimer(outagePause)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-pause.C:
		return true
	}
}

// Over notes that the server has answered.
func (o *Outage) Over() {
	if o.since.Load() != 0 {
		o.since.Store(0)
	}
}
