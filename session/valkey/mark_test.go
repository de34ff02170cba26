package valkey_test

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/internal/e2e/valkeypeer"
	"github.com/merlon-web/merlon/session"
)

func endAll(t *testing.T, s session.Store, e db.Engine) (n int64) {
	t.Helper()
	write(t, e, func(w *db.Writer) (err error) { n, err = s.EndAll(w, now, "restore"); return err })
	return n
}

// asked is how many commands the server has done.
func asked(t *testing.T, server *valkeypeer.Server) int {
	t.Helper()
	found := regexp.MustCompile(`total_commands_processed:(\d+)`).FindStringSubmatch(server.Say("INFO stats"))
	if found == nil {
		t.Fatal("the server does not count")
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestEndAllIsOneStep: however many sessions there are, their end is as many commands, and holds for all processes when it is
// answered; what begins later goes on. The sweep then ends the rows themselves and takes their values away.
func TestEndAllIsOneStep(t *testing.T) {
	server := valkeypeer.Start(t, "--appendfsync", "no")
	one, two, e := store(t, server, "1"), store(t, server, "1"), engine(t)
	before, r := row(7), row(8)
	add(t, one, e, &before)
	write(t, e, func(w *db.Writer) error {
		for i := range 1000 {
			many := row(int64(i + 1))
			if _, err := one.Insert(w, &many); err != nil {
				return err
			}
		}
		return nil
	})
	counted := asked(t, server)
	if n := endAll(t, one, e); n != 1001 {
		t.Errorf("EndAll = %d", n)
	}
	if n := asked(t, server) - counted; n > 15 {
		t.Errorf("the end of 1,001 sessions took %d commands", n)
	}
	add(t, one, e, &r)
	for name, s := range map[string]session.Store{"the process": one, "the other": two} {
		if got, err := get(t, s, e, before.Key); err != nil || got.Ended != now || got.Reason != "restore" || len(got.Data) != 0 {
			t.Errorf("%s has %+v, %v", name, got, err)
		}
		if got, err := get(t, s, e, r.Key); err != nil || got.Ended != 0 || string(got.Data) != "canary-data" {
			t.Errorf("what began later is at %s %+v, %v", name, got, err)
		}
	}
	write(t, e, func(w *db.Writer) error {
		up := before
		up.Version, up.Data = 2, []byte("late")
		if ok, err := two.Update(w, &up); ok || err != nil {
			t.Errorf("Update = %v, %v", ok, err)
		}
		return two.Touch(w, []session.Use{{Key: before.Key, First: now, Seen: now + 1, Idle: now + hour}})
	})
	q := e.Read(t.Context())
	defer q.Close()
	if n, err := two.Count(q, now); n != 1 || err != nil {
		t.Errorf("%d are alive, %v", n, err)
	}
	if page, err := two.Page(q, 0, now, 10); err != nil || len(page) != 1 || page[0].ID != r.ID {
		t.Errorf("the page is %+v, %v", page, err)
	}
	if n := endAll(t, two, e); n != 1 {
		t.Errorf("then EndAll = %d", n)
	}
	if said := server.Say("HEXISTS " + place(before.Key, "1") + " data"); said != ":1\r\n" {
		t.Fatalf("the row says already that it has ended: %q", said)
	}
	dead, err := two.Dead(q, "", now+1, 2000)
	if err != nil || len(dead) != 1002 {
		t.Errorf("%d are dead, %v", len(dead), err)
	}
	if said := server.Say("HEXISTS " + place(before.Key, "1") + " data"); said != ":0\r\n" {
		t.Errorf("its values are still there: %q", said)
	}
	if said := server.Say("EXISTS merlon:session:{1}:due"); said != ":0\r\n" {
		t.Errorf("the next sweep would do it again: %q", said)
	}
}

// TestEndAllRolledBack: of a transaction that fails nothing has ended.
func TestEndAllRolledBack(t *testing.T) {
	s, e := store(t, valkeypeer.Start(t), "1"), engine(t)
	r := row(7)
	add(t, s, e, &r)
	failed := errors.New("rolled back")
	if err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		if n, err := s.EndAll(w, now, "x"); n != 1 || err != nil {
			t.Errorf("EndAll = %d, %v", n, err)
		}
		if got, err := s.Get(w, r.Key); err != nil || got.Ended == 0 {
			t.Errorf("within it is %+v, %v", got, err)
		}
		fresh := row(7)
		if _, err := s.Insert(w, &fresh); err != nil {
			t.Error(err)
		}
		if got, err := s.Get(w, fresh.Key); err != nil || got.Ended != 0 {
			t.Errorf("what begins behind it is %+v, %v", got, err)
		}
		if n, err := s.EndAll(w, now, "x"); n != 1 || err != nil {
			t.Errorf("once more: EndAll = %d, %v", n, err)
		}
		return failed
	}); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if got, err := get(t, s, e, r.Key); err != nil || got.Ended != 0 {
		t.Errorf("it is %+v, %v", got, err)
	}
}

// TestPutBack: a row from before the end of all that is put back as it was has ended all the same, also when the sweep is over.
func TestPutBack(t *testing.T) {
	server := valkeypeer.Start(t)
	s, e := store(t, server, "1"), engine(t)
	r := row(7)
	add(t, s, e, &r)
	head, data := field(t, server, r.Key, "head"), field(t, server, r.Key, "data")
	endAll(t, s, e)
	q := e.Read(t.Context())
	defer q.Close()
	if _, err := s.Dead(q, "", now+1, 10); err != nil {
		t.Fatal(err)
	}
	set(server, r.Key, "head", head)
	set(server, r.Key, "data", data)
	if got, err := get(t, s, e, r.Key); err != nil || got.Ended != now || len(got.Data) != 0 {
		t.Errorf("it is %+v, %v", got, err)
	}
}

// TestForgedMark: a mark that the site has not written, or not for this generation, ends nothing, and an event tells of it.
func TestForgedMark(t *testing.T) {
	server := valkeypeer.Start(t)
	s, e := store(t, server, "1"), engine(t)
	r := row(7)
	add(t, s, e, &r)
	endAll(t, store(t, server, "2"), e)
	said := server.Say("GET merlon:session:{2}:mark")
	_, other, _ := strings.Cut(said, "\r\n")
	other = strings.TrimSuffix(other, "\r\n")
	for name, forge := range map[string]string{
		"another generation's": `SET merlon:session:{1}:mark "` + escaped(other) + `"`,
		"not signed":           `SET merlon:session:{1}:mark "` + escaped(strings.Repeat("\xff", 60)) + `"`,
		"short":                `SET merlon:session:{1}:mark x`,
		"no text":              `LPUSH merlon:session:{1}:mark x`,
	} {
		server.Say("DEL merlon:session:{1}:mark")
		server.Say(forge)
		told := 0
		q := e.Read(event.With(t.Context(), event.RecorderFunc(func(_ context.Context, e event.Event) {
			if e.ID == session.RuleRow.ID {
				told++
			}
		})))
		if got, err := s.Get(q, r.Key); err != nil || got.Ended != 0 || told != 1 {
			t.Errorf("%s: %+v, %v, told %d times", name, got, err, told)
		}
		q.Close()
	}
	if n := endAll(t, s, e); n != 1 { // also over a key of another kind
		t.Errorf("EndAll = %d", n)
	}
	if got, err := get(t, s, e, r.Key); err != nil || got.Ended == 0 {
		t.Errorf("it is %+v, %v", got, err)
	}
}
