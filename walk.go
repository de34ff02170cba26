package merlon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/trust"
)

// A walk is one request on its way through the guards. It is the ResponseWriter that the router and mounted handlers see,
// the recorder of the request's events, and the source of the tokens of a page's forms.
//
// The steps are in walk.go (what every request passes), get.go, post.go and mount.go. None looks back at an earlier one.
type walk struct {
	http.ResponseWriter // of net/http; Unwrap is not offered: no hijack, no flush past the buffer

	site   *Site
	run    *running
	r      *http.Request
	ctx    context.Context // carries the recorder
	route  *route
	client trust.Client
	now    time.Time
	id     [8]byte
	idSet  bool
	begun  atomic.Bool  // something of an answer was sent
	turn   atomic.Int32 // turnFree, turnHandler or turnOver

	body     *metered   // nil: none, or it streams
	reader   *db.Reader // of the guards, and of a handler that reads with them
	copy     *db.Reader // a replica's, of a handler alone; nil: none
	primary  bool       // no replica is to be read
	state    *session.State
	visit    Visit
	user     int64
	mounted  any // who asked a mounted handler, see [MountUser]
	lang     string
	frame    page.Frame
	forms    []string // route ids of the forms of the page being written
	tokens   []string // those of its tokens for scripts
	renderTo page.Render
	local    string      // where the answer redirects to
	quiet    bool        // an error page: the notice is kept for the page that was meant
	uploads  *form.Body  // whose files wait
	spool    *file.Spool // where
	noRoom   int         // the status of a form shown again because there is no room for its files; 0: there is
	file     *os.File    // the answer, open
	binding  []byte      // what tokens are bound to, once known
	blind    bool        // the session was never looked up: no cookie of it may be set
	personal bool        // a handler read a cookie: the answer is this visitor's
	unknown  []string    // names that were posted and that the form does not have, each of at most 64 bytes
	brought  bool        // a token came with the request, good or not
	retries  int         // how often a GET may still be tried again
	repeat   bool        // it is to be: the database's server had left
	clear    bool        // the session ended: the browser drops what scripts stored
	at       string      // development only: where the site's own code panicked

	mu      sync.Mutex
	writing bool          // the request's transaction is open: what is done is a row of it
	why     check.Rule    // what the answer is about to be refused or to fail by
	events  []event.Event // done, to be rows of the transaction
	later   []event.Event // of a handler that reads from a replica: told with the answer
	cookies []header.Cookie
	buf     []byte
}

// buffers are what answers are written into. The walk itself is not pooled: a handler's goroutine may still hold it.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 32<<10); return &b }}

