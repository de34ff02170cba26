package need

import (
	"testing"
	"time"
)

// Calm waits until no turn of d in UTC, of the hour or the day, is nearer than within: for a test that begins and ends in the same
// hour or day, by the clock of the machine.
func Calm(t testing.TB, d, within time.Duration) {
	t.Helper()
	now := time.Now()
	if left := now.UTC().Truncate(d).Add(d).Sub(now); left < within {
		t.Logf("waits %v, for the turn of %v", left.Round(time.Second), d)
		time.Sleep(left + 10*time.Millisecond)
	}
}
