package form

import (
	"image"
	"testing"
)

// TestCostlyScans: a small picture may have many scans, the largest a dozen.
func TestCostlyScans(t *testing.T) {
	for _, c := range []struct {
		side, scans int
		want        bool
	}{{7000, 1, false}, {7000, 12, false}, {7000, 13, true}, {7000, 98, true}, {2400, 100, false}, {20, 100, false}, {20, 101, true}} {
		if got := costly(image.Config{Width: c.side, Height: c.side}, c.scans); got != c.want {
			t.Errorf("%d x %d, %d scans: %v", c.side, c.side, c.scans, got)
		}
	}
}
