package valkey_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/internal/e2e/valkeypeer"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/session/sessiontest"
	"github.com/merlon-web/merlon/session/valkey"
)

// escaped writes bytes as they stand between quotes on a line to the server.
func escaped(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, `\x%02x`, c)
	}
	return b.String()
}

func place(key session.Digest, generation string) string {
	return fmt.Sprintf("merlon:session:{%x}:row:{%s}", key, generation)
}

// field reads a field of a row past the room.
func field(t *testing.T, server *valkeypeer.Server, key session.Digest, name string) string {
	t.Helper()
	said := server.Say("HGET " + place(key, "1") + " " + name)
	_, rest, ok := strings.Cut(said, "\r\n")
	if !ok || !strings.HasSuffix(rest, "\r\n") {
		t.Fatalf("%s is %q", name, said)
	}
	return strings.TrimSuffix(rest, "\r\n")
}

func set(server *valkeypeer.Server, key session.Digest, name, value string) {
	server.Say("HSET " + place(key, "1") + " " + name + ` "` + escaped(value) + `"`)
}

// forgeries are what somebody who writes to the server makes of a row.
var forgeries = []struct {
	name string
	do   func(t *testing.T, server *valkeypeer.Server, key session.Digest)
}{
	{"another user", func(t *testing.T, server *valkeypeer.Server, key session.Digest) {
		head := []byte(field(t, server, key, "head"))
		at := 36 + 32 + 1 // the id, then the user
		for head[at]&0x80 != 0 {
			at++
		}
		if head[at+1] != 2*7 {
			t.Fatalf("no user 7 in %x", head)
		}
		head[at+1] = 2 * 1
		set(server, key, "head", string(head))
	}},
	{"other values", func(t *testing.T, server *valkeypeer.Server, key session.Digest) { set(server, key, "data", "other") }},
	{"no values", func(t *testing.T, server *valkeypeer.Server, key session.Digest) {
		server.Say("HDEL " + place(key, "1") + " data")
	}},
	{"not signed", func(t *testing.T, server *valkeypeer.Server, key session.Digest) {
		head := field(t, server, key, "head")
		set(server, key, "head", head[36:])
	}},
	{"cut", func(t *testing.T, server *valkeypeer.Server, key session.Digest) {
		set(server, key, "head", field(t, server, key, "head")[:60])
	}},
	{"no hash at all", func(t *testing.T, server *valkeypeer.Server, key session.Digest) {
		server.Say("SET " + place(key, "1") + " canary")
	}},
}

