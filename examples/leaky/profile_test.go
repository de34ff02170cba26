package main_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/examples/leaky/site"
)

// kept is a log that may be read while it is written.
type kept struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (k *kept) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.b.Write(p)
}

func (k *kept) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.b.String()
}

// fetches is a transport that says what it is asked to fetch.
type fetches struct{ log *kept }

func (f fetches) RoundTrip(r *http.Request) (*http.Response, error) {
	fmt.Fprintf(f.log, "fetches %s\n", r.URL)
	return http.DefaultTransport.RoundTrip(r)
}

// leaky opens a fresh broken twin and what its owner can tell of it.
func leaky(t *testing.T) (*site.Site, attack.Profile) {
	t.Helper()
	folder := t.TempDir()
	var log, mails kept
	client := &http.Client{Transport: fetches{&log}}
	s, err := site.New(site.Config{Folder: folder, Log: &log, Client: client, Mail: func(_ string, m []byte) error {
		_, err := mails.Write(m)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	p := attack.Profile{Origin: "https://club.example", Log: log.String, Mail: mails.String, State: func() string { return dump(t, s.DB(), folder) }}
	// What no page links to and its developer knows: the routes without parameters, and what scripts and the app send.
	p.Starts = []string{"/api/me", "/api/members", "/api/events", "/reset", "/debug/request", "/debug/stats"}
	p.Calls = []attack.Call{
		{Method: "POST", Path: "/api/login", JSON: fmt.Sprintf(`{"email":%q,"password":%q}`, site.Users[2].Email, site.Users[2].Password)},
		{Method: "POST", Path: "/api/news/1/like", JSON: `{"up":true}`},
		{Method: "PUT", Path: "/api/me", JSON: `{"Name":"Anna Ahrens","Bio":"I row."}`},
	}
	p.Keep = func() func() { return keep(t, s.DB(), folder) }
	p.Disable = func(u attack.User, out bool) { // as the administrators' button does
		if _, err := s.DB().Exec("UPDATE users SET blocked = ? WHERE email = ?", out, u.Fields["email"]); err != nil {
			t.Fatal(err)
		}
	}
	p.Backups = &attack.Backups{Make: func(context.Context) error { return s.Backup() }, Data: folder, Place: filepath.Join(folder, "backups"), Delete: s.DeleteBackup, Rehearsed: s.Rehearsed,
		Restore: func(_ context.Context, into, _ string) error { return s.Restore(into) }}
	for _, u := range site.Users {
		role := u.Role
		if role == "member" {
			role = "" // the attacker's word for a user without a role
		}
		p.Users = append(p.Users, attack.User{Role: role, Fields: map[string]string{"email": u.Email, "password": u.Password}})
	}
	return s, p
}

// tables are those of the site.
var tables = []string{"users", "sessions", "news", "comments", "events", "invitations", "bookings", "messages", "resets", "subscribers", "files"}

// keep copies all rows, and returns what puts them back. The files stay as they are.
func keep(t *testing.T, db *sql.DB, _ string) (back func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kept.db")
	if _, err := db.Exec("VACUUM INTO ?", file); err != nil {
		t.Fatal(err)
	}
	return func() {
		c, err := db.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		do := func(statement string, args ...any) {
			if _, err := c.ExecContext(context.Background(), statement, args...); err != nil {
				t.Fatal(err)
			}
		}
		do("ATTACH ? AS kept", file)
		do("BEGIN IMMEDIATE")
		for _, table := range tables {
			do("DELETE FROM " + table)
			do("INSERT INTO " + table + " SELECT * FROM kept." + table)
		}
		do("COMMIT")
		do("DETACH kept")
	}
}

// dump is all rows, and all files beside the database.
func dump(t *testing.T, db *sql.DB, folder string) string {
	var b strings.Builder
	for _, table := range tables {
		rows, err := db.Query("SELECT * FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			row := make([]any, len(names))
			for i := range row {
				row[i] = new(any)
			}
			if err := rows.Scan(row...); err != nil {
				t.Fatal(err)
			}
			b.WriteString(table)
			for _, v := range row {
				switch v := (*v.(*any)).(type) {
				case []byte:
					fmt.Fprintf(&b, "|%s", v)
				default:
					fmt.Fprint(&b, "|", v)
				}
			}
			b.WriteByte('\n')
		}
		rows.Close()
	}
	filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), "club.db") {
			info, err := d.Info()
			if err != nil {
				return nil
			}
			var text []byte
			if info.Size() < 1<<10 {
				text, _ = os.ReadFile(name)
			}
			fmt.Fprintf(&b, "%s %d %s\n", strings.TrimPrefix(name, folder), info.Size(), text)
		}
		return nil
	})
	return b.String()
}
