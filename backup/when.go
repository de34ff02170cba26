package backup

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// ago says how long ago a time was, with one unit, and the time itself.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return fmt.Sprintf("%s (%s)", since(t, now), t.UTC().Format(time.RFC3339))
}

func since(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < 0:
		return "in the future"
	case d < time.Minute:
		return count(int(d/time.Second), "second") + " ago"
	case d < time.Hour:
		return count(int(d/time.Minute), "minute") + " ago"
	case d < 48*time.Hour:
		return count(int(d/time.Hour), "hour") + " ago"
	}
	return count(int(d/(24*time.Hour)), "day") + " ago"
}

// ahead reports whether a time that was noted is yet to come: by more than clocks may differ. It was noted while this machine's clock
// was ahead, and nothing tells any more when that was.
func ahead(t, now time.Time) bool { return t.Sub(now) > maxOffset }

// ageOf is how long ago a time was that was noted, at least nothing. What is ahead, and what never was, is as old as can be (292
// years): a clock that was ahead once must not have what was done then pass for fresh until that time comes.
func ageOf(t, now time.Time) time.Duration {
	if ahead(t, now) {
		return math.MaxInt64
	}
	return max(now.Sub(t), 0)
}

func count[N int | int64](n N, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
