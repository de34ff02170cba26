package postgres_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

// between is something between a site and its server, as a pooler is.
type between struct {
	t       *testing.T
	server  *pgpeer.Server
	port    int
	startup func(map[string]string) // changes what a connection is asked for
	pid     uint32                  // added to the number of the server's process
	silent  atomic.Bool             // lets nothing through from now on
}

func (b *between) listen() {
	b.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { l.Close() })
	b.port = l.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(c)
		}
	}()
}

func (b *between) serve(c net.Conn) {
	defer c.Close()
	first, err := pgproto3.NewBackend(c, c).ReceiveStartupMessage()
	m, ok := first.(*pgproto3.StartupMessage)
	if err != nil || !ok {
		return
	}
	if b.startup != nil {
		b.startup(m.Parameters)
	}
	s, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.server.Port))
	if err != nil {
		return
	}
	defer s.Close()
	text, err := m.Encode(nil)
	if err != nil {
		return
	}
	if _, err := s.Write(text); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(gate{s, b}, c)
		s.Close()
	}()
	_ = b.answers(gate{c, b}, s)
}

// gate writes until nothing is to be let through.
type gate struct {
	net.Conn
	b *between
}

func (g gate) Write(p []byte) (int, error) {
	if g.b.silent.Load() {
		return len(p), nil
	}
	return g.Conn.Write(p)
}

// answers hands messages of the server on.
func (b *between) answers(to io.Writer, from io.Reader) error {
	for {
		head := make([]byte, 5)
		if _, err := io.ReadFull(from, head); err != nil {
			return err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(from, body); err != nil {
			return err
		}
		if head[0] == 'K' {
			binary.BigEndian.PutUint32(body, binary.BigEndian.Uint32(body)+b.pid)
		}
		if _, err := to.Write(append(head, body...)); err != nil {
			return err
		}
	}
}

func (b *between) config(database string) postgres.Config {
	to := func(url string) string {
		return strings.Replace(url, fmt.Sprintf(":%d/", b.server.Port), fmt.Sprintf(":%d/", b.port), 1)
	}
	return postgres.Config{URL: to(b.server.URL(pgpeer.Owner, database)), Reader: to(b.server.URL(pgpeer.Reader, database))}
}

// TestPooler has things between that take guards off: the engine does not open. One that changes nothing is no hindrance.
func TestPooler(t *testing.T) {
	server := pgpeer.Shared(t)
	for _, one := range []struct {
		name string
		b    *between
		says string
	}{
		{"nothing", &between{}, ""},
		{"another process", &between{pid: 1}, "another than the one"},
		{"settings", &between{startup: func(p map[string]string) {
			for name := range p {
				if name != "user" && name != "database" {
					delete(p, name)
				}
			}
		}}, "was asked for with"},
		{"search path", &between{startup: func(p map[string]string) { p["search_path"] = `"$user", public` }}, "search_path"},
		{"limit of time", &between{startup: func(p map[string]string) { delete(p, "statement_timeout") }}, "statement_timeout"},
		{"read-only default", &between{startup: func(p map[string]string) { delete(p, "default_transaction_read_only") }}, ""}, // Setup has given it to the role
		{"role", &between{startup: func(p map[string]string) { p["user"] = pgpeer.Owner }}, `as "site_reader"`},
	} {
		t.Run(one.name, func(t *testing.T) {
			b := &between{t: t, server: server, startup: one.b.startup, pid: one.b.pid}
			b.listen()
			e := postgres.Engine(b.config(server.Database(t)))
			err := e.Open(t.Context(), "", schema)
			defer e.Close()
			var f check.Finding
			switch {
			case one.says == "" && err != nil:
				t.Error(err)
			case one.says != "" && (!errors.As(err, &f) || f.ID != db.RulePooler.ID || !strings.Contains(f.What, one.says)):
				t.Errorf("got %v, want a finding that says %q", err, one.says)
			}
		})
	}
}

// TestSilence has a server that says nothing any more, as one behind a network that has failed: a reader and a writer whose
// context never ends are told so, and find the server again when it is back.
func TestSilence(t *testing.T) {
	server := pgpeer.Shared(t)
	b := &between{t: t, server: server}
	b.listen()
	e := postgres.Engine(b.config(server.Database(t)))
	postgres.Impatient(e, 2*time.Second)
	open(t, e)
	add(t, e, "a")
	r := e.Read(t.Context())
	defer r.Close()
	if n, err := howMany.One(r); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	b.silent.Store(true)
	if _, err := howMany.One(r); !errors.Is(err, db.ErrBusy) {
		t.Errorf("a reader: %v, want ErrBusy", err)
	}
	b.silent.Store(false)
	r.Close()
	add(t, e, "b")
}
