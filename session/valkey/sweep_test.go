package valkey_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/valkeypeer"
	"github.com/merlon-web/merlon/session"
)

// TestForgotten: indexes name rows that the server has forgotten. They are in no list, and their places go with the first sweep after
// their time.
func TestForgotten(t *testing.T) {
	server := valkeypeer.Start(t)
	s, e := store(t, server, "1"), engine(t)
	gone, there := row(7), row(7)
	there.Absolute += hour
	there.Idle = there.Absolute
	add(t, s, e, &gone, &there)
	server.Say(fmt.Sprintf("DEL merlon:session:{%x}:row:{1}", gone.Key))
	r := e.Read(t.Context())
	defer r.Close()
	list, err := s.OfUser(r, 7, now, 10)
	if err != nil || len(list) != 1 || list[0].ID != there.ID {
		t.Errorf("the list is %+v, %v", list, err)
	}
	dead, err := s.Dead(r, "", gone.Idle+1, 10)
	if err != nil || len(dead) != 1 || !strings.HasSuffix(string(dead[0]), string(gone.Key[:])) {
		t.Errorf("dead are %q, %v", dead, err)
	}
	write(t, e, func(w *db.Writer) error {
		if n, err := s.Delete(w, dead, gone.Idle+1); n != 0 || err != nil {
			t.Errorf("Delete = %d, %v", n, err)
		}
		return nil
	})
	for _, name := range []string{"all", "live", "over"} {
		if said := server.Say("ZCARD merlon:session:{1}:" + name); said != ":1\r\n" {
			t.Errorf("the index %s has %q", name, said)
		}
	}
}

// TestLateIndex: a process died when it had written a row and not yet its places. The sweep leaves the row, which goes on, and puts
// the places right.
func TestLateIndex(t *testing.T) {
	server := valkeypeer.Start(t)
	s, e := store(t, server, "1"), engine(t)
	r := row(7)
	add(t, s, e, &r)
	server.Say(fmt.Sprintf(`ZADD merlon:session:{1}:over %d "%s"`, now-hour, escaped(string(r.Key[:]))))
	sweep := func() []session.Ref {
		q := e.Read(t.Context())
		defer q.Close()
		dead, err := s.Dead(q, "", now, 10)
		if err != nil {
			t.Fatal(err)
		}
		write(t, e, func(w *db.Writer) error {
			if n, err := s.Delete(w, dead, now); n != 0 || err != nil {
				t.Errorf("Delete = %d, %v", n, err)
			}
			return nil
		})
		return dead
	}
	if dead := sweep(); len(dead) != 1 {
		t.Errorf("dead are %q", dead)
	}
	if dead := sweep(); len(dead) != 0 {
		t.Errorf("then dead are %q", dead)
	}
	if _, err := get(t, s, e, r.Key); err != nil {
		t.Error(err)
	}
}
