package passkey_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
)

// copyData copies the data of a site that is up, as a backup does.
func copyData(t *testing.T, s *merlontest.Server) (dir string, site *merlon.Site) {
	t.Helper()
	dir = t.TempDir()
	h := s.Site.House()
	if err := h.Engine.CopyTo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(filepath.Join(h.Data, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "keys"), keys, 0o600); err != nil {
		t.Fatal(err)
	}
	site, err = open(merlon.Env{Data: dir, Mode: merlon.Drill, Clock: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	return dir, site
}

// After a theft what was planted in the database undoes nothing that is voided; passkeys stay, and are told with those who may
// decide something.
func TestRestoredAfterTheft(t *testing.T) {
	s := withPassword(t)
	d := newDevice(t, s)
	d.add(byPassword(s, annsPassword), "My phone").At("/account/passkeys")
	_, before := copyData(t, s)
	older, err := before.Powers(t.Context())
	if err != nil || len(older) != 1 || !strings.HasPrefix(older[0], "passkey ") || !strings.Contains(older[0], " of user 1, added ") {
		t.Fatalf("%q, %v", older, err)
	}
	s.Write(func(w *db.Writer) error { return account.SetRoles(s.Site.House(), w, 1, account.Admin) })
	dir, site := copyData(t, s)
	raw, err := sqlite3.Open(filepath.Join(dir, "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Exec(`CREATE TRIGGER planted AFTER UPDATE OF password ON merlon_user BEGIN UPDATE merlon_user SET password = OLD.password WHERE id = OLD.id; END`); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	report, err := site.Restore(t.Context(), merlon.Restore{Point: "7", Instant: s.Now().Add(-time.Hour), Now: s.Now(), Who: "test", AfterTheft: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{`trigger "planted" on merlon_user, dropped`}; !slices.Equal(report.Strangers, want) {
		t.Errorf("strangers: %q, want %q", report.Strangers, want)
	}
	if want := append([]string{"user 1, ann@example.test: admin"}, older...); !slices.Equal(report.Powers, want) {
		t.Errorf("powers: %q, want %q", report.Powers, want)
	}
	if report.Of("passkeys kept") != 1 || !strings.Contains(strings.Join(report.MayReturn, "\n"), "passkeys that were removed since") {
		t.Errorf("the report: %+v", report)
	}
	copied := merlontest.StartIn(t, dir, open)
	byPassword(copied, annsPassword).At("/account/reset/sent") // void, whatever the trigger would have done
	d.origin = copied.Site.Origin()                            // its port is another one
	d.signIn(copied.Visitor()).At("/")
}

// Without a theft a stranger is named, and nothing of the database is changed.
func TestRestoredNamesStrangers(t *testing.T) {
	s := withPassword(t)
	dir, site := copyData(t, s)
	raw, err := sqlite3.Open(filepath.Join(dir, "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Exec(`CREATE VIEW of_the_owner AS SELECT id FROM merlon_user`); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	report, err := site.Restore(t.Context(), merlon.Restore{Point: "7", Instant: s.Now(), Now: s.Now(), Who: "test"})
	if err != nil || !slices.Equal(report.Strangers, []string{`view "of_the_owner"`}) || report.Powers != nil {
		t.Errorf("%+v, %v", report, err)
	}
	for _, want := range []string{"deleted or disabled", "addresses that were moved", "apps that were removed"} {
		if !strings.Contains(strings.Join(report.MayReturn, "\n"), want) {
			t.Errorf("what may have come back lacks %q: %q", want, report.MayReturn)
		}
	}
}
