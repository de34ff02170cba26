//go:build linux

package commands_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// A data folder that cannot be used is refused with where, why and what to do, whatever call it was that failed.
func TestDataFolderRefusals(t *testing.T) {
	if os.Getuid() != 0 {
		need.Missing(t, "root, to make folders of several users", "run it as root")
	}
	built := need.Built(t, "examples/club")
	club := filepath.Join(t.TempDir(), "club")
	program, err := os.ReadFile(built)
	if err == nil {
		err = os.WriteFile(club, program, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	open := func(path string) {
		t.Helper()
		for ; path != "/" && path != os.TempDir(); path = filepath.Dir(path) {
			if err := os.Chmod(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	open(filepath.Dir(club))
	run := func(t *testing.T, user uint32, data string, exit int, args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, club, append(args, "--data", data)...)
		cmd.Dir = filepath.Dir(club)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != exit {
			t.Fatalf("%v as %d: exit %d, want %d\n%s", args, user, got, exit, out)
		}
		return string(out)
	}
	mount := func(t *testing.T, data string) {
		t.Helper()
		if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=8m,mode=0700"); err != nil {
			need.Missing(t, "the right to mount a tmpfs", "run it as root on Linux")
		}
		t.Cleanup(func() { _ = syscall.Unmount(data, 0) })
	}
	for _, c := range []struct {
		name  string
		user  uint32
		wrong func(t *testing.T, data string)
		words []string
	}{
		{"mode 0500", nobody, func(t *testing.T, data string) { must(t, os.Chmod(data, 0o500)) }, []string{"data: user 61234 may not read and write there: permission denied (mode 0500)", "run: chmod u+rwX /"}},
		{"of another user", nobody, func(t *testing.T, data string) { must(t, os.Chown(data, 0, 0)) }, []string{"data", "user 61234", "permission denied"}},
		{"a file of root's", nobody, func(t *testing.T, data string) { must(t, os.Chown(filepath.Join(data, "club.db"), 0, 0)) }, []string{"club.db: user 61234 may not read and write there", "it is of user root (0), mode 0600", "chown -R 61234 /"}},
		{"a key file of root's", nobody, func(t *testing.T, data string) { must(t, os.Chown(filepath.Join(data, "keys"), 0, 0)) }, []string{"keys: user 61234 may not read and write there", "chown -R 61234 /"}},
		{"a file of mode 0400", nobody, func(t *testing.T, data string) { must(t, os.Chmod(filepath.Join(data, "club.db"), 0o400)) }, []string{"club.db: user 61234", "(mode 0400)", "chmod u+rwX /"}},
		{"read only", 0, func(t *testing.T, data string) {
			must(t, syscall.Mount("", data, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
		}, []string{"mounted for reading only", "remount,rw"}},
		{"full", 0, func(t *testing.T, data string) {
			f, err := os.Create(filepath.Join(data, "filler"))
			must(t, err)
			for err == nil {
				_, err = f.Write(make([]byte, 4096))
			}
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			must(t, f.Close())
		}, []string{"its disk is full", "make room"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			must(t, os.Mkdir(data, 0o700))
			open(filepath.Dir(data))
			if c.user == 0 {
				mount(t, data)
			}
			must(t, os.Chown(data, int(c.user), int(c.user)))
			run(t, c.user, data, 0, "migrate", "up")
			c.wrong(t, data)
			for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"user", "list"}} {
				said := run(t, c.user, data, 3, args...)
				for _, want := range append(c.words, "MRL-SITE-026") {
					if !strings.Contains(said, want) {
						t.Errorf("%v: no %q in\n%s", args, want, said)
					}
				}
			}
		})
	}
	t.Run("not there", func(t *testing.T) {
		dir := t.TempDir()
		open(dir)
		said := run(t, nobody, filepath.Join(dir, "none", "data"), 3, "migrate", "up")
		if !strings.Contains(said, "cannot be made: in "+dir) || !strings.Contains(said, "mkdir -p -m 0700 "+dir) {
			t.Errorf("a folder that cannot be made:\n%s", said)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
