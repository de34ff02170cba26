//go:build linux

package commands_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// nobody is a user that is not root, and a number without a name, as systemd's DynamicUser= makes them.
const nobody = 61234

// A command that root types on the data of another user leaves nothing of root's there, also where only root may enter the folder
// above, as /var/lib/private, and only root may read the settings.
func TestRootIsTheOwner(t *testing.T) {
	if os.Getuid() != 0 {
		need.Missing(t, "root", "run it as root")
	}
	club := need.Built(t, "examples/club")
	dir, away := t.TempDir(), t.TempDir()
	data := filepath.Join(dir, "private", "data")
	if err := os.Mkdir(filepath.Dir(data), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "merlon.toml"), []byte("[site]\nhost = \"club.example.org\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	as := func(user uint32, exit int, args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, club, append(args, "--data", data)...)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
		out, err := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != exit {
			t.Fatalf("%v as %d: exit %d, %v, want %d\n%s", args, user, got, err, exit, out)
		}
		return string(out)
	}
	roots := func(when string) {
		t.Helper()
		err := filepath.WalkDir(data, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err == nil && info.Sys().(*syscall.Stat_t).Uid != nobody {
				t.Errorf("%s: %s is of user %d", when, path, info.Sys().(*syscall.Stat_t).Uid)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if said := as(0, 0, "migrate", "up"); strings.Count(said, "the data folder is that of the user with the number 61234: ") != 1 {
		t.Errorf("root is not told that it becomes another user:\n%s", said)
	}
	roots("migrate up")
	if said := as(0, 0, "user", "add", "ann@example.org", "-q", "-C", "."); !strings.Contains(said, "https://club.example.org/") || strings.Contains(said, "number") {
		t.Errorf("user add -q:\n%s", said)
	}
	roots("user add")
	paper := t.TempDir()
	for _, folder := range []string{away, paper} {
		if err := os.Chown(folder, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	kit := filepath.Join(paper, "kit.html")
	as(0, 0, "backup", "init", "--try", "--to", "file://"+away, "--kit", kit)
	as(0, 0, "backup", "run")
	as(0, 0, "drill")
	roots("drill")
	as(0, 0, "check")
	as(0, 0, "migrate", "status")
	roots("check")
	as(0, 0, "restore", "latest", "--live", "--confirm-site", "club", "--key-file", kit)
	roots("restore") // is root's work
	if said := as(0, 3, "serve", "--listen", "127.0.0.1:0"); !strings.Contains(said, "setpriv --reuid=61234 --regid=61234 --clear-groups "+club+" serve --listen 127.0.0.1:0 --data ") {
		t.Errorf("serve as root:\n%s", said)
	}
	roots("serve")
	if err := os.Chmod(filepath.Dir(data), 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "merlon.toml")); err != nil {
		t.Fatal(err)
	}
	for p := dir; p != "/" && p != os.TempDir(); p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(club), 0o755); err != nil {
		t.Fatal(err)
	}
	if said := as(nobody, 0, "user", "list"); !strings.Contains(said, "ann@example.org") {
		t.Errorf("the owner sees:\n%s", said)
	}
}
