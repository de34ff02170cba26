package mistakes_test

import (
	"bufio"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed testdata/SQL-6/fixed/migrations testdata/PAGE-1/fixed/pages
var files embed.FS

var (
	schema  = db.From(files, "testdata/SQL-6/fixed/migrations")
	keep    = db.Exec(schema, "INSERT INTO note (author, text) VALUES ($1, $2)")
	pages   = page.From(files, "testdata/PAGE-1/fixed/pages")
	visible = page.New[struct{ Name secret.String }](pages, "hello.html")
)

// PASS-1: what compiles, because a statement takes any argument and JSON any value, is refused when it runs.
func TestASecretGoesNowhere(t *testing.T) {
	password := secret.New("correct horse battery staple")
	engine, err := sqlite.Engine("site.db").Scratch(t.Context(), schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	write := func(author any) error {
		return engine.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
			_, err := keep.Run(w, author, "text")
			return err
		})
	}
	var finding check.Finding
	if err := write(password); !errors.As(err, &finding) || finding.ID != db.RuleArgument.ID {
		t.Errorf("a statement takes a password: %v", err)
	}
	if err := write("Ann"); err != nil {
		t.Errorf("a statement does not take a name: %v", err)
	}
	if text, err := json.Marshal(map[string]any{"user": password}); err == nil {
		t.Errorf("JSON takes a password: %s", text)
	}
	if err := visible.Execute(io.Discard, struct{ Name secret.String }{password}); err == nil {
		t.Error("a page takes a password")
	}
}

// AVAIL-2: who sends a header slowly is cut, and nobody else waits for it.
func TestSlowClientsAreCut(t *testing.T) {
	t.Parallel()
	site := merlontest.Start(t, sites["PAGE-1"].fixed)
	address := site.Listener.Addr().String()

	// The server's other limits are those that a test would have to wait for.
	if s := site.Site.Server(); s.ReadHeaderTimeout > 10*time.Second || s.ReadTimeout > 30*time.Second || s.WriteTimeout > time.Minute || s.IdleTimeout > 2*time.Minute ||
		s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 {
		t.Errorf("a time without limit: header %v, body %v, answer %v, idle %v", s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout)
	}

	const slow = 200
	cut := make(chan error, slow)
	started := time.Now()
	for range slow {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nX-Slow: ", address)
			_ = conn.SetReadDeadline(started.Add(20 * time.Second))
			_, err := bufio.NewReader(conn).ReadBytes(0) // until it is closed
			if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
				err = nil
			}
			cut <- err
		}()
	}
	asked := time.Now()
	answer, err := http.Get("http://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if took := time.Since(asked); answer.StatusCode != http.StatusOK || took > time.Second {
		t.Errorf("beside %d slow clients an honest one got %d after %v", slow, answer.StatusCode, took)
	}
	for range slow {
		if err := <-cut; err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Fatalf("a slow client was still served after %v", time.Since(started))
			}
		}
	}
}
