package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/header"
)

// Reasons of an end that this package gives itself. Callers give their own: "sign-out", "password changed".
const (
	ReasonRotated  = "rotated"  // a new token took its place
	ReasonTooMany  = "too many" // the user began one session more than is allowed
	ReasonExpired  = "expired"  // a deadline passed
	ReasonDisabled = "disabled" // the user may no longer be served
)

var (
	// ErrEnded says that the session of the request ended while it was on its way: nothing may be written, the visitor
	// signs in.
	ErrEnded = errors.New("session: the session ended while the request was on its way: what is ended stays ended; send the visitor to sign in")
	// ErrChanged says that another request wrote the session's values first; the request may be tried again from its start.
	ErrChanged = errors.New("session: the session was changed by another request meanwhile: its values would be lost; run the request again")
	// ErrClosed says that a Writer was used that never began or is over.
	ErrClosed = errors.New("session: the writer is not open: it begins with Manager.Begin and ends with its request; keep none for later")
	// ErrTooBig says that the session's values are over Config.MaxBytes.
	ErrTooBig = errors.New("session: the values are too big: a session keeps small things; keep a row of your own and put its id here")
)

// A Writer is a session as a POST sees it: within the request's write transaction, which holds whatever it changes. It must
// not be used by several goroutines. Its zero value refuses to write with [ErrClosed].
//
// An error of any method also stays, and [Writer.Save] returns it: a handler that overlooks one is rolled back all the same.
type Writer struct {
	*writing // nil: the zero Writer
}

type writing struct {
	m       *Manager
	s       *State
	db      *db.Writer
	at      int64   // Unix microseconds
	o       *opened // the row as it stands in the transaction; nil: none
	changed bool
	err     error
	ended   bool             // by End, and nothing began since
	drops   map[Digest]int64 // rows written in this transaction → stone
	*kept
}

// kept lies behind a second pointer: fmt follows the first, even in a field that is not exported, when the verb is a wrong one.
type kept struct {
	values []byte
	cookie header.Cookie // Name "": nothing to tell the browser
}

// Begin opens the session for writing, within the request's write transaction, by reading its row again: [ErrEnded] if it is
// no longer alive, and then nothing may be written.
func (m *Manager) Begin(s *State, w *db.Writer) (*Writer, error) {
	sw := &Writer{&writing{m: m, s: s, db: w, at: m.now(), kept: new(kept)}}
	if s.live == nil {
		return sw, nil
	}
	row, err := m.store.Get(w, s.live.row.Key)
	if err != nil && !errors.Is(err, ErrNoRow) {
		return nil, err
	}
	was := s.live
	alive := err == nil && row.alive(sw.at, was.used.Load(), m.lifetime(row.Class, row.Factors).Idle)
	if alive && m.disabled != nil && row.User != 0 {
		off, err := m.disabled(w, row.User)
		if err != nil {
			return nil, fmt.Errorf("session: is user %d disabled: %w", row.User, err)
		}
		alive = !off
	}
	if !alive {
		event.Record(w.Context(), RuleRevived, event.Refused, slog.Int64("session", was.row.ID), slog.Int64("user", was.row.User))
		s.live, s.lost = nil, ReasonExpired
		if err == nil && row.Ended != 0 {
			s.lost = row.Reason
		}
		return nil, ErrEnded
	}
	sw.o = &opened{row: row, key: was.key, salt: was.salt, values: was.values, binding: was.binding}
	sw.o.used.Store(was.used.Load())
	if row.Version != was.row.Version || row.User != was.row.User {
		if sw.o.values, err = open(&row, &was.key); err != nil {
			event.Record(w.Context(), RuleSeal, event.Refused, slog.Int64("session", row.ID), slog.Int64("user", row.User))
			return nil, ErrEnded
		}
	}
	sw.o.row.Data = nil
	sw.values = sw.o.values
	return sw, nil
}

func (w *Writer) open() bool { return w != nil && w.writing != nil }

func (w *Writer) ready() error {
	if !w.open() {
		return ErrClosed
	}
	return w.err
}

func (w *Writer) fail(err error) error {
	if w.open() && w.err == nil {
		w.err = err
	}
	return err
}

// Live reports whether there is a session.
func (w *Writer) Live() bool { return w.touch() && w.o != nil }

// ID returns the id under which lists, forms and logs know the session; 0 without one.
func (w *Writer) ID() int64 {
	if !w.Live() {
		return 0
	}
	return w.o.row.ID
}

// User returns whose session it is; 0 for nobody.
func (w *Writer) User() int64 {
	if !w.Live() {
		return 0
	}
	return w.o.row.User
}

// Level returns what the session may; the zero Level without one.
func (w *Writer) Level() Level {
	if !w.Live() {
		return Level{}
	}
	return w.o.row.level()
}

