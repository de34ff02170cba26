package sessiontest

import (
	"context"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/session"
)

func ofUser(s *suite) {
	var rows []session.Row
	for i := range 5 {
		r := row(7)
		r.Seen = now - int64(i)*1000
		s.add(&r)
		rows = append(rows, r)
	}
	other, ended, idle, absolute, nobody := row(8), row(7), row(7), row(7), row(0)
	idle.Idle, absolute.Absolute = now, now
	for _, r := range []*session.Row{&other, &ended, &idle, &absolute, &nobody} {
		s.add(r)
	}
	s.write(func(w *db.Writer) {
		s.must(s.store.End(w, ended.Key, now, "x"))
		got, err := s.store.OfUser(w, 7, now, 100)
		if err != nil || len(got) != 5 {
			s.Fatalf("OfUser = %d rows, %v; want 5", len(got), err)
		}
		for i, r := range got {
			want := rows[4-i]
			if r.ID != want.ID || r.Key != want.Key || r.Device != want.Device || r.Network != want.Network || len(r.Data) != 0 {
				s.Errorf("row %d: got %+v, want %+v without data", i, r, want)
			}
		}
		if got, err := s.store.OfUser(w, 7, now, 2); err != nil || len(got) != 2 || got[0].ID != rows[4].ID {
			s.Errorf("the limit: %d rows, %v", len(got), err)
		}
		if got, err := s.store.OfUser(w, 7, now-1, 100); err != nil || len(got) != 7 {
			s.Errorf("OfUser of a moment ago = %d rows, %v; want the two that expire now as well", len(got), err)
		}
		if got, err := s.store.OfUser(w, 0, now, 100); err != nil || len(got) != 0 {
			s.Errorf("user 0 is nobody, got %d rows, %v", len(got), err)
		}
	})
}

func paged(s *suite) {
	var ids []int64
	for i := range 5 {
		r := row(int64(i))
		s.add(&r)
		ids = append(ids, r.ID)
	}
	ended := row(3)
	s.add(&ended)
	s.write(func(w *db.Writer) { s.must(s.store.End(w, ended.Key, now, "x")) })
	r := s.engine.Read(context.Background())
	defer r.Close()
	first, err := s.store.Page(r, 0, now, 3)
	if err != nil || len(first) != 3 || first[0].ID != ids[4] || first[2].ID != ids[2] {
		s.Fatalf("first page: %+v, %v", first, err)
	}
	rest, err := s.store.Page(r, first[2].ID, now, 3)
	if err != nil || len(rest) != 2 || rest[1].ID != ids[0] {
		s.Fatalf("second page: %+v, %v", rest, err)
	}
}

func counted(s *suite) {
	live, also, nobody, ended, idle, absolute := row(7), row(8), row(0), row(7), row(7), row(7)
	idle.Idle, absolute.Absolute = now, now
	for _, r := range []*session.Row{&live, &also, &nobody, &ended, &idle, &absolute} {
		s.add(r)
	}
	count := func(at, want int64) {
		s.Helper()
		r := s.engine.Read(context.Background())
		defer r.Close()
		if n, err := s.store.Count(r, at); err != nil || n != want {
			s.Errorf("%d are counted, %v; want %d", n, err, want)
		}
	}
	count(now, 3)
	s.write(func(w *db.Writer) { s.must(s.store.End(w, ended.Key, now, "x")) })
	count(now, 2)
	count(now+hour, 0)
	s.write(func(w *db.Writer) {
		if err := s.store.Touch(w, []session.Use{{Key: live.Key, First: now, Seen: now, Idle: now + 2*hour}}); err != nil {
			s.Error(err)
		}
	})
	count(now+hour, 1)
}
