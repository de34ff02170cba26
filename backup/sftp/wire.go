package sftp

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/merlon-web/merlon/backup"
)

// connect returns the connection, a new one when there is none that lives.
func (t *target) connect(ctx context.Context) (*connection, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live != nil {
		select {
		case <-t.live.broken:
			t.live.end()
			t.live = nil
		default:
			return t.live, nil
		}
	}
	dial := net.Dialer{Timeout: t.config.Timeout}
	raw, err := dial.DialContext(ctx, "tcp", t.host)
	if err != nil {
		return nil, err
	}
	wire := backup.Restless(raw, idle)
	// What is cancelled in the middle of the handshake is cut.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	conn, channels, requests, err := ssh.NewClientConn(wire, t.host, t.config)
	if err != nil {
		_ = raw.Close()
		stop()
		return nil, err
	}
	over := ssh.NewClient(conn, channels, requests)
	client, err := sftp.NewClient(over, sftp.UseConcurrentWrites(true))
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	c := &connection{client, raw, make(chan struct{})}
	go func() {
		_ = over.Wait()
		close(c.broken)
	}()
	t.live = c
	return c, nil
}

// do asks once, and cuts the connection when the caller has no more patience and the server says nothing.
func (t *target) do(ctx context.Context, op, name string, ask func(c *connection) error) error {
	return backup.Patiently(ctx, func(int, bool) error { return t.once(ctx, op, name, ask) })
}

func (t *target) once(ctx context.Context, op, name string, ask func(c *connection) error) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	c, err := t.connect(ctx)
	if err != nil {
		return t.fail(ctx, op, name, err)
	}
	done := make(chan error, 1)
	go func() { done <- ask(c) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done:
		case <-time.After(time.Second):
			_ = c.wire.Close()
			err = <-done
		}
		if err == nil {
			err = context.Cause(ctx)
		}
	}
	return t.fail(ctx, op, name, err)
}

// fail says what an error means.
func (t *target) fail(ctx context.Context, op, name string, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if already := new(backup.TargetError); errors.As(err, &already) {
		return err
	}
	e := &backup.TargetError{Op: op, Target: t.address, Name: name, Kind: backup.ErrUnreachable, Err: err}
	var host *hostError
	var status *sftp.StatusError
	var auth *ssh.ServerAuthError
	switch {
	case errors.As(err, &host):
		e.Kind, e.Advice = host.kind, host.advice
	case errors.As(err, &auth) || strings.Contains(err.Error(), "unable to authenticate"):
		e.Kind, e.Advice = backup.ErrDenied, "append the public half of key-file to the authorized_keys of "+t.config.User+" there"
	case errors.Is(err, os.ErrNotExist):
		e.Kind = backup.ErrNotFound
	case errors.Is(err, os.ErrExist):
		e.Kind = backup.ErrExists
	case errors.Is(err, os.ErrPermission):
		e.Kind = backup.ErrDenied
	case errors.As(err, &status):
		e.Kind = backup.ErrDenied // it answers, and says no more than "failure"
		if code := status.FxCode(); code == sftp.ErrSSHFxConnectionLost || code == sftp.ErrSSHFxNoConnection {
			e.Kind = backup.ErrUnreachable
		}
	default:
		for _, kind := range []error{backup.ErrNotFound, backup.ErrExists, backup.ErrDenied, backup.ErrFull, backup.ErrDamaged, backup.ErrNoLock, backup.ErrName, backup.ErrAddress} {
			if errors.Is(err, kind) {
				e.Kind = kind
			}
		}
	}
	return e
}
