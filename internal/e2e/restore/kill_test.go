package restore_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// kills is how often a restore is killed.
const kills = 20

// A restore that is killed at any moment leaves the old site or the new one, and the next one comes to its end.
func TestKilledRestore(t *testing.T) {
	need.Time(t, "kills a restore again and again")
	l := loseClub(t)
	h := l.home
	h.run(0, "user", "add", "late@club.example") // the live site is 51 users, the point 50
	saved := filepath.Join(t.TempDir(), "saved")
	if out, err := exec.Command("cp", "-a", h.data(), saved).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	args := []string{"restore", "1", "--live", "--confirm-site", "club", "--key-file", l.kit}
	began := time.Now()
	h.run(0, args...)
	whole := time.Since(began)
	seen := map[int]int{}
	for i := range kills {
		for _, path := range glob(t, h.path, "data*", ".data*") {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := exec.Command("cp", "-a", saved, h.data()).CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
		cmd := h.command(t.Context(), args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(whole))))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
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
	t.Logf("old or new after %d kills: %v", kills, seen)
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
