package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// relayPort stands in the name of a relay's socket, as clients of PostgreSQL look for it.
const relayPort = 5432

// A relay lends the way to one database to programs of this machine that are given no password, no certificate and no network:
// it signs in for them, over the TLS of the site's own address, and hands on what they say. Who may enter the folder of its
// socket, made with mode 0700, is whom it serves; other databases and other roles than the two are refused.
type relay struct {
	way  *way
	l    net.Listener
	ctx  context.Context
	stop context.CancelFunc

	mu   sync.Mutex
	open map[uint32]*relayed // by the number of the server's process
	work sync.WaitGroup
}

// relayed is one connection that was signed in.
type relayed struct {
	pg  *pgconn.PgConn
	key string
}

// lend serves the way in a folder until close is called.
func (w *way) lend(folder string) (*relay, error) {
	l, err := net.Listen("unix", filepath.Join(folder, ".s.PGSQL."+strconv.Itoa(relayPort)))
	if err != nil {
		return nil, fmt.Errorf("postgres: the way to the database cannot be lent: %w", err)
	}
	return w.relay(l), nil
}

// acceptAgain is how long a relay waits when it could not let a client in: too many files are open, and that passes.
const acceptAgain = 100 * time.Millisecond

// relay serves the way to whom a listener lets in.
func (w *way) relay(l net.Listener) *relay {
	r := &relay{way: w, l: l, open: map[uint32]*relayed{}}
	r.ctx, r.stop = context.WithCancel(context.Background())
	r.work.Go(func() {
		for {
			c, err := l.Accept()
			switch {
			case err == nil:
				r.work.Go(func() { r.serve(c) })
			case errors.Is(err, net.ErrClosed):
				return
			default:
				select {
				case <-r.ctx.Done():
					return
				case <-time.After(acceptAgain):
				}
			}
		}
	})
	return r
}

// close ends the relay and every connection that it lent.
func (r *relay) close() {
	r.stop()
	_ = r.l.Close()
	r.work.Wait()
}

// serve signs one client in and hands on what both sides say.
func (r *relay) serve(c net.Conn) {
	defer c.Close()
	defer context.AfterFunc(r.ctx, func() { _ = c.Close() })()
	back := pgproto3.NewBackend(c, c)
	_ = c.SetDeadline(time.Now().Add(dialTimeout))
	for {
		message, err := back.ReceiveStartupMessage()
		if err != nil {
			return
		}
		switch m := message.(type) {
		case *pgproto3.SSLRequest, *pgproto3.GSSEncRequest: // not on this machine
			if _, err := c.Write([]byte{'N'}); err != nil {
				return
			}
		case *pgproto3.CancelRequest:
			r.cancel(m)
			return
		case *pgproto3.StartupMessage:
			_ = c.SetDeadline(time.Time{})
			if err := r.join(c, back, m.Parameters); err != nil {
				back.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "08006", Message: err.Error()})
				_ = back.Flush()
			}
			return
		default:
			return
		}
	}
}

// join connects one client; it returns when the connection has ended, an error if it never began.
func (r *relay) join(c net.Conn, back *pgproto3.Backend, asked map[string]string) error {
	from := r.way.owner
	if asked["user"] == r.way.reader.User {
		from = r.way.reader
	}
	if asked["user"] != from.User || asked["database"] != from.Database {
		return fmt.Errorf("only the database %q is lent, to its two roles", from.Database)
	}
	cfg := from.Copy()
	cfg.ConnectTimeout, cfg.RuntimeParams = dialTimeout, maps.Clone(noLimits) // a program that has limits asks for them
	for name, value := range asked {
		if name != "user" && name != "database" && name != "replication" {
			cfg.RuntimeParams[name] = value
		}
	}
	pg, err := pgconn.ConnectConfig(r.ctx, cfg)
	if err != nil {
		return connecting(err)
	}
	if _, err := pg.Exec(r.ctx, laterLimits(majorOf(pg.ParameterStatus("server_version")))).ReadAll(); err != nil {
		return errors.Join(connecting(err), pg.Close(r.ctx))
	}
	h, err := pg.Hijack()
	if err != nil {
		return err
	}
	defer h.Conn.Close()
	defer context.AfterFunc(r.ctx, func() { _ = h.Conn.Close() })()
	r.mu.Lock()
	r.open[h.PID] = &relayed{pg, string(h.SecretKey)}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.open, h.PID)
		r.mu.Unlock()
	}()
	back.Send(&pgproto3.AuthenticationOk{})
	for name, value := range h.ParameterStatuses {
		back.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	back.Send(&pgproto3.BackendKeyData{ProcessID: h.PID, SecretKey: h.SecretKey})
	back.Send(&pgproto3.ReadyForQuery{TxStatus: h.TxStatus})
	if err := back.Flush(); err != nil {
		return nil // the client has gone
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(h.Conn, c); _ = h.Conn.Close() })
	both.Go(func() { _, _ = io.Copy(c, h.Conn); _ = c.Close() })
	both.Wait()
	return nil
}

// cancel hands on that a client wants its statement to end.
func (r *relay) cancel(m *pgproto3.CancelRequest) {
	r.mu.Lock()
	one := r.open[m.ProcessID]
	r.mu.Unlock()
	if one == nil || one.key != string(m.SecretKey) {
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, dialTimeout)
	defer cancel()
	_ = one.pg.CancelRequest(ctx)
}

// privateRelay is a relay in a new folder, for a program that this process starts.
func (w *way) privateRelay() (folder string, close func(), err error) {
	if folder, err = os.MkdirTemp("", "merlon-db-"); err != nil { // mode 0700; a path of its own: those of sockets must be short
		return "", nil, fmt.Errorf("postgres: %w", err)
	}
	r, err := w.lend(folder)
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(folder))
	}
	return folder, func() { r.close(); _ = os.RemoveAll(folder) }, nil
}