// ServeHTTP answers one request. Before [Site.Start] it answers 503.
func (s *Site) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	buf := buffers.Get().(*[]byte)
	w := &walk{ResponseWriter: rw, site: s, run: s.running.Load(), r: r, ctx: r.Context(), buf: (*buf)[:0]}
	defer s.observe(w)()
	w.lang = w.negotiate()
	defer w.end(buf)
	header.Strict.Apply(rw.Header())
	s.lastOfMany(w)
	if w.run == nil {
		w.now = time.Now()
		w.fail(http.StatusServiceUnavailable, nil)
		return
	}
	w.now = s.clock()
	w.ctx = event.With(w.ctx, w)
	err := trust.CheckRequest(r, s.mountMethods...)
	if err == nil {
		w.client, err = w.run.trust.Request(r)
	}
	if err != nil {
		w.refuseTrust(err)
		return
	}
	if w.client.HTTPS {
		header.SetHSTS(rw.Header(), w.client.Host, true)
	}
	if s.draining.Load() { // each visitor takes the next connection to whoever comes after this process
		rw.Header()["Connection"] = []string{"close"}
	}
	if w.client.First {
		w.refused(trust.RuleUnbelieved, slog.String("header", w.client.Unbelieved))
	}
	if w.site.env.Mode == Production && w.client.Addr.IsLoopback() {
		w.run.nameless.Add(1)
	}
	if w.needsTLS() {
		if w.allowRate() {
			w.toTLS()
		}
		return
	}
	if w.byAnotherName() {
		if w.allowRate() {
			w.toOrigin()
		}
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Whose turn it is with a walk of a wrapped route: a middleware may go on without its handler (http.TimeoutHandler), in whose
// goroutine it runs or has yet to begin.
const (
	turnFree    int32 = iota
	turnHandler       // a handler's
	turnOver          // nobody's: the request is answered
)

// end runs last, whatever happened: a panic is a 500 page and an event, the reader is closed, the buffer goes back. While a
// handler has the walk, that goroutine cleans up (see wrap); one that comes later finds that it is over.
func (w *walk) end(buf *[]byte) {
	ours := w.turn.CompareAndSwap(turnFree, turnOver)
	defer func() { // in any case, also when a handler aborts the connection
		if !ours {
			return
		}
		w.closeReader()
		w.freeBody()
		if w.route == nil || len(w.route.wraps) == 0 {
			if cap(w.buf) <= 1<<20 {
				*buf = w.buf[:0]
				buffers.Put(buf)
			}
			w.buf = nil
		}
	}()
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	if !ours {
		w.site.log.Error("middleware panicked", "panic", fmt.Sprint(p))
		panic(http.ErrAbortHandler)
	}
	half := w.begun.Load()
	if w.site.env.Mode == Development {
		w.at = w.site.panicked()
	}
	w.failed(fmt.Errorf("panic: %v", p), debug.Stack())
	if half { // half an answer must not look like a whole one
		panic(http.ErrAbortHandler)
	}
}

// closeReader gives the snapshot back: before anything waits for the visitor (a body, a slow connection) and before a hash.
func (w *walk) closeReader() {
	if w.reader != nil {
		_ = w.reader.Close()
		w.reader = nil
	}
	if w.copy != nil {
		w.closeCopy()
	}
}

// Write implements [http.ResponseWriter] for mounted handlers.
func (w *walk) Write(b []byte) (int, error) {
	w.begun.Store(true)
	return w.ResponseWriter.Write(b)
}

// WriteHeader implements [http.ResponseWriter].
func (w *walk) WriteHeader(status int) {
	if status >= 200 {
		w.begun.Store(true)
	}
	w.ResponseWriter.WriteHeader(status)
}

// tracked is the writer that middleware and streaming handlers get: that of net/http, with a note that an answer was begun.
type tracked struct {
	http.ResponseWriter
	w *walk
}

// Write implements [http.ResponseWriter].
func (t tracked) Write(b []byte) (int, error) {
	t.w.begun.Store(true)
	return t.ResponseWriter.Write(b)
}

// WriteHeader implements [http.ResponseWriter].
func (t tracked) WriteHeader(status int) {
	if status >= 200 {
		t.w.begun.Store(true)
	}
	t.ResponseWriter.WriteHeader(status)
}

// Flush implements [http.Flusher].
func (t tracked) Flush() {
	t.w.begun.Store(true)
	_ = http.NewResponseController(t.ResponseWriter).Flush()
}

// Unwrap is for [http.ResponseController].
func (t tracked) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// handler is what the router calls for a route. Middleware gets the writer of net/http and the walk in the context; what
// it hands on is what the walk then writes to.
func (s *Site) handler(rt *route) http.Handler {
	wrapped := wrap(rt)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch w := rw.(type) {
		case *probe:
			w.route, w.request = rt, r
		case *walk:
			w.route = rt
			if wrapped != nil {
				wrapped.ServeHTTP(tracked{w.ResponseWriter, w}, r.WithContext(context.WithValue(w.ctx, walkKey{}, w)))
				return
			}
			w.r = r
			rt.serve(w)
		}
	})
}

func wrap(rt *route) http.Handler {
	if len(rt.wraps) == 0 {
		return nil
	}
	var h http.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w, ok := r.Context().Value(walkKey{}).(*walk)
		if !ok {
			http.Error(rw, "merlon: a middleware replaced the request's context: the walk is lost; derive the context from the request's", http.StatusInternalServerError)
			return
		}
		if !w.turn.CompareAndSwap(turnFree, turnHandler) {
			return // answered meanwhile
		}
		raw := w.ResponseWriter
		defer func() {
			w.closeReader()
			w.freeBody()
			w.ResponseWriter = raw // what a middleware made of it is over with its handler
			w.turn.Store(turnFree)
		}()
		w.ResponseWriter, w.r, w.ctx = rw, r, r.Context()
		rt.serve(w)
	})
	for i := len(rt.wraps) - 1; i >= 0; i-- {
		h = rt.wraps[i](h)
	}
	return h
}

type walkKey struct{}

// requestID is made when it is first needed: most requests need none.
func (w *walk) requestID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.idSet {
		_, _ = rand.Read(w.id[:])
		w.idSet = true
	}
	return fmt.Sprintf("%x", w.id)
}

