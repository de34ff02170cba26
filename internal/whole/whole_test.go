package whole

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/merlon-web/merlon/internal/datafolder"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	for _, text := range []string{"first", "second, longer", ""} {
		if err := Write(path, ".half-*", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("%q, %v; want %q", got, err, text)
		}
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// What cannot be given its name is not left lying about.
	if err := os.MkdirAll(filepath.Join(dir, "folder", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(dir, "folder"), ".half-*", []byte("x"), 0o600); err == nil {
		t.Error("a folder was written over")
	}
	if err := Write(filepath.Join(dir, "none", "x"), ".half-*", []byte("x"), 0o600); err == nil {
		t.Error("a folder that is not there was written into")
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".half-*")); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// What root writes for a site that runs as another user is that user's.
func TestWriteLike(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	if err := WriteLike(path, ".half-*", []byte("text"), filepath.Join(dir, "none")); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		t.Skip("what is given is root's")
	}
	if err := os.Lchown(dir, 65534, 65534); err != nil {
		t.Skip("nothing can be given here: ", err)
	}
	if err := WriteLike(path, ".half-*", []byte("text"), dir); err != nil {
		t.Fatal(err)
	}
	if uid, gid, ok := datafolder.Owner(path); !ok || uid != 65534 || gid != 65534 {
		t.Errorf("it belongs to %d:%d, %v", uid, gid, ok)
	}
}
