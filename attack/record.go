package attack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 4 << 20

const (
	maxUnwind    = time.Second    // for a handler that is told that the visitor has gone
	endlessBytes = 16 * maxAnswer // who sends more has no end either
)

// errGone is what a handler is told that writes on after its visitor has gone.
var errGone = errors.New("attack: the visitor has gone")

// recorder is the ResponseWriter of requests in the process. It is safe for concurrent use, since a handler may go on after
// its answer was taken.
type recorder struct {
	header http.Header // the handler's alone until the first byte

	mu       sync.Mutex
	sent     http.Header
	status   int
	body     bytes.Buffer
	all      int
	gone     bool
	panicked string        // with what
	pushed   chan struct{} // closed when bytes were pushed out before the end
	told     bool
	wire     net.Conn      // the visitor's end of a connection that the handler took over; nil: it did not
	wired    chan struct{} // closed when what it wrote there was read
}

func newRecorder() *recorder {
	return &recorder{header: http.Header{}, pushed: make(chan struct{})}
}

// serve runs the handler as net/http would: a panic ends the connection. It waits for an end, and for an endless answer as
// long as it may: until a first byte is pushed out, and from then on.
func (rec *recorder) serve(h http.Handler, r *http.Request, silent, stream time.Duration) (ended bool) {
	ctx, leave := context.WithCancel(r.Context())
	defer leave()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				rec.broke(p)
			}
		}()
		h.ServeHTTP(rec, r.WithContext(ctx))
		rec.tookOver()
	}()
	wait := time.NewTimer(silent)
	defer wait.Stop()
	pushed := rec.pushed
	for {
		select {
		case <-done:
			return true
		case <-pushed:
			pushed = nil
			wait.Reset(stream)
		case <-wait.C:
			rec.leave(leave, done)
			return false
		case <-ctx.Done():
			rec.leave(leave, done)
			return false
		}
	}
}

// leave tells the handler that its visitor has gone, and waits a moment for it.
func (rec *recorder) leave(tell func(), done <-chan struct{}) {
	tell()
	rec.hangUp()
	select {
	case <-done:
	case <-time.After(maxUnwind):
	}
	rec.mu.Lock()
	rec.gone = true
	rec.mu.Unlock()
}

// slowBody calls begin when the handler reads the first of it: what happens then happens while the request is on its way.
type slowBody struct {
	io.ReadCloser
	once  sync.Once
	begin func()
}

// Read implements [io.Reader].
func (b *slowBody) Read(p []byte) (int, error) {
	b.once.Do(b.begin)
	return b.ReadCloser.Read(p)
}

// broke is a panic: an error page, unless something was sent.
func (rec *recorder) broke(p any) {
	rec.hangUp()
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.panicked = panicText(p)
	if rec.status == 0 && !rec.gone {
		rec.header = http.Header{}
		rec.begin(http.StatusInternalServerError)
	}
}

// Header implements [http.ResponseWriter].
func (rec *recorder) Header() http.Header { return rec.header }

// WriteHeader implements [http.ResponseWriter].
func (rec *recorder) WriteHeader(status int) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.begin(status)
}

func (rec *recorder) begin(status int) {
	if rec.status == 0 && !rec.gone && rec.wire == nil && (status >= 200 || status == http.StatusSwitchingProtocols) {
		rec.status, rec.sent = status, rec.header.Clone()
		for _, values := range rec.sent {
			for i := range values {
				values[i] = lineBreaks.Replace(values[i])
			}
		}
	}
}

// lineBreaks are made spaces in headers, as net/http does.
var lineBreaks = strings.NewReplacer("\n", " ", "\r", " ")

// Write implements [http.ResponseWriter].
func (rec *recorder) Write(b []byte) (int, error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.gone {
		return 0, errGone
	}
	if rec.wire != nil {
		return 0, http.ErrHijacked
	}
	rec.begin(http.StatusOK)
	if rec.body.Len() < maxAnswer {
		rec.body.Write(b)
	}
	if rec.all += len(b); rec.all > endlessBytes {
		rec.push()
	}
	return len(b), nil
}

// Flush implements [http.Flusher].
func (rec *recorder) Flush() {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if !rec.gone && rec.wire == nil {
		rec.begin(http.StatusOK)
		rec.push()
	}
}

func (rec *recorder) push() {
	if !rec.told {
		rec.told = true
		close(rec.pushed)
	}
}

// answer is what came until now.
func (rec *recorder) answer(ended bool) *answer {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if ended {
		rec.begin(http.StatusOK)
	}
	if rec.sent == nil {
		rec.sent = http.Header{}
	}
	if rec.sent.Get("Content-Type") == "" && rec.body.Len() > 0 {
		rec.sent.Set("Content-Type", http.DetectContentType(rec.body.Bytes()))
	}
	return &answer{status: rec.status, header: rec.sent, body: rec.body.String(), endless: !ended, cut: rec.all > rec.body.Len(), panicked: rec.panicked}
}

// readSome reads a body as far as it comes in this time. An end that does not come is no error.
func readSome(body io.ReadCloser, most time.Duration) (text string, ended bool, err error) {
	var late sync.Once
	over := false
	stop := time.AfterFunc(most, func() { late.Do(func() { over = true; _ = body.Close() }) })
	b, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	stop.Stop()
	late.Do(func() {}) // from here on nothing is written to over
	if over {
		return string(b), false, nil
	}
	return string(b), true, err
}
