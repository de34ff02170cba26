package merlon

import (
	"testing"
	"time"
)

// TestLinesOfASecond: of one kind ten lines a second are logged, and each kind has its own ten.
func TestLinesOfASecond(t *testing.T) {
	var l loose
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	count := func(k flood, at time.Time) (logged int) {
		for range 25 {
			if l.mayLog(k, at) {
				logged++
			}
		}
		return logged
	}
	one, other := flood{id: "MRL-SITE-010", route: "GET /a"}, flood{id: "MRL-SITE-010", route: "GET /b"}
	for _, step := range []struct {
		k    flood
		at   time.Duration
		want int
	}{{one, 0, 10}, {other, 999 * time.Millisecond, 10}, {one, 999 * time.Millisecond, 0}, {one, time.Second, 10}} {
		if got := count(step.k, at.Add(step.at)); got != step.want {
			t.Errorf("%v after %v: %d of 25 lines are logged, want %d", step.k, step.at, got, step.want)
		}
	}
	if l.unsaid[one] != 55 || l.unsaid[other] != 15 {
		t.Errorf("left out: %v", l.unsaid)
	}
}
