//go:build unix

package attack

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestSweep: what an attack left behind whose process is gone is taken away, and nothing else that is only named like it.
func TestSweep(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	made := func(change func(s *scratch) error) string {
		t.Helper()
		s, err := newScratch()
		if err == nil {
			err = os.WriteFile(filepath.Join(s.dir, "keys"), []byte("k"), 0o600)
		}
		if err == nil {
			err = change(s)
		}
		if err != nil {
			t.Fatal(err)
		}
		return s.top
	}
	dead := func(s *scratch) error { return s.held.Close() }
	mark := func(s *scratch) string { return filepath.Join(s.top, scratchMark) }
	elsewhere := made(dead)
	away := filepath.Join(t.TempDir(), "away")
	if err := os.Rename(elsewhere, away); err != nil {
		t.Fatal(err)
	}
	gone := made(dead)
	for name, top := range map[string]string{
		"held":         made(func(*scratch) error { return nil }),
		"no mark":      made(func(s *scratch) error { return errors.Join(dead(s), os.Remove(mark(s))) }),
		"another text": made(func(s *scratch) error { return errors.Join(dead(s), os.WriteFile(mark(s), []byte("mine"), 0o600)) }),
		"open to all":  made(func(s *scratch) error { return errors.Join(dead(s), os.Chmod(s.top, 0o755)) }),
		"a mark's link": made(func(s *scratch) error {
			return errors.Join(dead(s), os.Rename(mark(s), mark(s)+"2"), os.Symlink(mark(s)+"2", mark(s)))
		}),
		"a link": made(func(s *scratch) error { return errors.Join(s.remove(), os.Symlink(away, s.top)) }),
		"another name": made(func(s *scratch) error {
			return errors.Join(dead(s), os.Rename(s.top, filepath.Join(os.TempDir(), "mine")), os.Mkdir(s.top, 0o755))
		}),
	} {
		sweep()
		if _, err := os.Lstat(top); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, kept := range []string{filepath.Join(away, scratchDir, "keys"), filepath.Join(os.TempDir(), "mine", scratchDir, "keys")} {
		if _, err := os.Stat(kept); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(gone); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was left behind is still there: %v", err)
	}
}

// TestEndIsKept: the end of a copy that cannot be written back stays, also when the next attack takes away what others left.
func TestEndIsKept(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	path := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(path, []byte("a whole copy"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	heal, err := withoutEnd(7)(f)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if heal() == nil {
		t.Error("a closed file was mended")
	}
	sweep()
	kept, _ := filepath.Glob(filepath.Join(os.TempDir(), "*", scratchDir, "end"))
	if len(kept) != 1 {
		t.Fatalf("kept: %q", kept)
	}
	if text, err := os.ReadFile(kept[0]); err != nil || string(text) != " copy" {
		t.Errorf("kept %q, %v", text, err)
	}
}
