package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

// TestLostRight: a reader whose role may not read any more is told of that, not only of writing; the next start mends it.
func TestLostRight(t *testing.T) {
	server, name, e := site(t)
	server.Exec(t, name, "REVOKE SELECT ON note FROM "+pgpeer.Reader)
	count := func() error {
		r := e.Read(t.Context())
		defer r.Close()
		_, err := howMany.One(r)
		return err
	}
	if err := count(); err == nil || !strings.Contains(err.Error(), "lost its right") || !strings.Contains(err.Error(), "start any process") {
		t.Errorf("without the right: %v", err)
	}
	open(t, postgres.Engine(server.Config(name)))
	if err := count(); err != nil {
		t.Errorf("after another start: %v", err)
	}
}

// TestWrongSettings: a start that the server refuses says what is wrong, names the setting, and calls nothing busy.
func TestWrongSettings(t *testing.T) {
	server := pgpeer.Shared(t)
	name := server.Database(t)
	server.Exec(t, name, "REVOKE CONNECT ON DATABASE "+name+" FROM "+pgpeer.Reader)
	right := server.Config(name)
	nobody := func(role string) string { return "postgres://" + role + "@127.0.0.1:1/" + name + "?sslmode=disable" }
	for what, one := range map[string]struct {
		config postgres.Config
		words  []string
		away   bool
	}{
		"no such role":     {postgres.Config{URL: server.URL("stranger", name), Reader: right.Reader}, []string{"db.url", "db.password_file"}, false},
		"no such database": {server.Config("nowhere"), []string{"nowhere", "db.url", "migrate setup"}, false},
		"no right":         {right, []string{pgpeer.Reader, "migrate setup"}, false},
		"no such reader":   {postgres.Config{URL: right.URL, Reader: server.URL("stranger", name)}, []string{"db.reader", "db.reader_password_file"}, false},
		"nobody there":     {postgres.Config{URL: nobody(pgpeer.Owner), Reader: nobody(pgpeer.Reader)}, []string{"away", "refused", "db.url"}, true},
	} {
		err := postgres.Engine(one.config).Open(t.Context(), "", schema)
		if err == nil || !errors.Is(err, db.ErrBusy) || errors.Is(err, db.ErrAway) != one.away || strings.Contains(err.Error(), "busy") {
			t.Errorf("%s: %v", what, err)
			continue
		}
		for _, word := range one.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: without %q: %v", what, word, err)
			}
		}
	}
}
