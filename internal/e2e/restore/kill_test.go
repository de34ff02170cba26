package restore_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/s3peer"
)

// kills is how often a restore and a drill are killed, at each kind of target.
func kills() int {
	if need.Long() {
		return 250
	}
	return 10
}

// said is what a visitor wrote: it may stand in the data folder in the clear, and nowhere else.
const said = "a comment from before the loss"

// A restore or a drill that is killed at any moment leaves the old site or the new one, no point is lost, and the next one
// comes to its end.
func TestKilled(t *testing.T) {
	need.Time(t, "kills drills and restores again and again")
	t.Run("file", func(t *testing.T) {
		l := loseClub(t)
		killedDrills(t, l)
		killedRestores(t, l)
		notSaid(t, l.target)
	})
	t.Run("s3", func(t *testing.T) {
		server := s3peer.Start(t)
		server.Bucket("club-points", true)
		h := newHome(t)
		h.program = need.Built(t, "internal/e2e/restore/bucketclub")
		l := loseTo(t, h, server.Address("club-points", "base"), "--set", "credentials="+s3peer.Keys(t, s3peer.Owner, s3peer.OwnerSecret)["credentials"])
		killedDrills(t, l)
		killedRestores(t, l)
		notSaid(t, server.Folder)
	})
}

func killedRestores(t *testing.T, l *lost) {
	h := l.home
	h.run(0, "user", "add", "late@club.example") // the live site is 51 users, the point 50
	h.temp = t.TempDir()
	saved := filepath.Join(t.TempDir(), "saved")
	copyFolder(t, h.data(), saved)
	args := []string{"restore", "1", "--live", "--confirm-site", "club", "--key-file", l.kit}
	began := time.Now()
	h.run(0, args...)
	whole := time.Since(began)
	seen := map[int]int{}
	for i := range kills() {
		for _, path := range glob(t, h.path, "data*", ".data*") {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
		copyFolder(t, saved, h.data())
		killAt(t, h, rand.N(whole), args...)
		n := users(t, h)
		seen[n]++
		if n != 50 && n != 51 {
			t.Fatalf("kill %d: the site has %d users: it is neither the old one nor the new", i+1, n)
		}
		if n == 50 && len(glob(t, h.path, "data.before-restore-*")) != 1 {
			t.Fatalf("kill %d: the new site is in place, and the old data is not beside it", i+1)
		}
	}
	h.run(0, args...)
	if n := users(t, h); n != 50 {
		t.Errorf("after the kills a restore ends with %d users", n)
	}
	if left := glob(t, h.path, ".data*", "data.swap"); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	notSaid(t, h.temp)
	t.Logf("old or new after %d kills: %v", kills(), seen)
}

func killedDrills(t *testing.T, l *lost) {
	h := l.home
	h.temp = t.TempDir()
	began := time.Now()
	h.run(0, "drill")
	whole := time.Since(began)
	for i := range kills() {
		killAt(t, h, rand.N(whole), "drill")
		if n := users(t, h); n != 50 {
			t.Fatalf("kill %d: the site has %d users: the drill left something in it", i+1, n)
		}
	}
	h.run(0, "drill")
	if left := glob(t, h.data(), "scratch/*", ".*-spool-*", "backup/spool/*"); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	notSaid(t, h.temp)
	h.run(0, "backup", "verify", "--all")
}

// killAt runs a command and kills it after a while.
func killAt(t *testing.T, h *home, after time.Duration, args ...string) {
	t.Helper()
	cmd := h.command(t.Context(), args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// notSaid looks for what a visitor wrote below a folder.
func notSaid(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(said)) {
			t.Errorf("%s holds plain text", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func glob(t *testing.T, dir string, patterns ...string) (all []string) {
	t.Helper()
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(dir, p))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// users counts the accounts; the command opens the site, which completes a restore that was cut off.
func users(t *testing.T, h *home) int {
	t.Helper()
	out, _ := h.run(0, "user", "list", "--json", "--limit", "500")
	var list struct{ Users []struct{ ID int64 } }
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	return len(list.Users)
}
