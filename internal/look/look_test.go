package look_test

import (
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/look"
)

func TestGlass(t *testing.T) {
	var g look.Glass
	looked := 0
	for began := time.Now(); time.Since(began) < 5*time.Millisecond; {
		if g.May() {
			looked++
		}
	}
	if looked < 20 || looked > 21 {
		t.Errorf("%d looks in a moment, want 20", looked)
	}
	time.Sleep(25 * time.Millisecond)
	if !g.May() {
		t.Error("no look after a pause")
	}
}
