package valkey

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/session"
)

// Get implements [session.Store].
func (s *Store) Get(q db.Querier, key session.Digest) (session.Row, error) {
	p, err := s.of(q)
	if err != nil {
		return session.Row{}, err
	}
	var row session.Row
	if p != nil {
		e, err := p.find(q.Context(), key)
		if err != nil {
			return session.Row{}, err
		}
		if e == nil {
			return session.Row{}, session.ErrNoRow
		}
		row = e.now
		row.Data = slices.Clone(row.Data)
	} else {
		was, err := s.patient(q.Context(), key)
		if err != nil {
			return session.Row{}, err
		}
		if was.text == "" {
			return session.Row{}, session.ErrNoRow
		}
		row = was.row
	}
	row.Device, row.Network = "", ""
	return row, nil
}

// Insert implements [session.Store].
func (s *Store) Insert(w *db.Writer, row *session.Row) (int64, error) {
	p, err := s.of(w)
	if err != nil {
		return 0, err
	}
	if p.rows[row.Key] == nil {
		if there, err := p.find(w.Context(), row.Key); err != nil {
			return 0, err
		} else if there != nil {
			return 0, errTaken
		}
	} else {
		return 0, errTaken
	}
	ctx, done := outside(w.Context())
	defer done()
	text, err := nextID.Do(ctx, s.client, []valkey.Name{lastKey.Of(s.generation)}, valkey.Int(row.Created))
	if err != nil {
		return 0, away(err)
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 || id > maxID {
		return 0, fmt.Errorf("session/valkey: %q is no id: let no other program write to the site's keys", text)
	}
	e := &entry{now: *row, data: true}
	e.now.ID, e.now.Ended, e.now.Reason, e.now.Data = id, 0, "", slices.Clone(row.Data)
	p.put(e)
	return id, nil
}

var errTaken = fmt.Errorf("session/valkey: a session with this token is there, or was: a token is made once; begin anew")

// Update implements [session.Store].
func (s *Store) Update(w *db.Writer, row *session.Row) (bool, error) {
	return s.with(w, row.Key, func(e *entry) bool {
		if e.now.Ended != 0 || e.now.Version != row.Version-1 {
			return false
		}
		e.now.Version, e.now.Seen, e.now.Idle, e.now.Data, e.data = row.Version, row.Seen, row.Idle, slices.Clone(row.Data), true
		return true
	})
}

// End implements [session.Store].
func (s *Store) End(w *db.Writer, key session.Digest, at int64, reason string) (bool, error) {
	return s.with(w, key, func(e *entry) bool {
		if e.now.Ended != 0 {
			return false
		}
		e.now.Ended, e.now.Reason, e.now.Data, e.data = at, reason, nil, true
		return true
	})
}

// with changes a row, if there is one and do says so.
func (s *Store) with(w *db.Writer, key session.Digest, do func(*entry) bool) (bool, error) {
	p, err := s.of(w)
	if err != nil {
		return false, err
	}
	e, err := p.find(w.Context(), key)
	if err != nil || e == nil || !do(e) {
		return false, err
	}
	p.put(e)
	return true, nil
}

// EndAll implements [session.Store]. It reads each row, some at a time, within the transaction: it is for who asks once.
func (s *Store) EndAll(w *db.Writer, at int64, reason string) (n int64, err error) {
	p, err := s.of(w)
	if err != nil {
		return 0, err
	}
	end := func(e *entry) {
		if e.deleted || e.now.Ended != 0 {
			return
		}
		e.now.Ended, e.now.Reason, e.now.Data, e.data = at, reason, nil, true
		p.put(e)
		n++
	}
	for _, e := range p.order {
		end(e)
	}
	err = s.window(w, 0, func(f stored) bool {
		if f.text != "" && p.rows[f.row.Key] == nil {
			end(&entry{was: f, now: f.row})
		}
		return true
	})
	return n, err
}

// alive reports what lists show.
func alive(r *session.Row, now int64) bool { return r.Ended == 0 && r.Idle > now && r.Absolute > now }

// OfUser implements [session.Store].
func (s *Store) OfUser(q db.Querier, user, now int64, limit int) ([]session.Row, error) {
	if user == 0 {
		return nil, nil
	}
	p, err := s.of(q)
	if err != nil {
		return nil, err
	}
	ctx, done := outside(q.Context())
	defer done()
	digests, err := ofUser.Do(ctx, s.client, s.userName(user))
	if err != nil {
		return nil, away(err)
	}
	found, err := s.loadAll(ctx, digests)
	if err != nil {
		return nil, err
	}
	rows := p.over(found, func(r *session.Row) bool { return r.User == user && alive(r, now) })
	slices.SortFunc(rows, func(a, b session.Row) int { return cmp.Or(cmp.Compare(a.Seen, b.Seen), cmp.Compare(a.ID, b.ID)) })
	return rows[:min(len(rows), limit)], nil
}

// over returns what was found as the transaction sees it, of rows that are there and wanted, without their values.
func (p *pending) over(found []stored, wanted func(*session.Row) bool) (rows []session.Row) {
	seen := map[session.Digest]bool{}
	add := func(r session.Row) {
		if wanted(&r) {
			r.Data = nil
			rows = append(rows, r)
		}
	}
	if p != nil {
		for _, e := range p.order {
			seen[e.now.Key] = true
			if !e.deleted {
				add(e.now)
			}
		}
	}
	for _, f := range found {
		if f.text != "" && !seen[f.row.Key] {
			add(f.row)
		}
	}
	return rows
}

// Page implements [session.Store].
func (s *Store) Page(q db.Querier, under, now int64, limit int) ([]session.Row, error) {
	p, err := s.of(q)
	if err != nil {
		return nil, err
	}
	ctx, done := outside(q.Context())
	defer done()
	from := "+inf"
	if under > 0 {
		from = "(" + strconv.FormatInt(under, 10)
	}
	wanted := func(r *session.Row) bool { return alive(r, now) && (under <= 0 || r.ID < under) }
	var found []stored
	for offset := int64(0); ; offset += portion {
		digests, err := below.Do(ctx, s.client, allKey.Of(s.generation), valkey.Text(from), valkey.Int(offset), valkey.Int(portion))
		if err != nil {
			return nil, away(err)
		}
		some, err := s.loadAll(ctx, digests)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
		rows := p.over(found, wanted)
		if len(rows) >= limit || len(digests) < portion {
			slices.SortFunc(rows, func(a, b session.Row) int { return cmp.Compare(b.ID, a.ID) })
			return rows[:min(len(rows), limit)], nil
		}
	}
}

// portion is how many entries of an index are read at a step.
const portion = 500

// Count returns how many sessions of users have not ended or expired at the time now, for [session.Manager.Count].
func (s *Store) Count(q db.Querier, now int64) (int64, error) {
	ctx, done := outside(q.Context())
	defer done()
	n, err := living.Do(ctx, s.client, liveKey.Of(s.generation), valkey.Text("("+strconv.FormatInt(now, 10)))
	return n, away(err)
}

// Touch implements [session.Store].
func (s *Store) Touch(w *db.Writer, uses []session.Use) error {
	p, err := s.of(w)
	if err != nil {
		return err
	}
	ctx, done := outside(w.Context())
	defer done()
	found := make([]stored, len(uses))
	if err := each(len(uses), func(i int) (err error) {
		found[i], err = s.load(ctx, uses[i].Key, true)
		return err
	}); err != nil {
		return err
	}
	for i, u := range uses {
		e := p.rows[u.Key]
		if e == nil {
			e = &entry{was: found[i], now: found[i].row}
		}
		r := &e.now
		if e.deleted || e.was.text == "" && p.rows[u.Key] == nil || r.Ended != 0 || r.Seen >= u.Seen || r.Idle <= u.First || r.Absolute <= u.Seen {
			continue
		}
		r.Seen, r.Idle = u.Seen, u.Idle
		p.put(e)
	}
	return nil
}

// dead reports whether a row ended or expired before a time.
func dead(r *session.Row, before int64) bool {
	return r.Ended != 0 && r.Ended < before || r.Idle < before || r.Absolute < before
}

// Dead implements [session.Store]: the references are ids. A row that the server has forgotten is one too.
func (s *Store) Dead(q db.Querier, over, before int64, limit int) (refs []int64, err error) {
	err = s.window(q, max(over, 0), func(f stored) bool {
		if f.text == "" || dead(&f.row, before) {
			refs = append(refs, f.row.ID)
		}
		return len(refs) < limit
	})
	return refs, err
}

// window reads all rows with ids above one, rising, and shows each until it is told to stop. A row that the server has forgotten has
// its id and key alone.
func (s *Store) window(q db.Querier, over int64, show func(stored) bool) error {
	ctx, done := outside(q.Context())
	defer done()
	for {
		pairs, err := above.Do(ctx, s.client, allKey.Of(s.generation), valkey.Text("("+strconv.FormatInt(over, 10)), valkey.Int(0), valkey.Int(portion))
		if err != nil {
			return away(err)
		}
		digests, ids, err := apart(pairs)
		if err != nil {
			return err
		}
		some, err := s.loadAll(ctx, digests)
		if err != nil {
			return err
		}
		for i := range some {
			if some[i].text == "" {
				copy(some[i].row.Key[:], digests[i])
				some[i].row.ID = ids[i]
			}
			if !show(some[i]) {
				return nil
			}
		}
		if len(digests) < portion {
			return nil
		}
		over = ids[len(ids)-1]
	}
}

// apart takes what an index answers, digests each with its id, apart.
func apart(pairs []string) (digests []string, ids []int64, err error) {
	for i := 0; i+1 < len(pairs); i += 2 {
		id, err := strconv.ParseFloat(pairs[i+1], 64)
		if err != nil || id <= 0 || id > maxID {
			return nil, nil, fmt.Errorf("session/valkey: %q is no id: let no other program write to the site's keys", pairs[i+1])
		}
		digests, ids = append(digests, pairs[i]), append(ids, int64(id))
	}
	return digests, ids, nil
}

// Delete implements [session.Store].
func (s *Store) Delete(w *db.Writer, refs []int64, before int64) (n int64, err error) {
	p, err := s.of(w)
	if err != nil {
		return 0, err
	}
	found := make([]*entry, len(refs))
	if err := each(len(refs), func(i int) (err error) { // some at a time: the next writer waits
		found[i], err = p.referred(w.Context(), refs[i])
		return err
	}); err != nil {
		return 0, err
	}
	for _, e := range found {
		if e == nil || !dead(&e.now, before) || p.rows[e.now.Key] != nil && p.rows[e.now.Key] != e {
			continue
		}
		e.deleted = true
		p.put(e)
		n++
	}
	return n, nil
}

// referred returns the row of a reference; nil if there is none. Of one that the server has forgotten the place in the index goes.
func (p *pending) referred(ctx context.Context, ref int64) (*entry, error) {
	out, done := outside(ctx)
	defer done()
	pairs, err := above.Do(out, p.s.client, allKey.Of(p.s.generation), valkey.Int(ref), valkey.Int(0), valkey.Int(1))
	if err != nil {
		return nil, away(err)
	}
	digests, ids, err := apart(pairs)
	if err != nil || len(ids) == 0 || ids[0] != ref {
		return nil, err
	}
	key, err := digestOf(digests[0])
	if err != nil {
		return nil, err
	}
	e, err := p.find(ctx, key)
	if err != nil || e != nil || p.rows[key] != nil {
		return e, err
	}
	return nil, p.s.index(out, &session.Row{ID: ref, Key: key}, false, false)
}
