package s3

import (
	"errors"
	"fmt"
	"testing"

	"github.com/merlon-web/merlon/backup"
)

// Of a name that somebody wrote over as often as they like the oldest versions are told, which were there before, and the newest,
// which stands in front; a store that goes in a circle is found out.
func TestOfManyVersionsTheOldestAreTold(t *testing.T) {
	for _, n := range []int{0, 1, 2, mostVersions - 1, mostVersions, mostVersions + 1, 5*mostVersions + 7} {
		var v versions
		for i := range n {
			if err := v.add(backup.Object{Name: "a", Version: fmt.Sprint(n - i)}); err != nil {
				t.Fatal(err)
			}
		}
		var want, got []string
		for i := range min(n, mostVersions) {
			want = append(want, fmt.Sprint(i+1))
		}
		if n > mostVersions {
			want[len(want)-1] = fmt.Sprint(n)
		}
		v.tell(func(o backup.Object, _ error) bool { got = append(got, o.Version); return true })
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("of %d: %d are told, %.100v; want %.100v", n, len(got), got, want)
		}
		if v.n != 0 || len(v.rest) != 0 || v.first.Name != "" {
			t.Errorf("of %d: %+v is left", n, v.first)
		}
	}
	var v versions
	var err error
	for i := 0; err == nil && i < 100_000; i++ {
		err = v.add(backup.Object{Name: "a", Version: fmt.Sprint(i % 777)})
	}
	if !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("a circle: %v", err)
	}
}
