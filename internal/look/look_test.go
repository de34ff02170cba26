package look_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/merlon-web/merlon/internal/look"
)

func TestGlass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g look.Glass
		asked := func() (looked int) {
			for range 100 {
				if g.May() {
					looked++
				}
			}
			return looked
		}
		for _, c := range []struct {
			pause time.Duration
			want  int
		}{{0, 20}, {19 * time.Millisecond, 0}, {time.Millisecond, 1}, {70 * time.Millisecond, 3}, {time.Hour, 20}} {
			time.Sleep(c.pause)
			if n := asked(); n != c.want {
				t.Errorf("after a pause of %v: %d looks of 100, want %d", c.pause, n, c.want)
			}
		}
	})
}
