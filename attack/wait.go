package attack

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// How long an answer is waited for. Events that a server sends (text/event-stream) have no end: what came is looked at, and
// the address is waited for less from then on. Any other answer without an end is given more time once, and as much again
// each time if it ends then.
const (
	maxSilent = 25 * time.Second       // nothing was sent yet: a hash behind a long line of others takes seconds
	maxStream = 2 * time.Second        // after the first bytes were pushed out before the end
	maxSlow   = 10 * time.Second       // of an address whose answer had no end once, or came late
	maxAgain  = 300 * time.Millisecond // of one whose answer had no end twice
)

// endings are how the answers of addresses ended, by method and path. It is safe for concurrent use.
type endings struct {
	mu   sync.Mutex
	seen map[string]int // how often in a row an answer had no end; slow: it has one that comes late
}

const (
	slow     = -1
	hopeless = 2
)

func (e *endings) of(q *Request) string { return q.Method + " " + bare(q.Path) }

// patience is how long a first byte and an end are waited for.
func (e *endings) patience(q *Request) (silent, stream time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch n := e.seen[e.of(q)]; {
	case n == 0:
		return maxSilent, maxStream
	case n < hopeless:
		return maxSlow, maxSlow
	}
	return maxAgain, maxAgain
}

// note keeps how an answer ended.
func (e *endings) note(q *Request, header http.Header, ended bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := e.of(q)
	n, known := e.seen[key]
	switch {
	case ended && !known:
		return
	case ended:
		n = slow
	case strings.HasPrefix(header.Get("Content-Type"), "text/event-stream"):
		n = hopeless
	default:
		n = max(n, 0) + 1
	}
	if e.seen == nil {
		e.seen = map[string]int{}
	}
	e.seen[key] = n
}

// wasCut tells of an answer of which only the beginning was looked at.
func (r *run) wasCut(q *Request, ans *answer) {
	if !ans.endless && !ans.cut {
		return
	}
	route := r.t.pattern(q.Method, bare(q.Path))
	if q.Method != http.MethodGet {
		route = q.Method + " " + route
	}
	if ans.endless {
		r.missed("the rest of %s: its answer has no end in the time that it is given", route)
	} else {
		r.missed("the rest of %s: its answer has more than %d MB", route, maxAnswer>>20)
	}
}

// crowded tells of an answer that says that there were too many requests. It is no refusal of what was tried, of which nothing is known.
// The class limits asks for such answers.
func (r *run) crowded(q *Request, ans *answer) {
	if ans.status == http.StatusTooManyRequests && r.class != "limits" {
		r.missed("%s %s: answered 429, too many requests, so that it is not known what would have come of it: lift the site's limit for the attack", q.Method, r.t.pattern(q.Method, bare(q.Path)))
	}
}

// still looks at the end of a class whether the site answers strangers as it did: one that fails at each page refuses whatever is
// tried, and would look clean.
func (r *run) still() {
	asked := 0
	for _, p := range r.site.order["anonymous"] {
		was := r.site.pages["anonymous"][p]
		if was.status == 0 || was.status >= 400 || asked == perShape {
			continue
		}
		asked++
		if ans := r.nobody().loads(get(p).own(r.t)); ans.status < 500 {
			return
		} else if r.rest(ans.took); r.nobody().loads(get(p).own(r.t)).status < 500 {
			return
		}
	}
	if asked > 0 {
		r.missed("class %s: the site fails at the end of it, so that it is not known what it would have refused: see its log", r.class)
	}
}

// mostSilent is after how many requests in a row without an answer the site is asked whether it is there at all.
const mostSilent = 5

// unanswered notes a request that no answer came to, and returns why. It is no attempt, and no refusal.
func (r *run) unanswered(q *Request, err error) (why string) {
	why = "nothing came in time"
	for ; err != nil; err = errors.Unwrap(err) { // the innermost names no ports, which differ each time
		why = err.Error()
	}
	r.report.Coverage.Unanswered++
	r.missed("%s %s: not answered: %s", q.Method, r.t.pattern(q.Method, bare(q.Path)), why)
	if r.silent++; r.silent >= mostSilent && !r.there() {
		panic(ErrDied)
	}
	return why
}

// there reports whether the site answers anything. If it does not it has died.
func (r *run) there() bool {
	for range 3 {
		if ans, err := r.t.do(r.ctx, get("/").own(r.t), nil); err == nil && ans.status != 0 {
			r.silent = 0
			return true
		}
		select {
		case <-r.ctx.Done():
			panic(errOver)
		case <-time.After(300 * time.Millisecond):
		}
	}
	r.died = ErrDied
	return false
}

// lastLook asks at the end whether the site is still there: what came last may have ended it.
func (r *run) lastLook() {
	if r.died == nil && (r.t.handler == nil || r.silent > 0) {
		r.class = crawling
		r.within(func(r *run) {
			if !r.there() {
				r.missed("the site answered no more at the end")
			}
		})
	}
}
