package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/header"
)

// A State is the session of one request: a live one, a signed pre-session of a visitor without one, or none. It belongs to
// its request, and is not for use by several goroutines but for what its [Reader] offers.
type State struct {
	m       *Manager
	r       *http.Request
	ctx     context.Context
	client  netip.Addr
	live    *opened // nil: none
	pre     [32]byte
	isPre   bool
	sent    bool      // the request carried a session cookie, of whatever worth
	was     *[32]byte // binding of a session that has ended; nil: none
	lost    string    // why the row of the cookie is no session any more; "": it is, or there is none
	touched atomic.Bool
	reader  Reader
}

// Load finds the session of a request. Nothing is looked up for a request without the cookie, nor for a value that cannot be
// a token; such a visitor, and one whose token is unknown, ended or expired, simply has no session: that is no error. The
// error is the store's. Load never writes and never adopts a value that the client brought.
func (m *Manager) Load(q db.Querier, r *http.Request) (*State, error) {
	s := &State{m: m, r: r, ctx: q.Context()}
	s.reader.s = s
	value, ok := header.Find(r, m.cookie)
	if !ok {
		return s, nil
	}
	s.sent = true
	var token [tokenBytes]byte
	if !parseToken(value, &token) {
		s.pre, s.isPre = m.parsePre(value)
		return s, nil
	}
	o, err := m.find(q, s, &token)
	if err != nil || o == nil {
		return s, err
	}
	if m.disabled != nil && o.row.User != 0 {
		off, err := m.disabled(q, o.row.User)
		if err != nil {
			return s, fmt.Errorf("session: is user %d disabled: %w", o.row.User, err)
		}
		if off {
			s.lost = ReasonDisabled
			return s, nil
		}
	}
	s.live = o
	if !prefetch(r) {
		m.note(o)
	}
	return s, nil
}

// find returns the opened row of a token if it is alive. What a writer sees is not yet committed, so it passes the cache by.
func (m *Manager) find(q db.Querier, s *State, token *[tokenBytes]byte) (*opened, error) {
	key, now := digestOf(token), m.now()
	c := m.cache
	if _, writing := q.(*db.Writer); writing {
		c = nil
	}
	if c != nil {
		if o := c.get(&key); o != nil && m.aliveNow(o, now) {
			return o, nil
		}
	}
	o := new(opened)
	var err error
	if o.row, err = m.store.Get(q, key); err != nil {
		if errors.Is(err, ErrNoRow) {
			err = nil
		}
		return nil, err
	}
	if o.row.Ended != 0 {
		was := bindingOf(token)
		s.lost, s.was = o.row.Reason, &was
		return nil, nil
	}
	o.binding = bindingOf(token)
	o.used.Store(m.seen.of(&key))
	if !m.aliveNow(o, now) {
		s.lost = ReasonExpired
		return nil, nil
	}
	if err := o.open(token); err != nil {
		event.Record(s.ctx, RuleSeal, event.Refused, slog.Int64("session", o.row.ID), slog.Int64("user", o.row.User))
		return nil, nil
	}
	if c != nil {
		c.put(o, now)
	}
	return o, nil
}

func (o *opened) open(token *[tokenBytes]byte) (err error) {
	p, err := parseSealed(o.row.Data)
	if err != nil {
		return err
	}
	copy(o.salt[:], p.salt)
	o.key = dataKey(token, p.salt)
	o.values, err = open(&o.row, &o.key)
	o.row.Data = nil
	return err
}

func (m *Manager) aliveNow(o *opened, now int64) bool {
	return o.row.alive(now, o.used.Load(), m.lifetime(o.row.Class, o.row.Factors).Idle)
}

// Nobody returns the state of a request without a session, for answers that look at none: error pages, files.
func (m *Manager) Nobody() *State {
	s := &State{m: m, ctx: context.Background()}
	s.reader.s = s
	return s
}

// prefetch reports a request that no person made: it does not count as a use. Browsers send their cookies with it.
func prefetch(r *http.Request) bool {
	for _, v := range r.Header["Sec-Purpose"] {
		if strings.Contains(v, "prefetch") {
			return true
		}
	}
	return false
}

// SetClient tells whom the request comes from, as room trust found it: a new session keeps the network's prefix (/24, /48)
// for its list. Without it the list shows none; the connection's own address would be a proxy's.
func (s *State) SetClient(addr netip.Addr) { s.client = addr }

// Live reports whether there is a session.
func (s *State) Live() bool { return s != nil && s.live != nil }

// ID returns the id under which lists, forms and logs know the session; 0 without one.
func (s *State) ID() int64 {
	if !s.Live() {
		return 0
	}
	return s.live.row.ID
}

