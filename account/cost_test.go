package account_test

import (
	"os"
	"path/filepath"
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
	for mode, measured := range map[merlon.Mode]bool{merlon.Production: true, merlon.Development: true, merlon.Test: false} {
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
