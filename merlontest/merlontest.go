// Package merlontest is a visitor for tests: it starts a site on loopback with data of its own, loads pages, fills in the
// forms that stand on them as a browser would, and looks at what came back.
//
//	site := merlontest.Start(t, open)
//	ann := site.SignedIn("Ann")
//	ann.Get("/notes").Submit("/notes", merlontest.Values{"Text": "Hello"}).Has("Hello")
//
// It runs no JavaScript and paints nothing.
package merlontest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/session"
)

// A Server is a site that is up for one test.
type Server struct {
	Site *merlon.Site
	// Log is what the site has logged.
	Log *Log

	t      testing.TB
	addr   string
	offset atomic.Int64
	users  atomic.Int64
}

// A Log holds log lines. It is safe for concurrent use.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns all lines so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// maxFailures is how many lines of the log a failed test shows.
const maxFailures = 20

// failures returns the newest lines of errors: a page of status 500 hides the cause, and its test should not.
func (l *Log) failures() string {
	var told []string
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, " ERROR ") || strings.Contains(line, "level=ERROR") {
			told = append(told, line)
		}
	}
	return strings.Join(told[max(0, len(told)-maxFailures):], "")
}

// Start opens a site in a folder of the test, starts it and listens on loopback until the test ends.
func Start(t testing.TB, open func(merlon.Env) (*merlon.Site, error)) *Server {
	t.Helper()
	return StartIn(t, t.TempDir(), open)
}

// StartIn is [Start] with a data folder of the caller's, for tests that start a site twice on the same data.
func StartIn(t testing.TB, dir string, open func(merlon.Env) (*merlon.Site, error)) *Server {
	t.Helper()
	s := &Server{t: t, Log: &Log{}}
	site, err := open(merlon.Env{Data: dir, Mode: merlon.Test, Clock: s.Now, Log: event.NewLog(s.Log, false, slog.LevelInfo)})
	if err != nil {
		t.Fatalf("merlontest: the site cannot be put together:\n%v", err)
	}
	if err := site.Start(context.Background()); err != nil {
		t.Fatalf("merlontest: the site cannot start: %v", err)
	}
	t.Cleanup(func() {
		if told := s.Log.failures(); t.Failed() && told != "" {
			t.Logf("merlontest: what failed in the site, from its log:\n%s", told)
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("merlontest: %v", err)
	}
	s.Site, s.addr = site, l.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	site.Listening(l.Addr())
	go func() { done <- site.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("merlontest: serve: %v", err)
		}
		if err := site.Close(context.Background()); err != nil {
			t.Errorf("merlontest: close: %v", err)
		}
	})
	return s
}

// Now is the site's clock: the system's, moved on by [Server.Advance].
func (s *Server) Now() time.Time { return time.Now().Add(time.Duration(s.offset.Load())) }

// Advance moves the site's clock on.
func (s *Server) Advance(d time.Duration) { s.offset.Add(int64(d)) }

// URL returns the address of a path.
func (s *Server) URL(path string) string { return s.Site.Origin() + path }

// Addr returns the listener's address.
func (s *Server) Addr() string { return s.addr }

// Write changes the site's data directly, as a job would.
func (s *Server) Write(do func(w *db.Writer) error) {
	s.t.Helper()
	ctx := event.With(context.Background(), event.RecorderFunc(func(ctx context.Context, e event.Event) {
		s.Site.House().Log.LogAttrs(ctx, e.Level(), e.Title, e.Attrs()...)
	}))
	err := s.Site.House().Engine.Write(ctx, func(_ context.Context, w *db.Writer) error { return do(w) })
	if err != nil {
		s.t.Fatalf("merlontest: Write: %v", err)
	}
}

// Read looks at the site's data directly.
func (s *Server) Read(do func(r *db.Reader) error) {
	s.t.Helper()
	r := s.Site.House().Engine.Read(context.Background())
	defer r.Close()
	if err := do(r); err != nil {
		s.t.Fatalf("merlontest: Read: %v", err)
	}
}

// SignedIn makes a user with these roles and returns a visitor with a session, as after a sign-in by password; no password
// is made, so that no hash is computed. An administrator has shown a second factor, as every one must. The site must have the
// part account.
func (s *Server) SignedIn(name string, roles ...string) *Visitor {
	s.t.Helper()
	v := s.Visitor()
	h := s.Site.House()
	class, factors := session.Ordinary, 1
	if slices.Contains(roles, account.Admin) {
		class, factors = session.Administrator, 2
	}
	email := fmt.Sprintf("user%d@example.test", s.users.Add(1))
	s.Write(func(w *db.Writer) error {
		id, err := account.Create(w, email, name, account.NoPassword, s.Now(), roles...)
		if err != nil {
			return err
		}
		v.UserID, v.Email = id, email
		sw, err := h.Sessions.Begin(h.Sessions.Nobody(), w)
		if err != nil {
			return err
		}
		if err := sw.Rotate(session.Level{User: id, Factors: factors, Recent: s.Now(), Class: class}); err != nil {
			return err
		}
		if err := sw.Save(); err != nil {
			return err
		}
		c, ok := sw.Cookie()
		if !ok {
			return fmt.Errorf("the session gave no cookie")
		}
		v.cookies[c.Name] = c.Value
		return nil
	})
	return v
}

// Jobs waits until the site has done every job that is due by its clock; a minute at most.
func (s *Server) Jobs() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Site.House().WaitJobs(ctx); err != nil {
		s.t.Fatalf("merlontest: Jobs: %v", err)
	}
}
