package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/merlon-web/merlon/db"
)

var _ db.Comparer = (*engine)(nil)

// errMisfit is why something stays that others need.
var errMisfit = errors.New("what holds rows would go with it, or become another one")

// Strangers implements [db.Comparer]: what the database has beside what the migrations make of an empty one, in the site's schema,
// in others, and in none. What runs, and what decides how a statement is understood, goes with drop, or the database is refused.
func (e *engine) Strangers(ctx context.Context, drop bool) (found []db.Stranger, err error) {
	on := e.on.Load()
	if on == nil {
		return nil, db.ErrClosed
	}
	fresh, err := e.Scratch(ctx, on.schemas...)
	if err != nil {
		return nil, err
	}
	defer fresh.Close()
	m := mending{}
	if err := fresh.(*engine).asOwner(ctx, func(c *conn, _ *opened) error {
		if err := c.own(ctx, catalogOnly); err != nil {
			return err
		}
		m.want, err = c.objects(ctx, "", e.schema)
		return err
	}); err != nil {
		return nil, err
	}
	err = e.migrating(ctx, func(c *conn, _ *opened) (err error) {
		if err := c.own(ctx, catalogOnly); err != nil {
			return err
		}
		if m.have, err = c.objects(ctx, "all", e.schema); err != nil {
			return err
		}
		left := m.have
		if drop && !m.sound(m.have) {
			if err := c.own(ctx, "BEGIN; SAVEPOINT merlon"); err != nil {
				return err
			}
			defer c.end() // keeps nothing unless it was committed
			m.c, m.why = c, map[string]error{}
			if left, err = m.mend(ctx); err != nil {
				return err
			}
			if err := c.own(ctx, "COMMIT"); err != nil {
				return err
			}
		}
		found = m.found(left)
		return nil
	})
	return found, err
}

// mending takes out of a database what its migrations do not make, and makes what they do.
type mending struct {
	c          *conn
	want, have map[string]object
	why        map[string]error // why something could not be taken out or made
}

// sound reports whether all is as it should be.
func (m *mending) sound(now map[string]object) bool { return len(m.others(now)) == 0 }

// others lists what is otherwise, by kind and name.
func (m *mending) others(now map[string]object) (ids []string) {
	all := map[string]object{}
	maps.Copy(all, m.want)
	maps.Copy(all, now)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if now[id].is != m.want[id].is {
			ids = append(ids, id)
		}
	}
	return ids
}

// found tells what was otherwise, and what of it is as it should be now.
func (m *mending) found(left map[string]object) (found []db.Stranger) {
	for _, id := range m.others(m.have) {
		was, own := m.have[id], m.want[id]
		as := was
		if was.name == "" {
			as = own
		}
		found = append(found, db.Stranger{Kind: as.kind, Name: as.name, On: as.on, Altered: was.name != "" && own.name != "", Missing: was.name == "", Dropped: left[id].is == own.is})
	}
	return found
}

// drops is the order in which things are tried: what runs others before what it runs, tables' ties before what they are made of, and
// the schema that all was in at last.
var drops = []string{"event trigger", "trigger", "rule", "policy", "inheritance", "view", "operator class", "operator family", "operator", "cast", "function",
	"text search configuration", "text search dictionary", "conversion", "type", "collation", "schema"}

// mend takes everything out before it makes anything: with a view go its triggers and what is made of it. It returns what there is
// then, or an error if that is not what there should be.
func (m *mending) mend(ctx context.Context) (now map[string]object, err error) {
	now = m.have
	for _, kind := range drops {
		for _, id := range m.others(now) {
			o, own := now[id], m.want[id]
			if o.kind != kind || own.name != "" && own.make == "" {
				continue
			}
			if kind == "function" && own.name != "" && m.do(ctx, id, own.make) == nil { // the same arguments and result: what needs it stays
				continue
			}
			if err := m.drop(ctx, id, o); err != nil {
				return nil, err
			}
		}
		if now, err = m.c.objects(ctx, "all", m.c.schema); err != nil {
			return nil, err
		}
	}
	for more := true; more; { // a view may be made of one that comes later
		more = false
		for _, id := range m.others(now) {
			own := m.want[id]
			if own.make != "" && now[id].name == "" && m.do(ctx, id, own.make) == nil {
				more = true
			}
		}
		if now, err = m.c.objects(ctx, "all", m.c.schema); err != nil {
			return nil, err
		}
	}
	for _, id := range m.others(now) {
		o := now[id]
		if o.name == "" {
			o = m.want[id]
		}
		if o.holds() && now[id].is == m.have[id].is {
			continue // it is named
		}
		if why := m.why[id]; why != nil {
			return nil, fmt.Errorf("postgres: the %s %q is not as the migrations make it, and cannot be made so: %w: take an older point", o.kind, o.name, why)
		}
		return nil, fmt.Errorf("postgres: the %s %q is not as the migrations make it, and cannot be made so: take an older point", o.kind, o.name)
	}
	return now, nil
}

// do runs a statement, or leaves all as it was.
func (m *mending) do(ctx context.Context, id, text string) error {
	err := m.c.own(ctx, text+"\n; "+onward)
	if err != nil {
		m.why[id] = err
		m.c.recover()
	}
	return err
}

// drop takes something out, and what needs it too, unless rows would go with that: what the migrations make of it is made again. That
// it cannot be is found at the end.
func (m *mending) drop(ctx context.Context, id string, o object) error {
	if m.do(ctx, id, o.drop) == nil || o.kind == "schema" || o.kind == "inheritance" {
		return nil
	}
	first := m.why[id]
	if m.c.own(ctx, o.drop+" CASCADE") != nil {
		m.c.recover()
		return nil
	}
	now, err := m.c.objects(ctx, "all", m.c.schema)
	if err != nil {
		return err
	}
	then := onward
	for other, was := range m.have {
		own := m.want[other]
		if was.holds() && now[other].is != was.is && now[other].is != own.is && own.make == "" {
			m.why[id], then = fmt.Errorf("%w (%w)", errMisfit, first), back
		}
	}
	return m.c.own(ctx, then)
}
