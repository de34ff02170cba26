package mistakes_test

import (
	"bufio"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
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
	none    = page.From(files, "testdata/SQL-6/fixed/migrations") // for the site below, which has no pages
	visible = page.New[struct{ Name secret.String }](pages, "hello.html")
	notes   = db.Query[note](schema, "SELECT author, text FROM note ORDER BY id LIMIT 50")
)

type note struct{ Author, Text string }

func list(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	all, err := notes.All(r.DB)
	return merlon.JSON(all), err
}

func shop(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Engine: sqlite.Engine("site.db"), Schema: schema, Pages: none,
		Routes: []merlon.Route{merlon.Get("/", merlon.Public(), list)}})
}

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
	address := site.Addr()

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
			_ = conn.SetReadDeadline(started.Add(time.Minute))
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
	if took := time.Since(asked); answer.StatusCode != http.StatusOK || took > 4*time.Second {
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

// XSS-8: an answer in JSON is no page to any browser, whatever it holds.
func TestJSONIsNoPage(t *testing.T) {
	site := merlontest.Start(t, shop)
	err := site.Site.House().Engine.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		_, err := keep.Run(w, "Ann", "<script>alert(1)</script>")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	v := site.Visitor().Get("/").Is(http.StatusOK)
	if !strings.Contains(v.Body, "alert(1)") || strings.Contains(v.Body, "<script") {
		t.Errorf("the note is missing, or stands as it was written: %s", v.Body)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"} {
		if got := v.Header.Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// SECR-2: the pages that show the inside are not there in production; there is no switch for it.
func TestProductionHasNoDebugPages(t *testing.T) {
	for mode, want := range map[merlon.Mode]int{merlon.Development: http.StatusOK, merlon.Production: http.StatusNotFound} {
		env := merlon.Env{Data: filepath.Join(t.TempDir(), "data"), Mode: mode, Log: slog.New(slog.DiscardHandler)}
		host := "localhost"
		if mode == merlon.Production {
			host = "shop.example"
			env.Settings.Origin = "https://" + host
		}
		site, err := shop(env)
		if err != nil {
			t.Fatal(err)
		}
		if err := site.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "https://"+host+"/_merlon/dev/mail", nil)
		r.RemoteAddr = "127.0.0.1:4000"
		answer := httptest.NewRecorder()
		site.ServeHTTP(answer, r)
		if answer.Code != want {
			t.Errorf("%v: the page of mails answers %d, want %d: %s", mode, answer.Code, want, answer.Body)
		}
		if err := site.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