// User returns whose session it is; 0 for nobody.
func (s *State) User() int64 {
	if !s.Live() {
		return 0
	}
	return s.live.row.User
}

// Level returns what the session may; the zero Level without one.
func (s *State) Level() Level {
	if !s.Live() {
		return Level{}
	}
	return s.live.row.level()
}

// Binding returns what the tokens of forms are bound to: a hash of the session's token, or of the pre-session's random part,
// that the store does not hold. Nil: the visitor has neither, and [Manager.PreSession] gives one.
func (s *State) Binding() []byte {
	switch {
	case s == nil:
		return nil
	case s.live != nil:
		return s.live.binding[:]
	case s.isPre:
		return s.pre[:]
	}
	return nil
}

// Replaced returns what the tokens of forms were bound to in the session that the request's cookie named until a new token
// took its place; nil otherwise. It opens nothing: it is for telling the second arrival of a form that was answered already.
func (s *State) Replaced() []byte {
	if s == nil || s.lost != ReasonRotated {
		return nil
	}
	return s.Former()
}

// Former is [State.Replaced] for a session that has ended for whatever reason, a sign-out too: it opens nothing either.
func (s *State) Former() []byte {
	if s == nil || s.live != nil || s.was == nil {
		return nil
	}
	return s.was[:]
}

// Lost returns why the session that the request's cookie once named is over: a reason given to End, [ReasonExpired],
// [ReasonDisabled]. It is false when there is a session, or never was one. The sign-in page may say so.
func (s *State) Lost() (reason string, ok bool) {
	if s == nil || s.live != nil {
		return "", false
	}
	return s.lost, s.lost != ""
}

// Touched reports whether the handler looked at the session through its [Reader] or [Writer]: such an answer is no-store.
func (s *State) Touched() bool { return s != nil && s.touched.Load() }

// Reader returns what a handler that only reads is given.
func (s *State) Reader() *Reader {
	if s == nil {
		return new(Reader)
	}
	return &s.reader
}

// PreSession makes a signed pre-session: the cookie to set with a page that shows a form to a visitor without a session, and
// what the tokens of its forms are bound to. It writes nothing, so a flood of visitors leaves nothing behind. Such an answer
// is no-store.
func (m *Manager) PreSession() (header.Cookie, []byte) {
	value := m.newPre()
	binding, _ := m.parsePre(value)
	return header.Cookie{Name: m.cookie, Value: value}, binding[:]
}

// Format implements [fmt.Formatter]: a state holds the request and with it the cookie, so that nothing of it is printed.
func (s *State) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("session.State")) }

// Values is what a [Key] reads from: a *Reader, a *Writer or a *State.
type Values interface {
	value(name string) ([]byte, bool)
	context() context.Context
	now() int64 // Unix microseconds
}

// A Reader is a session as a GET sees it. No method of it writes. The zero value is a visitor without a session.
type Reader struct{ s *State }

func (r *Reader) state() *State {
	if r == nil || r.s == nil {
		return nil
	}
	r.s.touched.Store(true)
	return r.s
}

// Live reports whether there is a session.
func (r *Reader) Live() bool { return r.state().Live() }

// ID returns the id under which lists, forms and logs know the session; 0 without one.
func (r *Reader) ID() int64 { return r.state().ID() }

// User returns whose session it is; 0 for nobody.
func (r *Reader) User() int64 { return r.state().User() }

// Level returns what the session may; the zero Level without one.
func (r *Reader) Level() Level { return r.state().Level() }

// Began returns when the user signed in; the zero time without a session.
func (r *Reader) Began() time.Time {
	if s := r.state(); s.Live() {
		return time.UnixMicro(s.live.row.Created)
	}
	return time.Time{}
}

// Lost returns why the session that the request's cookie once named is over, as [State.Lost] does.
func (r *Reader) Lost() (reason string, ok bool) { return r.state().Lost() }

// Format implements [fmt.Formatter]: what a session holds is not printed.
func (r *Reader) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("session.Reader")) }

func (r *Reader) value(name string) ([]byte, bool) { return r.state().value(name) }

func (r *Reader) now() int64 {
	if r == nil {
		return 0
	}
	return r.s.now()
}

func (r *Reader) context() context.Context {
	if r == nil {
		return context.Background()
	}
	return r.s.context()
}

// A State is [Values], too, for what decides how a request is served and not what is in the answer: it is not [State.Touched] by that.

func (s *State) value(name string) ([]byte, bool) {
	if !s.Live() {
		return nil, false
	}
	return lookup(s.live.values, name)
}

func (s *State) now() int64 {
	if s == nil {
		return 0
	}
	return s.m.now()
}

func (s *State) context() context.Context {
	if s == nil {
		return context.Background()
	}
	return s.ctx
}
