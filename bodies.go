package merlon

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/merlon-web/merlon/form"
)

// What the bodies of all requests that are under way may have in memory, in bytes as they came: what is made of a form may be
// twice that. One network may have a quarter. A route whose own limit is larger ([MaxBody]) may always have one such body.
const (
	maxBodies   = 64 << 20
	bodiesRetry = 15 * time.Second // by then a body has come or was given up: see readTimeout
)

// bodies counts what has come, so that a body that is announced and does not come keeps nobody out.
type bodies struct {
	room int64

	mu   sync.Mutex
	all  int64
	near map[netip.Prefix]int64
}

// take counts n more bytes of a body, of which mine have been counted. Where others have too much it returns the status of
// the refusal: 429 if they are of its own network, 503 if not.
func (b *bodies) take(from netip.Prefix, n, mine, most int64) (status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch near := b.near[from]; {
	case near+n > max(b.room/4, most) && near > mine:
		return http.StatusTooManyRequests
	case b.all+n > max(b.room, most) && b.all > mine:
		return http.StatusServiceUnavailable
	}
	b.near[from] += n
	b.all += n
	return 0
}

func (b *bodies) giveBack(from netip.Prefix, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all -= n
	if b.near[from] -= n; b.near[from] <= 0 {
		delete(b.near, from)
	}
}

// metered is a body that is counted while it comes, until its request is over.
type metered struct {
	io.ReadCloser
	of      *bodies
	from    netip.Prefix
	most    int64
	held    int64 // how much of it is in memory at the most
	mu      sync.Mutex
	taken   int64
	over    bool // the request is: nothing is counted any more
	refused int  // the status
}

var errBodies = errors.New("merlon: the bodies that are under way are too many")

// Read implements [io.Reader]. What was read is counted, so the count is over its limit by one buffer at the most.
func (m *metered) Read(p []byte) (int, error) {
	m.mu.Lock()
	refused := m.refused != 0
	m.mu.Unlock()
	if refused {
		return 0, errBodies
	}
	n, err := m.ReadCloser.Read(p)
	if n == 0 {
		return n, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	more := min(int64(n), m.held-m.taken)
	if m.over || more <= 0 {
		return n, err
	}
	if m.refused = m.of.take(m.from, more, m.taken, m.most); m.refused != 0 {
		return 0, errBodies
	}
	m.taken += more
	return n, err
}

// meter has the request's body counted. What streams is not held in memory, and is bounded by nothing.
func (w *walk) meter() {
	if w.r.Body == nil || w.r.Body == http.NoBody || w.route.opt.streaming != nil {
		return
	}
	held := w.route.opt.maxBody
	if w.route.spec != nil && w.route.spec.HasUpload() { // its files go by, to the disk
		held = min(held, form.MaxTexts)
	}
	w.body = &metered{ReadCloser: w.r.Body, of: &w.run.bodies, from: w.client.Network(), most: held, held: held}
	w.r.Body = w.body
}

// freeBody is the end of the request, by whatever way.
func (w *walk) freeBody() {
	m := w.body
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.over {
		m.over = true
		m.of.giveBack(m.from, m.taken)
	}
}

// crowdedOut answers a request whose body was not read to its end because of others.
func (w *walk) crowdedOut() bool {
	if w.body == nil {
		return false
	}
	w.body.mu.Lock()
	status := w.body.refused
	w.body.mu.Unlock()
	if status == 0 {
		return false
	}
	w.refused(RuleRate, slog.String("of", "bodies"))
	w.ResponseWriter.Header()["Connection"] = []string{"close"}
	w.fail(status, w.now.Add(bodiesRetry))
	return true
}