// TestForged: a row that the site has not written is nobody's session, and an event tells of it. Each way is one by which the sound
// row is a session again once it is undone.
func TestForged(t *testing.T) {
	server := valkeypeer.Start(t)
	s, e := store(t, server, "1"), engine(t)
	var told []event.Event
	ctx := event.With(t.Context(), event.RecorderFunc(func(_ context.Context, e event.Event) { told = append(told, e) }))
	look := func(s session.Store, key session.Digest) error {
		told = nil
		r := e.Read(ctx)
		defer r.Close()
		_, err := s.Get(r, key)
		return err
	}
	for _, f := range forgeries {
		r := row(7)
		add(t, s, e, &r)
		if err := look(s, r.Key); err != nil || len(told) != 0 {
			t.Fatalf("%s: the sound row: %v, %v", f.name, err, told)
		}
		head, data := field(t, server, r.Key, "head"), field(t, server, r.Key, "data")
		f.do(t, server, r.Key)
		if err := look(s, r.Key); !errors.Is(err, session.ErrNoRow) || len(told) != 1 || told[0].ID != session.RuleRow.ID {
			t.Errorf("%s: %v, and told was %v", f.name, err, told)
		}
		server.Say("DEL " + place(r.Key, "1"))
		set(server, r.Key, "head", head)
		set(server, r.Key, "data", data)
		if err := look(s, r.Key); err != nil {
			t.Errorf("%s: put back: %v", f.name, err)
		}
	}

	from, to := row(7), row(8)
	add(t, s, e, &from, &to)
	for _, key := range []string{place(to.Key, "1"), place(from.Key, "2")} {
		set(server, from.Key, "x", "copied whole")
		server.Say("DEL " + key)
		server.Say("HSET " + key + ` head "` + escaped(field(t, server, from.Key, "head")) + `" data "` + escaped(field(t, server, from.Key, "data")) + `"`)
	}
	if err := look(s, to.Key); !errors.Is(err, session.ErrNoRow) || len(told) != 1 {
		t.Errorf("under another's key: %v, %v", err, told)
	}
	if err := look(store(t, server, "2"), from.Key); !errors.Is(err, session.ErrNoRow) || len(told) != 1 {
		t.Errorf("in another generation: %v, %v", err, told)
	}
	others, err := valkey.NewStore(server.Client(t), "1", keyring.Memory("two").For("merlon/session/row/v1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := look(others, from.Key); !errors.Is(err, session.ErrNoRow) || len(told) != 1 {
		t.Errorf("by another key ring: %v, %v", err, told)
	}
	if _, err := valkey.NewStore(server.Client(t), "1", new(keyring.Ring).For("merlon/session/row/v1")); err == nil {
		t.Error("a store without a key")
	}
}

// TestRotated: rows that an older key has signed are read and changed, and signed by the newest then.
func TestRotated(t *testing.T) {
	server, e := valkeypeer.Start(t), engine(t)
	ring := keyring.Memory("one")
	s, err := valkey.NewStore(server.Client(t), "1", ring.For("merlon/session/row/v1"))
	if err != nil {
		t.Fatal(err)
	}
	r := row(7)
	add(t, s, e, &r)
	before := field(t, server, r.Key, "head")[:4]
	if _, err := ring.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, s, e, r.Key); err != nil {
		t.Fatal(err)
	}
	r.Version++
	write(t, e, func(w *db.Writer) error {
		if ok, err := s.Update(w, &r); !ok || err != nil {
			t.Errorf("Update = %v, %v", ok, err)
		}
		return nil
	})
	if after := field(t, server, r.Key, "head")[:4]; before != "\x00\x00\x00\x01" || after != "\x00\x00\x00\x02" {
		t.Errorf("signed by %x, then by %x", before, after)
	}
	if got, err := get(t, s, e, r.Key); err != nil || got.Version != 2 {
		t.Errorf("then it is %+v, %v", got, err)
	}
}

func TestDamaged(t *testing.T) {
	sessiontest.RunDamaged(t, len(forgeries), func(t *testing.T) (session.Store, db.Engine, func(session.Digest, int)) {
		server := valkeypeer.Start(t)
		return store(t, server, "1"), engine(t), func(key session.Digest, way int) { forgeries[way].do(t, server, key) }
	})
}

// TestNoDigests: what others have put into the indexes stops nothing, and goes with the end of all sessions and with the sweep.
func TestNoDigests(t *testing.T) {
	server := valkeypeer.Start(t)
	s, e := store(t, server, "1"), engine(t)
	r := row(7)
	add(t, s, e, &r)
	junk := func() {
		for _, name := range []string{"all", "live", "over"} {
			server.Say("ZADD merlon:session:{1}:" + name + " 5 junk")
		}
		server.Say("SADD merlon:session:{7}:user:{1} junk")
	}
	left := func(when string) {
		for _, name := range []string{"all", "live", "over"} {
			if said := server.Say("ZSCORE merlon:session:{1}:" + name + " junk"); said != "$-1\r\n" {
				t.Errorf("after %s the index %s still has it: %q", when, name, said)
			}
		}
	}
	junk()
	q := e.Read(t.Context())
	defer q.Close()
	if rows, err := s.OfUser(q, 7, now, 10); err != nil || len(rows) != 1 {
		t.Errorf("OfUser = %v, %v", rows, err)
	}
	if rows, err := s.Page(q, 0, now, 10); err != nil || len(rows) != 1 {
		t.Errorf("Page = %v, %v", rows, err)
	}
	dead, err := s.Dead(q, "", now, 10)
	if err != nil || len(dead) != 1 {
		t.Fatalf("Dead = %q, %v", dead, err)
	}
	write(t, e, func(w *db.Writer) error { _, err := s.Delete(w, dead, now); return err })
	left("the sweep")
	junk()
	write(t, e, func(w *db.Writer) error { _, err := s.EndAll(w, now, "x"); return err })
	left("the end of all")
}
