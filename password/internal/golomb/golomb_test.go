package golomb_test

import (
	"fmt"
	"testing"

	"github.com/merlon-web/merlon/password/internal/golomb"
)

func TestEveryMemberIsFound(t *testing.T) {
	for _, n := range []int{1, 2, 511, 512, 513, 1024, 1025, 20000} {
		members := make([]string, n)
		for i := range members {
			members[i] = fmt.Sprint("member ", i)
		}
		members[n/2] = members[0] // twice
		set, err := golomb.Encode(members)
		if err != nil || set.Len() != n {
			t.Fatalf("%d: %v, length %d", n, err, set.Len())
		}
		for _, m := range members {
			if !set.Has(m) {
				t.Fatalf("%d: %q is missing", n, m)
			}
		}
		if wrong := strangers(set, 20000); wrong*256 > 20000 {
			t.Errorf("%d: %d of 20000 strangers are taken for members", n, wrong)
		}
		if n == 20000 && len(set)*8 > n*11 {
			t.Errorf("%d members need %d bytes", n, len(set))
		}
	}
}

func strangers(set golomb.Set, n int) (wrong int) {
	for i := range n {
		if set.Has(fmt.Sprint("stranger ", i)) {
			wrong++
		}
	}
	return wrong
}

func TestADamagedSetIsNoPanic(t *testing.T) {
	set, err := golomb.Encode([]string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range set {
		golomb.Set(set[:i]).Has("a")
		for bit := range 8 {
			b := []byte(set)
			b[i] ^= 1 << bit
			golomb.Set(b).Has("a")
		}
	}
	if golomb.Set("").Has("") || golomb.Set("no set at all, but long").Has("x") {
		t.Error("what is no set has members")
	}
	if _, err := golomb.Encode(nil); err == nil {
		t.Error("an empty set was encoded")
	}
}

func BenchmarkHas(b *testing.B) {
	members := make([]string, 200_000)
	for i := range members {
		members[i] = fmt.Sprint("member ", i)
	}
	set, err := golomb.Encode(members)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		set.Has("a stranger of some length")
	}
}