// Record implements [event.Recorder]: the request's facts are filled in. What is done within the request's transaction is
// kept with it; what was refused or failed, and what was done with no transaction open (before it, or in a mounted handler),
// is counted or written by the site's own short transaction.
func (w *walk) Record(_ context.Context, e event.Event) {
	w.Fill(&e)
	w.mu.Lock()
	if e.Outcome == event.Done && w.writing {
		w.events = append(w.events, e)
		w.mu.Unlock()
		return
	}
	if w.copy != nil {
		w.later = append(w.later, e)
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	w.run.record(e)
}

// collect begins or ends to keep what is done for the request's transaction.
func (w *walk) collect(on bool) {
	w.mu.Lock()
	w.writing = on
	w.mu.Unlock()
}

// Fill implements [event.Filler].
func (w *walk) Fill(e *event.Event) {
	e.Time, e.Method, e.Client, e.Request = w.now, w.r.Method, w.client.Addr, w.requestID()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.route != nil {
		e.Route = w.route.pattern
	}
	if e.User == 0 {
		e.User = w.user
	}
}

func (w *walk) refused(rule check.Rule, detail ...slog.Attr) {
	w.because(rule)
	w.Record(w.ctx, event.New(rule, event.Refused, detail...))
}

// pass is what comes first between the route and its handler: how often this network asks, and from which site.
func (w *walk) pass() bool {
	if !w.allowRate() || !w.checkOrigin() {
		return false
	}
	w.meter()
	return true
}

// enter is what comes then, before the access rule: the session, and whether the site is open.
func (w *walk) enter() bool { return w.openSession() && w.inService() }

func (w *walk) openSession() bool {
	w.reader = w.run.engine.Read(w.ctx)
	state, err := w.run.sessions.Load(w.reader, w.r)
	if err != nil {
		w.failed(fmt.Errorf("session: %w", err), nil)
		return false
	}
	state.SetClient(w.client.Addr)
	w.state = state
	return true
}

func (w *walk) checkOrigin() bool {
	if w.route.opt.noToken != nil {
		w.r.Header.Del("Cookie")
		return true
	}
	err := csrf.CheckOrigin(w.r, w.origins(), w.route.target)
	if err == nil {
		return true
	}
	var refusal *csrf.Refusal
	if errors.As(err, &refusal) {
		w.refused(refusal.Rule, slog.String("reason", string(refusal.Reason)), slog.String("headers", refusal.Detail))
	}
	status := http.StatusForbidden
	if refusal != nil && refusal.Reason == csrf.NoProof && w.r.Method == http.MethodGet {
		status = http.StatusBadRequest // a socket was asked for, and pages have none
	}
	w.fail(status, err)
	return false
}

// admit asks the route's access rule. Who is refused gets the answer that the rule names.
func admit[U any](w *walk, who Access[U]) (U, bool) {
	u, err := ask(w, who)
	if err != nil {
		w.denied(err)
	}
	return u, err == nil
}

// ask asks the route's access rule who came.
func ask[U any](w *walk, who Access[U]) (U, error) {
	w.visit = w.newVisit()
	u, err := who.admit(&w.visit)
	if err != nil {
		return u, err
	}
	if i, ok := any(u).(Identified); ok {
		w.user = i.UserID()
	}
	if s, ok := any(u).(Spoken); ok {
		w.speak(s.UserLang())
	}
	if f, ok := any(u).(Framed); ok {
		w.frame.User, w.frame.Roles, w.frame.Every = f.FrameUser()
	}
	return u, nil
}

func (w *walk) newVisit() Visit {
	return Visit{DB: w.reader, Session: w.state.Reader(), Method: w.r.Method, Path: w.r.URL.Path, Client: w.client.Addr, Local: w.client.Local(), Now: w.now, ctx: w.ctx}
}

// denied answers what an access rule or a handler said no with.
func (w *walk) denied(err error) {
	switch {
	case errors.Is(err, ErrSignIn), errors.Is(err, ErrAgain):
		w.toSignIn(howAgain(err))
	case errors.Is(err, ErrForbidden):
		w.refused(RuleDenied)
		w.fail(http.StatusForbidden, nil)
	case errors.Is(err, ErrHidden):
		w.refused(RuleDenied)
		w.fail(http.StatusNotFound, nil)
	default:
		w.failed(err, nil)
	}
}

// bind finds what the tokens of this answer are bound to. Where the session was never looked up (an error page before it)
// the tokens are good for nothing: a pre-session would take the place of a session that the visitor may have. So they are
// where the cookie names a session whose token was just replaced: the answer that brings the new one may be on its way.
func (w *walk) bind() {
	if w.blind || w.state.Replaced() != nil {
		w.binding = make([]byte, 32)
		_, _ = rand.Read(w.binding)
		return
	}
	if w.binding = w.state.Binding(); w.binding == nil {
		var c header.Cookie
		c, w.binding = w.run.sessions.PreSession()
		w.cookies = append(w.cookies, c)
	}
}

// AppendField implements [page.Tokens]: the token of the form-th form of the page being written. The first token of an
// anonymous visitor mints the signed pre-session cookie that it is bound to.
func (w *walk) AppendField(dst []byte, form int) []byte {
	if w.binding == nil {
		w.bind()
	}
	id := "" // a form that came with a saved page and was not judged yet
	if form < len(w.forms) {
		id = w.forms[form]
	}
	return csrf.AppendHiddenField(dst, w.run.csrfKey, w.binding, id, nil)
}
