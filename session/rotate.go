package session

import (
	"log/slog"
	"time"

	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/header"
)

// Rotate gives the session a level, and with it a new token: every change of rights (sign-in, second factor, step-up, role,
// password) does. The old row ends in the same transaction, with no grace: whoever knew the old token, before or after, has
// nothing. Values stay if the user stays or was nobody; another user begins with none. The absolute deadline of a user's
// session moves to the earlier side only.
func (w *Writer) Rotate(l Level) error {
	if err := w.ready(); err != nil {
		return w.fail(err)
	}
	if err := l.check(time.UnixMicro(w.at)); err != nil {
		return w.fail(err)
	}
	m, old := w.m, w.o
	if old != nil {
		if err := w.endRow(&old.row, ReasonRotated); err != nil {
			return w.fail(err)
		}
		if old.row.User != 0 && old.row.User != l.User {
			w.values = nil
		}
	}
	if l.User != 0 {
		if err := w.makeRoom(l.User); err != nil {
			return w.fail(err)
		}
	}
	life := m.lifetime(l.Class, l.Factors)
	row := Row{
		User: l.User, Class: l.Class, Factors: l.Factors, Remember: l.Remember, How: clip(l.How, 32), Created: w.at, Seen: w.at, Version: 1,
		Absolute: w.at + life.Absolute.Microseconds(), Device: clip(m.device(w.s.r), 64), Network: Network(w.s.client),
	}
	if !l.Recent.IsZero() {
		row.Recent = l.Recent.UnixMicro()
	}
	if old != nil && old.row.User == l.User {
		row.Created = old.row.Created
		row.Absolute = min(row.Absolute, old.row.Absolute)
	}
	row.Idle = min(w.at+life.Idle.Microseconds(), row.Absolute)
	if err := w.insert(row); err != nil {
		return w.fail(err)
	}
	event.Record(w.db.Context(), RuleRotated, event.Done, slog.Int64("session", w.o.row.ID), slog.Int64("user", l.User), slog.Int("factors", l.Factors))
	return nil
}

// insert begins a row with a new token and makes it the request's session.
func (w *Writer) insert(row Row) error {
	if err := w.checkSize(); err != nil {
		return err
	}
	m, token := w.m, w.m.newToken()
	o := &opened{values: w.values, binding: bindingOf(token.reveal())}
	m.fill(o.salt[:])
	o.key = dataKey(token.reveal(), o.salt[:])
	row.Key = digestOf(token.reveal())
	m.seal(&row, &o.key, o.salt[:], w.values)
	var err error
	if row.ID, err = m.store.Insert(w.db, &row); err != nil {
		return err
	}
	row.Data = nil
	o.row = row
	w.cookie = header.Cookie{Name: m.cookie, Value: token.value()}
	if row.Remember {
		w.cookie.MaxAge = time.Duration(row.Absolute-w.at) * time.Microsecond
	}
	w.wrote(row.Key, row.Version)
	w.o, w.changed, w.ended = o, false, false
	return nil
}

// makeRoom ends the user's sessions that are one too many, the one unseen for longest first.
func (w *Writer) makeRoom(user int64) error {
	rows, err := w.m.served(w.db, user, w.at)
	if err != nil {
		return err
	}
	for ; len(rows) >= w.m.perUser; rows = rows[1:] {
		if err := w.endRow(&rows[0], ReasonTooMany); err != nil {
			return err
		}
		event.Record(w.db.Context(), RuleTooMany, event.Done, slog.Int64("session", rows[0].ID), slog.Int64("user", user))
	}
	return nil
}

func (w *Writer) endRow(row *Row, reason string) error {
	ok, err := w.m.store.End(w.db, row.Key, w.at, reason)
	if err == nil && !ok {
		event.Record(w.db.Context(), RuleRevived, event.Refused, slog.Int64("session", row.ID), slog.Int64("user", row.User))
		err = ErrEnded
	}
	if err == nil {
		w.wrote(row.Key, gone)
	}
	return err
}

// End ends the session, for good: sign-out. Its values are thrown away at once and the cookie is deleted.
func (w *Writer) End(reason constant) error {
	if err := w.ready(); err != nil {
		return w.fail(err)
	}
	if w.o != nil {
		if err := w.endRow(&w.o.row, string(reason)); err != nil {
			return w.fail(err)
		}
		event.Record(w.db.Context(), RuleEnded, event.Done, slog.Int64("session", w.o.row.ID), slog.Int64("user", w.o.row.User), slog.String("reason", string(reason)))
	}
	w.onCommit()
	w.cookie = header.Cookie{}
	if w.s.sent {
		w.cookie = header.Cookie{Name: w.m.cookie, MaxAge: -1}
	}
	w.o, w.values, w.changed, w.ended = nil, nil, false, true
	return nil
}

// EndOthers ends all sessions of a user but the request's own: after a change of password or factors.
func (w *Writer) EndOthers(user int64, reason constant) error {
	if err := w.ready(); err != nil {
		return w.fail(err)
	}
	var own int64
	if w.o != nil {
		own = w.o.row.ID
	}
	keys, err := w.m.endUser(w.db, user, own, string(reason))
	for _, key := range keys {
		w.wrote(key, gone)
	}
	if err != nil {
		return w.fail(err)
	}
	return nil
}
