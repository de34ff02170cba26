package session

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
)

// Info is a session as lists show it.
type Info struct {
	ID       int64 // for [Manager.EndOne]; compare with [Reader.ID] to mark the reader's own
	User     int64
	Level    Level
	Began    time.Time
	Seen     time.Time // to the minute or so
	Until    time.Time // the absolute deadline
	Device   string    // label of the browser; what the browser said of itself
	Network  string    // prefix of the address it began from, "" if unknown
	Remember bool
}

const page = 200

var errNobody = errors.New("session: user 0 is nobody: the sessions of all visitors who are not signed in would be meant; give the user's id")

// List returns the live sessions of a user, the one seen last first.
func (m *Manager) List(q db.Querier, user int64) ([]Info, error) {
	if user <= 0 {
		return nil, errNobody
	}
	rows, err := m.served(q, user, m.now())
	if err != nil {
		return nil, err
	}
	list := make([]Info, 0, len(rows))
	for i := range rows {
		list = append(list, m.info(&rows[i]))
	}
	slices.Reverse(list)
	return list[:min(len(list), page)], nil
}

// served returns the sessions of a user that requests are served by, the one unseen for longest first: also one that goes on by a
// use which is not written yet. Of uses that another process has noted it knows nothing.
func (m *Manager) served(q db.Querier, user, now int64) ([]Row, error) {
	// Of the rows that expired a while ago there are hardly more than a user may have at once.
	rows, err := m.store.OfUser(q, user, now-unwritten.Microseconds(), 2*m.perUser+page)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r Row) bool { return !m.goesOn(&r, now) })
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(m.lastSeen(&a), m.lastSeen(&b)) })
	return rows, nil
}

func (m *Manager) goesOn(r *Row, now int64) bool {
	return r.alive(now, m.seen.of(&r.Key), m.lifetime(r.Class, r.Factors).Idle)
}

func (m *Manager) lastSeen(r *Row) int64 { return max(r.Seen, m.seen.of(&r.Key)) }

// Page returns live sessions of everybody with an id below the given one (0: the newest), newest first, at most 200.
func (m *Manager) Page(q db.Querier, below int64, limit int) ([]Info, error) {
	limit = min(max(limit, 1), page)
	var list []Info
	for now := m.now(); ; {
		rows, err := m.store.Page(q, below, now-unwritten.Microseconds(), limit)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if below = rows[i].ID; m.goesOn(&rows[i], now) {
				list = append(list, m.info(&rows[i]))
			}
		}
		if len(list) >= limit || len(rows) < limit {
			return list[:min(len(list), limit)], nil
		}
	}
}

// Count returns how many sessions of signed-in users are alive, but for those that go on by a use which is not written yet. The store in the site's own database looks at each row: it is for
// who asks a few times a minute.
func (m *Manager) Count(q db.Querier) (int64, error) { return m.store.Count(q, m.now()) }

func (m *Manager) info(r *Row) Info {
	return Info{ID: r.ID, User: r.User, Level: r.level(), Began: time.UnixMicro(r.Created), Seen: time.UnixMicro(m.lastSeen(r)),
		Until: time.UnixMicro(r.Absolute), Device: r.Device, Network: r.Network, Remember: r.Remember}
}

// EndOne ends one session of a user by the id of the list. It reports false if the user has no such session: the id of
// another user's does nothing. User 0 has those of visitors who are not signed in, as one whose second step is waited for.
func (m *Manager) EndOne(w *db.Writer, user, id int64, reason constant) (bool, error) {
	if user < 0 || id <= 0 {
		return false, nil
	}
	now := m.now()
	for _, since := range []int64{now, now - unwritten.Microseconds()} { // first those of the list, which are few
		var rows []Row
		var err error
		if user == 0 {
			rows, err = m.store.Page(w, id+1, since, 1)
			rows = slices.DeleteFunc(rows, func(r Row) bool { return r.User != 0 })
		} else {
			rows, err = m.store.OfUser(w, user, since, page)
		}
		if err != nil {
			return false, err
		}
		i := slices.IndexFunc(rows, func(r Row) bool { return r.ID == id })
		if i < 0 {
			continue
		}
		ok, err := m.store.End(w, rows[i].Key, now, string(reason))
		if err != nil || !ok {
			return false, err
		}
		m.forget(w, rows[i].Key)
		event.Record(w.Context(), RuleEnded, event.Done, slog.Int64("session", id), slog.Int64("user", user), slog.String("reason", string(reason)))
		return true, nil
	}
	return false, nil
}

// EndUser ends all sessions of a user and returns how many: what whoever disables, deletes or rescues an account calls, in
// the same transaction.
func (m *Manager) EndUser(w *db.Writer, user int64, reason constant) (int, error) {
	keys, err := m.endUser(w, user, 0, string(reason))
	m.forget(w, keys...)
	return len(keys), err
}

// EndAll ends every session of the site: after a restore, or when the database may have been stolen.
func (m *Manager) EndAll(w *db.Writer, reason constant) (int64, error) {
	n, err := m.store.EndAll(w, m.now(), string(reason))
	if err != nil {
		return 0, err
	}
	if c := m.cache; c != nil {
		c.clear(m.now())
		w.OnCommit(func() { c.clear(m.now()) })
	}
	event.Record(w.Context(), RuleEnded, event.Done, slog.Int64("sessions", n), slog.String("reason", string(reason)))
	return n, nil
}

// unwritten is how long a use of a session may wait to be written, here or in another process. A row that has expired for less than
// that may be of a session that goes on, since the use extends it ([Store.Touch]): who ends sessions means such rows too.
const unwritten = 10 * time.Minute

// endUser ends all sessions of a user but the one with id except (0: all), and returns their keys.
func (m *Manager) endUser(w *db.Writer, user, except int64, reason string) ([]Digest, error) {
	if user <= 0 {
		return nil, errNobody
	}
	var keys []Digest
	now := m.now()
	for {
		rows, err := m.store.OfUser(w, user, now-unwritten.Microseconds(), page)
		if err != nil {
			return keys, err
		}
		ended := 0
		for i := range rows {
			if rows[i].ID == except {
				continue
			}
			ok, err := m.store.End(w, rows[i].Key, now, reason)
			if err != nil {
				return keys, err
			}
			if ok {
				keys = append(keys, rows[i].Key)
				ended++
			}
		}
		if ended == 0 || len(rows) < page {
			break
		}
	}
	if len(keys) > 0 {
		event.Record(w.Context(), RuleEnded, event.Done, slog.Int64("user", user), slog.Int("sessions", len(keys)), slog.String("reason", reason))
	}
	return keys, nil
}

// forget drops rows from the cache, at once and after the commit.
func (m *Manager) forget(w *db.Writer, keys ...Digest) {
	c := m.cache
	if c == nil || len(keys) == 0 {
		return
	}
	drop := func(least int64) func() {
		return func() {
			now := m.now()
			for _, key := range keys {
				c.drop(key, least, now)
			}
		}
	}
	drop(0)()
	w.OnCommit(drop(gone))
}

// Format implements [fmt.Formatter]: a manager holds what is in its cache, so that nothing of it is printed.
func (m *Manager) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("session.Manager")) }
