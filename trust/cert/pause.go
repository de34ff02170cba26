package cert

import (
	"sync"
	"time"
)

// pauses are how long the authority is not asked for a host's certificate after it was asked in vain. They are safe for concurrent use.
type pauses struct {
	mu  sync.Mutex
	all map[string]pause // by host, of the site's own alone
}

type pause struct {
	length time.Duration
	until  time.Time
	err    error // why
}

// of returns until when a host's pause lasts, or lasted, and why; no error: it has none.
func (p *pauses) of(host string) (until time.Time, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.all[host]
	return one.until, one.err
}

// note begins or lengthens a host's pause, or ends it if there is no error. Several that waited for one answer of the authority count
// once.
func (p *pauses) note(host string, err error, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, paused := p.all[host]
	switch {
	case err == nil:
		delete(p.all, host)
		return
	case !paused:
		one.length = firstPause
	case now.Before(one.until):
		return
	default:
		one.length = min(2*one.length, longestPause)
	}
	one.until, one.err = now.Add(one.length), err
	if p.all == nil {
		p.all = map[string]pause{}
	}
	p.all[host] = one
}
