package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/sqlite"
)

// childVar tells the test binary that it is a child: it opens the database in the folder of the variable's value and
// writes pairs of rows, one transaction each, until it is killed or its standard input ends.
const childVar = "MERLON_TEST_SQLITE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVar); dir != "" {
		run := child
		if rest, found := strings.CutPrefix(dir, "fill:"); found {
			run, dir = fill, rest
		}
		if err := run(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(need.Main(m))
}

// fill is the child of TestFullDisk: it writes until the disk is full, and then looks whether all is as it should be.
func fill(dir string) error {
	ctx := context.Background()
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 256<<10), 0o600); err != nil {
		return err
	}
	e := sqlite.Engine("x.db")
	if err := e.Open(ctx, dir, schema); err != nil {
		return err
	}
	defer e.Close()
	if _, err := e.Migrate(ctx); err != nil {
		return err
	}
	kept := int64(0)
	write := func() error {
		err := e.Write(ctx, func(_ context.Context, w *db.Writer) error {
			for range 2 {
				if _, err := insert.Run(w, "somebody", strings.Repeat("x", 10000)); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			kept += 2
		}
		return err
	}
	look := func() error {
		r := e.Read(ctx)
		defer r.Close()
		if n, err := count.One(r); err != nil || n != kept {
			return fmt.Errorf("%d rows, %d were acknowledged: %w", n, kept, err)
		}
		return nil
	}
	var err error
	for range 1000 {
		if err = write(); err != nil {
			break
		}
	}
	if !errors.Is(err, db.ErrDiskFull) {
		return fmt.Errorf("the full disk gave %w, want ErrDiskFull", err)
	}
	for range 3 {
		if err := write(); err != nil && !errors.Is(err, db.ErrDiskFull) {
			return fmt.Errorf("the disk that is still full gave %w", err)
		}
		if err := look(); err != nil {
			return err
		}
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if err := write(); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	if err := look(); err != nil {
		return err
	}
	if err := e.Close(); err != nil {
		return err
	}
	if problems := sqlite.Integrity(filepath.Join(dir, "x.db")); problems != "" {
		return errors.New(problems)
	}
	fmt.Println("ok", kept)
	return nil
}

func TestFullDisk(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mount := []string{"unshare", "-rm", "sh", "-c", `mount -t tmpfs -o size=2m none "$0" && exec "$@"`, dir}
	if out, err := exec.Command(mount[0], append(mount[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("needs unshare and mount: %v %s", err, out)
	}
	cmd := exec.Command(mount[0], append(mount[1:], self)...)
	cmd.Env = append(os.Environ(), childVar+"=fill:"+dir)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "ok ") {
		t.Errorf("%v: %s", err, out)
	}
	t.Logf("%s", out)
}

// child prints "ready", then "ok N" after each commit that was acknowledged and "failed N: why" after the others.
func child(dir string) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	e := sqlite.Engine("x.db")
	if err := e.Open(ctx, dir, schema); err != nil {
		return err
	}
	defer e.Close()
	if _, err := e.Migrate(ctx); err != nil {
		return err
	}
	fmt.Println("ready")
	r := e.Read(ctx)
	n, err := last.One(r)
	r.Close()
	for err == nil && ctx.Err() == nil {
		n++
		err := e.Write(context.Background(), func(_ context.Context, w *db.Writer) error {
			for _, author := range []string{"first", "second"} {
				if _, err := insert.Run(w, author, strconv.FormatInt(n, 10)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			fmt.Printf("failed %d: %v\n", n, err)
			continue
		}
		fmt.Printf("ok %d\n", n)
	}
	return err
}

// startChild starts a child, in front of which wrap may stand, and waits until it is ready.
func startChild(t *testing.T, dir string, wrap ...string) (*exec.Cmd, *bufio.Scanner, io.Closer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	line := append(wrap, self)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), childVar+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("the child said %q", lines.Text())
	}
	return cmd, lines, in
}

func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	cmd, _, in := startChild(t, dir)
	e := sqlite.Engine("x.db")
	err := e.Open(t.Context(), dir, schema)
	var f check.Finding
	if !errors.Is(err, db.ErrLocked) || !errors.As(err, &f) || f.ID != db.RuleLocked.ID {
		t.Fatalf("a second process: %v, want ErrLocked", err)
	}
	if want := fmt.Sprintf("process %d", cmd.Process.Pid); !strings.Contains(err.Error(), want) {
		t.Errorf("the error %q does not name the %s", err, want)
	}
	in.Close()
	cmd.Wait()
	if err := e.Open(t.Context(), dir, schema); err != nil {
		t.Fatalf("after the other process ended: %v", err)
	}
	other := sqlite.Engine("x.db")
	if err := other.Open(t.Context(), dir, schema); !errors.Is(err, db.ErrLocked) {
		t.Errorf("a second engine of one process: %v, want ErrLocked", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := other.Open(t.Context(), dir, schema); err != nil {
		t.Errorf("after Close: %v", err)
	}
	other.Close()
}

// acknowledged reads the child's lines to their end, calling seen with the number of commits so far.
func acknowledged(lines *bufio.Scanner, seen func(n int)) (ok []int64, failed []string) {
	for lines.Scan() {
		number, isOK := strings.CutPrefix(lines.Text(), "ok ")
		if n, err := strconv.ParseInt(number, 10, 64); isOK && err == nil {
			ok = append(ok, n)
			seen(len(ok))
		} else if strings.HasPrefix(lines.Text(), "failed ") {
			failed = append(failed, lines.Text())
		}
	}
	return ok, failed
}

// whole opens the database and compares it with what was acknowledged: every acknowledged pair is there, every pair is
// whole, and SQLite finds nothing wrong.
func whole(t *testing.T, dir string, ok []int64, unacknowledged int) {
	t.Helper()
	if problems := sqlite.Integrity(filepath.Join(dir, "x.db")); problems != "" {
		t.Fatal(problems)
	}
	e := sqlite.Engine("x.db")
	if err := e.Open(t.Context(), dir, schema); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r := e.Read(t.Context())
	defer r.Close()
	for _, n := range ok {
		got, err := pair.One(r, strconv.FormatInt(n, 10))
		if err != nil || got != 2 {
			t.Fatalf("%d rows of the acknowledged pair %d: %v", got, n, err)
		}
	}
	n, err := count.One(r)
	if err != nil {
		t.Fatal(err)
	}
	if n%2 != 0 || n < int64(2*len(ok)) || n > int64(2*(len(ok)+unacknowledged)) {
		t.Errorf("%d rows, %d pairs were acknowledged", n, len(ok))
	}
}

func TestKill(t *testing.T) {
	dir := t.TempDir()
	kills := 20
	if testing.Short() {
		kills = 3
	}
	var all []int64
	for i := range kills {
		cmd, lines, _ := startChild(t, dir)
		after := 1 + rand.IntN(40)
		ok, _ := acknowledged(lines, func(n int) {
			if n == after {
				time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, func() { cmd.Process.Kill() })
			}
		})
		cmd.Wait()
		all = append(all, ok...)
		whole(t, dir, all, i+1)
	}
	t.Logf("%d kills, %d acknowledged commits, none lost", kills, len(all))
}

// TestFailedSync has one sync of the log fail in the middle of a child's writing: that commit is not acknowledged, the
// writer opens its connection anew, and all that was acknowledged before and after is there.
func TestFailedSync(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("needs strace")
	}
	for _, inject := range []string{"fdatasync:error=EIO:when=40", "fdatasync:error=EIO:when=40..45", "pwrite64:error=EIO:when=100"} {
		t.Run(inject, func(t *testing.T) {
			dir := t.TempDir()
			call, _, _ := strings.Cut(inject, ":")
			cmd, lines, in := startChild(t, dir, strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call, "-e", "inject="+inject)
			ok, failed := acknowledged(lines, func(n int) {
				if n == 120 {
					in.Close()
				}
			})
			if err := cmd.Wait(); err != nil {
				t.Errorf("the child: %v", err)
			}
			if len(failed) == 0 {
				t.Errorf("no commit failed of %d", len(ok))
			}
			for _, line := range failed {
				t.Log(line)
			}
			whole(t, dir, ok, len(failed))
		})
	}
}
