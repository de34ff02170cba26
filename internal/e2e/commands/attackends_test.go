//go:build unix

package commands_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/merlontest"
)

// TestAttackNoRoom: where the copy has no room nothing is attacked, and nothing is left behind.
func TestAttackNoRoom(t *testing.T) {
	need.Time(t, "makes a club's data")
	data, temp := t.TempDir(), t.TempDir()
	t.Run("data", func(t *testing.T) { merlontest.StartIn(t, data, site.Open).SignedIn("Ann") })
	if err := os.WriteFile(filepath.Join(data, "film"), make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", temp).CombinedOutput(); err != nil {
		need.Missing(t, "the right to mount a tmpfs", string(out))
	}
	t.Cleanup(func() { _ = exec.Command("umount", temp).Run() })
	t.Setenv("TMPDIR", temp)
	var out, errs bytes.Buffer
	if code := cli.Run(t.Context(), site.Open, []string{"attack", "--data", data, "--json"}, &out, &errs); code != cli.ExitCannot || !strings.Contains(out.String(), "MB are to be copied and") {
		t.Errorf("exited %d:\n%s%s", code, out.String(), errs.String())
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

// TestAttackEnds: no end of the command leaves a copy of the data behind, and of the one that can the next attack takes it away.
func TestAttackEnds(t *testing.T) {
	need.Time(t, "attacks a club seven times")
	club := need.Built(t, "examples/club")
	data, temp := t.TempDir(), t.TempDir()
	t.Run("data", func(t *testing.T) { merlontest.StartIn(t, data, site.Open).SignedIn("Ann") })
	copies := func() []string {
		t.Helper()
		left, err := filepath.Glob(filepath.Join(temp, "merlon-*"))
		if err != nil {
			t.Fatal(err)
		}
		return left
	}
	attack := func(args ...string) (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.CommandContext(t.Context(), club, append([]string{"attack", "--data", data}, args...)...)
		cmd.Env = append(os.Environ(), "TMPDIR="+temp)
		cmd.Dir = t.TempDir()
		var errs bytes.Buffer
		cmd.Stderr = &errs
		return cmd, &errs
	}
	copied := func() {
		t.Helper()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if there, _ := filepath.Glob(filepath.Join(temp, "merlon-*", "*", "keys")); len(there) > 0 {
				return
			}
		}
		t.Fatal("no copy was made")
	}
	// Whoever runs the tests may have SIGHUP ignored (nohup), which children take over unless it is caught here.
	hung := make(chan os.Signal, 1)
	signal.Notify(hung, syscall.SIGHUP)
	defer signal.Stop(hung)
	for name, c := range map[string]struct {
		end  syscall.Signal
		code int
		left int
	}{
		"a closed terminal": {syscall.SIGHUP, cli.ExitInterrupted, 0},
		"an end":            {syscall.SIGTERM, cli.ExitInterrupted, 0},
		"Ctrl-C":            {syscall.SIGINT, cli.ExitInterrupted, 0},
		`Ctrl-\`:            {syscall.SIGQUIT, cli.ExitInterrupted, 0},
		"a kill":            {syscall.SIGKILL, -1, 1},
	} {
		cmd, errs := attack("--json")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		copied()
		if err := cmd.Process.Signal(c.end); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if left := copies(); cmd.ProcessState.ExitCode() != c.code || len(left) != c.left {
			t.Errorf("%s: exited %d, want %d, and left %q:\n%.2000s", name, cmd.ProcessState.ExitCode(), c.code, left, errs)
		}
		for _, dir := range copies() { // of the kill, as the next attack would
			if c.left == 0 {
				_ = os.RemoveAll(dir)
				continue
			}
			cmd, errs := attack("--class", "access", "--as", "anonymous", "--routes", "/contact")
			if err := cmd.Run(); err != nil || len(copies()) > 0 {
				t.Errorf("the next attack: %v, and left %q:\n%.2000s", err, copies(), errs)
			}
		}
	}
	for _, args := range [][]string{{"--stream"}, {"--class", "access", "--as", "anonymous", "--routes", "/contact"}} {
		cmd, errs := attack(args...)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if args[0] == "--stream" {
			_, _ = bufio.NewReader(out).ReadString('\n')
		}
		_ = out.Close()
		_ = cmd.Wait()
		if left := copies(); cmd.ProcessState.ExitCode() != cli.ExitInterrupted || len(left) > 0 || strings.Contains(errs.String(), "goroutine") {
			t.Errorf("%v into a closed pipe: exited %d and left %q:\n%.2000s", args, cmd.ProcessState.ExitCode(), left, errs)
		}
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	cmd, errs := attack("--class", "access", "--as", "anonymous", "--routes", "/contact", "--json")
	cmd.Stdout = full
	_ = cmd.Run()
	if cmd.ProcessState.ExitCode() != cli.ExitCannot || !strings.Contains(errs.String(), "no space left") {
		t.Errorf("onto a full disk: exited %d:\n%s", cmd.ProcessState.ExitCode(), errs)
	}
}
