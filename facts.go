package merlon

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"log/slog"
	"net/netip"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/session"
)

// facts is what Read and Write share: the request as far as a handler may know it. Nothing here is a text that the browser
// chose without being parsed and bounded first.
type facts struct{ w *walk }

func (f *facts) asWalk() *walk { return f.w }

// Context returns the request's context. Inside a write transaction use [db.Writer.Context], which says so.
func (f *facts) Context() context.Context { return f.w.ctx }

// Now returns the time of the request: one time for all of it.
func (f *facts) Now() time.Time { return f.w.now }

// Client returns the visitor's address as room trust found it: the peer's, or what a named proxy says.
func (f *facts) Client() netip.Addr { return f.w.client.Addr }

// RequestID returns the id that stands in the log and on error pages.
func (f *facts) RequestID() string { return f.w.requestID() }

// UserAgent returns what the browser calls itself, cut at 200 bytes, cleaned of control characters. It is for display only:
// anybody can send any.
func (f *facts) UserAgent() string {
	s := f.w.r.UserAgent()
	if len(s) > 200 {
		s = s[:200]
	}
	return event.Clean(s)
}

// Device returns the names of browser and system that the request claims, as in "Firefox on Linux". It is for display only.
func (f *facts) Device() string { return session.DeviceLabel(f.w.r) }

// Binding returns 32 bytes that belong to the browser's session, or to its pre-session as long as there is none, and to
// nobody else: what a room hands to a browser to come back (a challenge) is bound by them as forms are by their tokens. In a
// POST they are those of the browser as it came. They are a secret of the server: put them under a MAC, never on a page.
func (f *facts) Binding() []byte {
	w := f.w
	binding := w.state.Binding()
	if binding == nil {
		if w.binding == nil {
			w.bind()
		}
		binding = w.binding
	}
	h := hmac.New(sha256.New, w.run.csrfKey)
	h.Write([]byte("merlon/binding/v1\x00"))
	h.Write(binding)
	return h.Sum(nil)
}

// Record records a security event of the request. With outcome [event.Done] in a POST it is a row of the transaction.
func (f *facts) Record(rule check.Rule, outcome event.Outcome, detail ...slog.Attr) {
	f.w.Record(f.w.ctx, event.New(rule, outcome, detail...))
}

// Read is what a GET handler is given: who came, and readers. Nothing that it holds can write.
type Read[U any] struct {
	facts
	User    U
	DB      *db.Reader
	Session *session.Reader
}

// Write is what a POST handler is given: who came, and the one transaction of the request.
type Write[U any] struct {
	facts
	User    U
	DB      *db.Writer
	Session *session.Writer
}

func (*Write[U]) writes() {}

// House returns the site's rooms. Only a POST has it: a handler that reads must not reach anything that writes.
func (w *Write[U]) House() *House { return w.w.run.house }

// Context returns the context of the transaction: what is slow (a hash, an outgoing call) refuses it.
func (w *Write[U]) Context() context.Context { return w.DB.Context() }
