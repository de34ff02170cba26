package account_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/password"
)

// The cost of hashes is measured once for all starts. A site under test takes next to none, which is not kept.
func TestCostIsKept(t *testing.T) {
	next := password.Params{Memory: 1 << 10, Time: 1}
	house := func(mode merlon.Mode) *merlon.House {
		return &merlon.House{Mode: mode, Data: t.TempDir(), Keys: keyring.Memory("cost"), Clock: time.Now}
	}
	cost := func(h *merlon.House) password.Params {
		t.Helper()
		hasher, err := account.NewHasher(h)
		if err != nil {
			t.Fatal(err)
		}
		return hasher.Params()
	}
	for mode, measured := range map[merlon.Mode]bool{merlon.Production: true, merlon.Development: true, merlon.Test: false, merlon.Drill: false} {
		h := house(mode)
		now, asked := time.Now(), 0
		h.Clock = func() time.Time { asked++; now = now.Add(20 * time.Millisecond); return now } // a hash takes 20 ms
		first := cost(h)
		if (asked > 0) != measured || measured == (first == next) {
			t.Errorf("%s: %s after %d looks at the clock", mode, first, asked)
		}
		asked = 0
		if _, err := os.Stat(filepath.Join(h.Data, "hashing.json")); (err == nil) != measured {
			t.Errorf("%s: the cost is kept: %v", mode, err)
		}
		if again := cost(h); again != first || asked > 0 {
			t.Errorf("%s: the second start takes %s after %d looks at the clock, the first %s", mode, again, asked, first)
		}
		if err := os.WriteFile(filepath.Join(h.Data, "hashing.json"), []byte(`{"Memory":20000,"Time":3}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := cost(h); got != (password.Params{Memory: 20000, Time: 3}) {
			t.Errorf("%s: %s, want what is kept", mode, got)
		}
	}
}

// The file gets its name when it is whole: what is written in place is empty for a moment, and a crash in it refuses the next start.
func TestCostIsKeptWhole(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links to what is not there need a right of their own")
	}
	h := &merlon.House{Mode: merlon.Production, Data: t.TempDir(), Keys: keyring.Memory("cost")}
	now := time.Now()
	h.Clock = func() time.Time { now = now.Add(20 * time.Millisecond); return now }
	path := filepath.Join(h.Data, "hashing.json")
	if err := os.Symlink("elsewhere", path); err != nil {
		t.Fatal(err)
	}
	if _, err := account.NewHasher(h); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
		t.Errorf("the file was written through a name that was there: %v, %v", info.Mode(), err) // by a rename it takes the name itself
	}
	if all, err := os.ReadDir(h.Data); err != nil || len(all) != 1 {
		t.Errorf("%v are left, %v", all, err)
	}
}
