package postgres_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/merlontest"
)

// TestMaintenanceOfAll: processes with data folders of their own are told of maintenance by the database, those too that start later;
// a restore, which brings rows of before, opens nobody.
func TestMaintenanceOfAll(t *testing.T) {
	server := pgpeer.Shared(t)
	name := server.Database(t)
	first := t.TempDir()
	one := merlontest.StartIn(t, first, club(server, name))
	keys, err := os.ReadFile(filepath.Join(first, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	another := func() *merlontest.Server {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "keys"), keys, 0o600); err != nil {
			t.Fatal(err)
		}
		return merlontest.StartIn(t, dir, club(server, name))
	}
	two := another()
	are := func(what string, closed bool, servers ...*merlontest.Server) {
		t.Helper()
		for i, s := range servers {
			marked := func() bool { // a moment after
				_, err := os.Lstat(filepath.Join(s.Site.House().Data, "maintenance"))
				return err == nil
			}
			for end := time.Now().Add(time.Minute); s.Site.House().InMaintenance() != closed || marked() != closed; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%s: process %d is closed: %t, has the mark in its folder: %t", what, i, s.Site.House().InMaintenance(), marked())
				}
			}
		}
	}
	tell := func(s *merlontest.Server, on bool) {
		t.Helper()
		if err := s.Site.House().SetMaintenance(t.Context(), on); err != nil {
			t.Fatal(err)
		}
	}
	tell(one, true)
	are("told to close", true, one, two)
	two.Visitor().Get("/news").Is(503)
	three := another()
	if !three.Site.House().InMaintenance() {
		t.Error("who starts later is open")
	}
	tell(three, false)
	are("told to open", false, one, two, three)

	tell(two, true)
	are("told again", true, one, two, three)
	server.Exec(t, name, "DELETE FROM merlon_maintenance") // what a restore does
	time.Sleep(2500 * time.Millisecond)
	are("after a restore", true, one, two, three)
	tell(one, false)
	are("opened after it", false, one, two, three)

	server.Exec(t, name, "ALTER TABLE merlon_maintenance ADD CHECK (number < 2)") // the disk is full
	if err := one.Site.House().SetMaintenance(t.Context(), true); err == nil {
		t.Error("the others could not be told, and nothing is said of it")
	}
	time.Sleep(2500 * time.Millisecond)
	are("what could not be told", true, one)
	are("what could not be told", false, two)
}
