package attack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/sqlite"
)

// TestNoRoom: a copy that the disk cannot take is refused before anything is written, and one that fills it on its way says so.
func TestNoRoom(t *testing.T) {
	defer func(was func(string) (int64, bool)) { roomIn = was }(roomIn)
	open := func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "small", Engine: sqlite.Engine("small.db")})
	}
	from := t.TempDir()
	site, err := open(merlon.Env{Data: from, Mode: merlon.Test})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(site.Start(t.Context()), site.Close(t.Context()), os.WriteFile(filepath.Join(from, "large"), make([]byte, 3<<20), 0o600)); err != nil {
		t.Fatal(err)
	}
	for left, want := range map[int64]string{2 << 20: "3 MB are to be copied and 2 MB are left: make room, or name a folder on another disk by TMPDIR", 1 << 40: ""} {
		roomIn = func(string) (int64, bool) { return left, true }
		to := t.TempDir()
		_, _, err := copyData(t.Context(), open, from, to)
		if want == "" != (err == nil) || err != nil && (!errors.Is(err, ErrNoRoom) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%d bytes left: %v", left, err)
		}
		if _, there := os.Stat(filepath.Join(to, "large")); (there == nil) != (want == "") {
			t.Errorf("%d bytes left: the copy: %v", left, there)
		}
	}
	roomIn = func(string) (int64, bool) { return 0, false }
	_, _, err = copyData(t.Context(), open, from, smallDisk(t))
	if !errors.Is(err, ErrNoRoom) || !strings.Contains(fmt.Sprint(err), "it was full before the end") {
		t.Errorf("a disk of 1 MB: %v", err)
	}
}

// smallDisk is a folder on a disk of 1 MB, until the test ends.
func smallDisk(t *testing.T) string {
	folder := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", folder).CombinedOutput(); err != nil {
		need.Missing(t, "the right to mount a tmpfs", string(out))
	}
	t.Cleanup(func() { _ = exec.Command("umount", folder).Run() })
	return folder
}
