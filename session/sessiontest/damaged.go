package sessiontest

import (
	"context"
	"errors"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/session"
)

// RunDamaged proves that rows which were damaged beside the site stop nothing. Damage makes of a row that is there what the site has
// not written, in one of several ways, which are numbered from 0.
func RunDamaged(t *testing.T, ways int, open func(t *testing.T) (store session.Store, engine db.Engine, damage func(key session.Digest, way int))) {
	for _, c := range []struct {
		name string
		run  func(s *suite, bad []session.Digest, good session.Row)
	}{
		{"lists go on", damagedLists},
		{"end all ends all", damagedEndAll},
		{"the sweep takes them away", damagedSweep},
		{"uses of others are written", damagedTouch},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, engine, damage := open(t)
			s := &suite{t, store, engine}
			bad := make([]session.Digest, ways)
			for i := range bad {
				r := row(7)
				s.add(&r)
				bad[i] = r.Key
			}
			good := row(7)
			s.add(&good)
			for way, key := range bad {
				damage(key, way)
			}
			c.run(s, bad, good)
		})
	}
}

func damagedLists(s *suite, _ []session.Digest, good session.Row) {
	r := s.engine.Read(context.Background())
	defer r.Close()
	for name, list := range map[string]func() ([]session.Row, error){
		"OfUser": func() ([]session.Row, error) { return s.store.OfUser(r, 7, now, 100) },
		"Page":   func() ([]session.Row, error) { return s.store.Page(r, 0, now, 100) },
	} {
		rows, err := list()
		there := false
		for _, one := range rows {
			there = there || one.ID == good.ID && one.Key == good.Key
		}
		if err != nil || !there {
			s.Errorf("%s leaves out the sound row: %+v, %v", name, rows, err)
		}
	}
}

// gone reports whether a row can be nobody's session any more.
func (s *suite) gone(key session.Digest) bool {
	got, err := s.get(key)
	if err != nil && !errors.Is(err, session.ErrNoRow) {
		s.Errorf("a damaged row is %v", err)
	}
	return err != nil || got.Ended != 0 && len(got.Data) == 0
}

func damagedEndAll(s *suite, bad []session.Digest, good session.Row) {
	s.write(func(w *db.Writer) {
		if n, err := s.store.EndAll(w, now, "restore"); n != int64(len(bad)+1) || err != nil {
			s.Errorf("EndAll = %d, %v; want %d", n, err, len(bad)+1)
		}
	})
	for _, key := range append(bad, good.Key) {
		if !s.gone(key) {
			s.Errorf("%x is alive", key)
		}
	}
	s.write(func(w *db.Writer) {
		if n, err := s.store.EndAll(w, now, "restore"); n != 0 || err != nil {
			s.Errorf("once more: EndAll = %d, %v; want 0", n, err)
		}
	})
}

func damagedSweep(s *suite, bad []session.Digest, good session.Row) {
	s.write(func(w *db.Writer) { s.must(s.store.End(w, good.Key, now, "x")) })
	r := s.engine.Read(context.Background())
	refs, err := s.store.Dead(r, "", now+99*hour, 100)
	_ = r.Close()
	if err != nil || len(refs) != len(bad)+1 {
		s.Fatalf("Dead = %d, %v; want %d", len(refs), err, len(bad)+1)
	}
	s.write(func(w *db.Writer) {
		if n, err := s.store.Delete(w, refs, now+99*hour); n != int64(len(refs)) || err != nil {
			s.Errorf("Delete = %d, %v; want %d", n, err, len(refs))
		}
	})
	r = s.engine.Read(context.Background())
	defer r.Close()
	if refs, err := s.store.Dead(r, "", now+99*hour, 100); err != nil || len(refs) != 0 {
		s.Errorf("left are %d, %v", len(refs), err)
	}
	for _, key := range append(bad, good.Key) {
		if _, err := s.get(key); !errors.Is(err, session.ErrNoRow) {
			s.Errorf("%x is there: %v", key, err)
		}
	}
}

func damagedTouch(s *suite, bad []session.Digest, good session.Row) {
	var uses []session.Use
	for _, key := range append(bad, good.Key) {
		uses = append(uses, session.Use{Key: key, First: now, Seen: now, Idle: now + 2*hour})
	}
	s.write(func(w *db.Writer) {
		if err := s.store.Touch(w, uses); err != nil {
			s.Error(err)
		}
	})
	if got := s.mustGet(good.Key); got.Seen != now {
		s.Errorf("the sound row: %+v", got)
	}
}
