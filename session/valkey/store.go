package valkey

import (
	"cmp"
	"context"
	"encoding/binary"
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
			tell(q.Context(), []stored{was})
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
	if err != nil || id <= 0 || id > maxNumber {
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

// EndAll implements [session.Store]. It reads each row, some at a time, within the transaction: it is for who asks once. A row that
// is damaged goes.
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
	var damaged []stored
	err = s.window(w, func(ctx context.Context, f stored, member string) error {
		switch {
		case f.damaged:
			damaged = append(damaged, f)
			n++
			return s.forget(ctx, f, member)
		case f.text != "" && p.rows[f.row.Key] == nil:
			end(&entry{was: f, now: f.row})
		}
		return nil
	})
	tell(w.Context(), damaged)
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
	tell(q.Context(), found)
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
			tell(q.Context(), found)
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
	tell(w.Context(), found)
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

// A reference is when a row was over, 8 bytes, and its digest.
const refHead = 8

// Dead implements [session.Store]: it asks the index alone, by time.
func (s *Store) Dead(q db.Querier, after session.Ref, before int64, limit int) (refs []session.Ref, err error) {
	ctx, done := outside(q.Context())
	defer done()
	from := "-inf"
	if len(after) > refHead {
		from = strconv.FormatUint(binary.BigEndian.Uint64([]byte(after)), 10)
	}
	for offset := 0; len(refs) < limit; {
		pairs, err := past.Do(ctx, s.client, overKey.Of(s.generation), valkey.Text(from), valkey.Text("("+strconv.FormatInt(before, 10)), valkey.Int(int64(offset)), valkey.Int(portion))
		if err != nil {
			return nil, away(err)
		}
		members, times, err := apart(pairs)
		if err != nil {
			return nil, err
		}
		for i, m := range members {
			ref := session.Ref(binary.BigEndian.AppendUint64(nil, uint64(times[i]))) + session.Ref(m)
			if ref > after && len(refs) < limit { // the server has those of one time in the order of their bytes
				refs = append(refs, ref)
			}
		}
		if offset += len(members); len(members) < portion {
			break
		}
	}
	return refs, nil
}

// window reads all rows, by rising ids, and shows each with what the index names it by.
func (s *Store) window(q db.Querier, show func(context.Context, stored, string) error) error {
	ctx, done := outside(q.Context())
	defer done()
	for over := int64(0); ; {
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
			if err := show(ctx, some[i], digests[i]); err != nil {
				return err
			}
		}
		if len(digests) < portion {
			return nil
		}
		over = ids[len(ids)-1]
	}
}

// apart takes what an index answers, members each with its number, apart.
func apart(pairs []string) (members []string, numbers []int64, err error) {
	for i := 0; i+1 < len(pairs); i += 2 {
		n, err := strconv.ParseFloat(pairs[i+1], 64)
		if err != nil || n < 0 || n > maxNumber {
			return nil, nil, fmt.Errorf("session/valkey: an index has the number %q: let no other program write to the site's keys", pairs[i+1])
		}
		members, numbers = append(members, pairs[i]), append(numbers, int64(n))
	}
	return members, numbers, nil
}

// Delete implements [session.Store]. What is damaged goes too; of what the server has forgotten, the place in the indexes.
func (s *Store) Delete(w *db.Writer, refs []session.Ref, before int64) (n int64, err error) {
	p, err := s.of(w)
	if err != nil {
		return 0, err
	}
	ctx, done := outside(w.Context())
	defer done()
	found := make([]stored, len(refs))
	if err := each(len(refs), func(i int) (err error) { // some at a time: the next writer waits
		if len(refs[i]) < refHead {
			return nil
		}
		found[i], err = s.referred(ctx, string(refs[i][refHead:]), before)
		return err
	}); err != nil {
		return 0, err
	}
	tell(w.Context(), found)
	for i := range found {
		f := &found[i]
		if f.damaged {
			n++
			continue
		}
		e := p.rows[f.row.Key]
		if e == nil && f.text != "" {
			e = &entry{was: *f, now: f.row}
		}
		if e == nil || e.deleted || !dead(&e.now, before) {
			continue
		}
		e.deleted = true
		p.put(e)
		n++
	}
	return n, nil
}

// referred reads the row of a reference. An index that has a wrong time of it, since a process died when it had written the row, or
// has what is no row, is put right at once: that is so whatever becomes of the transaction.
func (s *Store) referred(ctx context.Context, member string, before int64) (stored, error) {
	all, err := s.loadAll(ctx, []string{member})
	if err != nil {
		return stored{}, err
	}
	switch f := all[0]; {
	case f.text == "":
		return f, s.forget(ctx, f, member)
	case !dead(&f.row, before):
		return f, s.index(ctx, &f.row)
	default:
		return f, nil
	}
}
