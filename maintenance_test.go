package merlon_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/merlon-web/merlon"
)

// A mark that cannot be looked at does not open a site; one that is not there does.
func TestMarkOfMaintenance(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from   string
		closed bool
	}{{filepath.Join(dir, "none"), false}, {dir, false}, {file, true}} {
		to := t.TempDir()
		if err := merlon.KeepMaintenance(c.from, to); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(filepath.Join(to, "maintenance")); (err == nil) != c.closed {
			t.Errorf("from %s: %v, want closed %v", c.from, err, c.closed)
		}
	}
}
