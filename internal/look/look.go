// Package look bounds how often a site in development looks at its files: at each of the requests that somebody makes, and not at
// each of the thousand that a program makes in a second.
package look

import (
	"sync"
	"time"
)

const (
	burst = 20                    // looks without a pause
	every = 20 * time.Millisecond // one more
)

// A Glass counts looks. The zero value has all of them left. It is safe for concurrent use.
type Glass struct {
	mu    sync.Mutex
	spare int
	last  time.Time
}

// May reports whether to look again now: not for who has asked twenty times within a moment, until 20 milliseconds are over.
func (g *Glass) May() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if more := int(now.Sub(g.last) / every); more > 0 {
		g.spare, g.last = min(burst, g.spare+more), now
	}
	if g.spare == 0 {
		return false
	}
	g.spare--
	return true
}