// Save writes what changed, and returns the first error of all that was done to the writer: the walk rolls back then. A
// visitor without a session gets one with the first value, never before.
func (w *Writer) Save() error {
	if err := w.ready(); err != nil {
		return w.fail(err)
	}
	w.expire()
	if !w.changed {
		return nil
	}
	if w.o == nil {
		if len(w.values) == 0 {
			return nil
		}
		life := w.m.lifetime(Ordinary, 0)
		return w.fail(w.insert(Row{
			Created: w.at, Seen: w.at, Idle: w.at + life.Idle.Microseconds(), Absolute: w.at + life.Absolute.Microseconds(),
			Device: clip(w.m.device(w.s.r), 64), Network: Network(w.s.client), Version: 1,
		}))
	}
	if err := w.checkSize(); err != nil {
		return w.fail(err)
	}
	o := &opened{row: w.o.row, key: w.o.key, salt: w.o.salt, values: w.values, binding: w.o.binding}
	row := &o.row
	row.Version++
	row.Seen = max(row.Seen, w.at)
	row.Idle = min(row.Seen+w.m.lifetime(row.Class, row.Factors).Idle.Microseconds(), row.Absolute)
	w.m.seal(row, &o.key, o.salt[:], o.values)
	ok, err := w.m.store.Update(w.db, row)
	row.Data = nil
	if err != nil {
		return w.fail(err)
	}
	if !ok {
		return w.fail(w.lost())
	}
	w.wrote(row.Key, row.Version)
	w.o, w.changed = o, false
	return nil
}

// expire takes out what is over, of whatever key: see [NewKeyFor].
func (w *Writer) expire() {
	if w.o == nil {
		return
	}
	if left := current(w.values, w.at); len(left) < len(w.values) {
		w.values, w.changed = left, true
	}
}

// lost tells why an update found no row: ended meanwhile, or written by another request.
func (w *Writer) lost() error {
	row, err := w.m.store.Get(w.db, w.o.row.Key)
	if err != nil && !errors.Is(err, ErrNoRow) {
		return err
	}
	if err == nil && row.Ended == 0 {
		return ErrChanged
	}
	event.Record(w.db.Context(), RuleRevived, event.Refused, slog.Int64("session", w.o.row.ID), slog.Int64("user", w.o.row.User))
	return ErrEnded
}

func (w *Writer) checkSize() error {
	if n := len(w.values); n > w.m.maxBytes {
		event.Record(w.db.Context(), RuleSize, event.Failed, slog.Int("bytes", n), slog.Int("limit", w.m.maxBytes))
		return fmt.Errorf("%w (%d bytes; the limit is %d)", ErrTooBig, n, w.m.maxBytes)
	}
	return nil
}

// wrote forgets a row in the cache at once, and after the commit once more, with a stone.
func (w *Writer) wrote(key Digest, least int64) {
	w.onCommit()
	if w.m.cache == nil {
		return
	}
	w.m.cache.drop(key, 0, w.at)
	w.drops[key] = max(w.drops[key], least)
}

func (w *Writer) onCommit() {
	if w.drops != nil {
		return
	}
	w.drops = map[Digest]int64{}
	w.db.OnCommit(func() {
		w.s.live = w.o
		if w.ended {
			w.s.isPre = false
		}
		c, now := w.m.cache, w.m.now()
		if c == nil {
			return
		}
		for key, least := range w.drops {
			c.drop(key, least, now)
		}
		if w.o != nil {
			c.put(w.o, now)
		}
	})
}

// Cookie returns what the answer must do to the visitor's cookie, if anything: set it, or delete it (negative MaxAge). It
// belongs to an answer whose transaction has committed: the cookie of a row that was rolled back would sign the visitor out.
func (w *Writer) Cookie() (header.Cookie, bool) {
	if !w.open() {
		return header.Cookie{}, false
	}
	return w.cookie, w.cookie.Name != ""
}

// Ended reports whether the session was ended by [Writer.End]: the answer tells the browser to clear its storage too.
func (w *Writer) Ended() bool { return w.open() && w.ended }

// Binding returns what the tokens of forms in this request's answer are bound to: as [State.Binding], but of the token that
// the visitor has once the transaction is committed.
func (w *Writer) Binding() []byte {
	switch {
	case !w.open() || w.ended:
		return nil
	case w.o != nil:
		return w.o.binding[:]
	}
	return w.s.Binding()
}

// Format implements [fmt.Formatter]: a writer holds the new cookie, so that nothing of it is printed.
func (w *Writer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("session.Writer")) }

func (w *Writer) touch() bool {
	if !w.open() {
		return false
	}
	w.s.touched.Store(true)
	return true
}

func (w *Writer) value(name string) ([]byte, bool) {
	if !w.touch() {
		return nil, false
	}
	return lookup(w.values, name)
}

func (w *Writer) now() int64 {
	if !w.open() {
		return 0
	}
	return w.at
}

func (w *Writer) context() context.Context {
	if !w.open() {
		return context.Background()
	}
	return w.db.Context()
}

func (w *Writer) set(name string, value []byte, err error) {
	if ready := w.ready(); ready != nil {
		if w == nil {
			panic(ready) // there is no Save that could tell
		}
		w.fail(ready)
		return
	}
	w.touch()
	if err != nil {
		w.fail(err)
		return
	}
	w.values, w.changed = with(w.values, name, value), true
}
