package backup

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A drill reads some older points again, and finds one that has become noise.
func TestDrillsReadOlderPoints(t *testing.T) {
	s := chainOf(t, 3)
	points, e := s.points(), &Evidence{}
	if err := e.readOlder(t.Context(), s.store(), points, s.state()); err != nil || e.Checks.Older != 2 {
		t.Fatalf("%d were read: %v", e.Checks.Older, err)
	}
	for i, p := range points {
		path := filepath.Join(s.target, s.store().Site(), filepath.FromSlash(p.Folder()), p.Data.Name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := append([]byte(nil), good...)
		bad[len(bad)/2] ^= 1
		if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, bad, 0o600)); err != nil {
			t.Fatal(err)
		}
		err = (&Evidence{}).readOlder(t.Context(), s.store(), points, s.state())
		var fault ChainErrors
		if older := i < 2; errors.As(err, &fault) != older { // the newest one is restored anyway
			t.Errorf("point %d is noise: %v", p.Seq, err)
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
