package password

import (
	"math"
	"runtime/debug"
	"testing"
	"time"
)

func TestLimitIsTheProgramsOwnAfterwards(t *testing.T) {
	const own = 3 << 40
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(own))
	var b bound
	now := func() int64 { return debug.SetMemoryLimit(-1) }
	b.enter(32 << 20)
	first := now()
	if first >= own || first < 32<<20 {
		t.Errorf("within a hash the limit is %d, want one between the hash and the program's own", first)
	}
	b.enter(64 << 20)
	if got := now(); got < first+16<<20 {
		t.Errorf("with a second, larger one it is %d, want more than %d", got, first)
	}
	b.leave()
	if now() == own {
		t.Error("the limit is gone while a hash is still computed")
	}
	b.leave()
	if got := now(); got != own {
		t.Errorf("after the last hash the limit is %d, want %d", got, int64(own))
	}
}

func TestLowerLimitOfTheProgramStays(t *testing.T) {
	const own = 24 << 20
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(own))
	var b bound
	b.enter(32 << 20)
	defer b.leave()
	if got := debug.SetMemoryLimit(-1); got != own {
		t.Errorf("the limit is %d, want the program's %d", got, own)
	}
}

func TestHashLeavesNoLimit(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	h := &Hasher{clock: time.Now, params: floor, pool: newPool(1, 1, 1, aim)}
	var within int64
	if err := h.slot(t.Context(), nil, From{}, func() { within = debug.SetMemoryLimit(-1) }); err != nil {
		t.Fatal(err)
	}
	if within == math.MaxInt64 {
		t.Error("the hash was computed without a limit")
	}
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("the limit is %d afterwards", got)
	}
}
