package account_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/sqlite"
)

func costEngine(t *testing.T) db.Engine {
	t.Helper()
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), t.TempDir(), account.Schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	if _, err := e.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// machine is a house on one on which a hash takes some time, by its clock; asked counts the looks at that.
func machine(e db.Engine, mode merlon.Mode, takes time.Duration) (h *merlon.House, asked *int) {
	now := time.Now()
	asked = new(int)
	return &merlon.House{Mode: mode, Engine: e, Keys: keyring.Memory("cost"), Clock: func() time.Time { *asked++; now = now.Add(takes); return now }}, asked
}

func cost(t *testing.T, h *merlon.House) password.Params {
	t.Helper()
	hasher, err := account.NewHasher(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	return hasher.Params()
}

// TestCostIsKept: the cost of hashes is measured once for all starts. A site under test takes next to none, which is not kept.
func TestCostIsKept(t *testing.T) {
	next := password.Params{Memory: 1 << 10, Time: 1}
	for mode, measured := range map[merlon.Mode]bool{merlon.Production: true, merlon.Development: true, merlon.Test: false, merlon.Drill: false} {
		e := costEngine(t)
		h, asked := machine(e, mode, 20*time.Millisecond)
		first := cost(t, h)
		if (*asked > 0) != measured || measured == (first == next) {
			t.Errorf("%s: %s after %d looks at the clock", mode, first, *asked)
		}
		*asked = 0
		if again := cost(t, h); again != first || *asked > 0 {
			t.Errorf("%s: the second start takes %s after %d looks at the clock, the first %s", mode, again, *asked, first)
		}
		keep(t, e, 20000, 3)
		if got := cost(t, h); got != (password.Params{Memory: 20000, Time: 3}) {
			t.Errorf("%s: %s, want what is kept", mode, got)
		}
		keep(t, e, 1<<33, 3)
		if _, err := account.NewHasher(t.Context(), h); err == nil || !strings.Contains(err.Error(), "merlon_cost") {
			t.Errorf("%s: a cost that cannot be: %v", mode, err)
		}
	}
}

func keep(t *testing.T, e db.Engine, memory, passes int64) {
	t.Helper()
	if err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error { return account.KeepCost(w, memory, passes) }); err != nil {
		t.Fatal(err)
	}
}

// TestCostIsOne: processes of one site take the same cost, whatever their machines, also when both measure at once.
func TestCostIsOne(t *testing.T) {
	e := costEngine(t)
	fast, _ := machine(e, merlon.Production, time.Millisecond)
	slow, asked := machine(e, merlon.Production, 40*time.Millisecond)
	if a, b := cost(t, fast), cost(t, slow); a != b || *asked > 0 {
		t.Errorf("%s, and then %s on a slower machine after %d looks at its clock", a, b, *asked)
	}
	if alone, _ := machine(costEngine(t), merlon.Production, 40*time.Millisecond); cost(t, alone) == cost(t, fast) {
		t.Fatal("the two machines measure the same, so this shows nothing")
	}

	e = costEngine(t)
	var got [4]password.Params
	var measured sync.WaitGroup
	measured.Add(len(got))
	var all sync.WaitGroup
	for i := range got {
		h, _ := machine(e, merlon.Production, time.Duration(1+20*i)*time.Millisecond)
		clock, once := h.Clock, sync.Once{}
		h.Clock = func() time.Time { // nobody is done before all have begun
			once.Do(func() { measured.Done(); measured.Wait() })
			return clock()
		}
		all.Go(func() { got[i] = cost(t, h) })
	}
	all.Wait()
	for _, p := range got {
		if p != got[0] {
			t.Errorf("who measured at once has %v", got)
		}
	}
}
