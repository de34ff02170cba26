package backup

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// onePoint is what a child does whose system calls fail: it starts the site, writes rows, makes a point, and prints its receipt.
func onePoint(dir string) {
	s := &testSite{t: childT{}, data: filepath.Join(dir, "data"), target: filepath.Join(dir, "target")}
	s.start()
	s.note(5)
	made, err := s.run("")
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	fmt.Println(made.Receipt)
	os.Exit(0)
}

// failingCalls are the system calls that are made to fail, and with what: a full disk, a broken one, no more files.
var failingCalls = []struct{ calls, errno string }{
	{"write,pwrite64", "ENOSPC"}, {"fsync,fdatasync", "EIO"}, {"rename,renameat,renameat2,link,linkat", "EIO"}, {"openat", "EMFILE"},
}

// TestFailingCalls has the nth system call of a kind fail in a run, once, and from the nth on for ever. Whatever the run says
// of it: what it announced is there, the chain is whole, nothing lies about in the clear, and the next run makes a point.
func TestFailingCalls(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a program many times")
	}
	strace := need.Program(t, "strace", "strace")
	dir := t.TempDir()
	s := &testSite{t: t, data: filepath.Join(dir, "data"), target: filepath.Join(dir, "target")}
	if err := os.Mkdir(s.target, 0o700); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.setUp()
	s.note(50)
	announced := []string{s.point().Receipt}
	if err := s.site.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	nths := []int{1, 3, 7, 15}
	if need.Long() {
		nths = nil
		for n := 1; n <= 120; n++ {
			nths = append(nths, n)
		}
	}
	failed, went := 0, 0
	for _, call := range failingCalls {
		for _, nth := range nths {
			for _, ever := range []string{"", "+"} {
				what := fmt.Sprintf("%s:error=%s:when=%d%s", call.calls, call.errno, nth, ever)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				cmd := exec.CommandContext(ctx, strace, "-f", "-qq", "-o", os.DevNull, "-e", "trace="+call.calls, "-e", "inject="+what, os.Args[0])
				cmd.Env = append(os.Environ(), "MERLON_TEST_BACKUP_ONE="+dir)
				var problems strings.Builder
				cmd.Stderr = &problems
				out, err := cmd.Output()
				cancel()
				if strings.Contains(problems.String(), "panic:") {
					t.Errorf("%s: %s", what, problems.String())
				}
				if err != nil {
					failed++
				} else if receipt := receiptShape.FindString(string(out)); receipt != "" {
					announced = append(announced, receipt)
					went++
				}
				noCanary(t, s.target, filepath.Join(s.data, "backup"))
				s.holds(announced)
			}
		}
	}
	s.start()
	announced = append(announced, s.point().Receipt)
	s.holds(announced)
	t.Logf("%d runs failed, %d made a point all the same; %d points announced, 0 lost", failed, went, len(announced))
	if failed == 0 {
		t.Error("no run failed: nothing was injected")
	}
}
