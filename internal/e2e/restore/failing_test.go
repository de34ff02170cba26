package restore_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// failingCalls are the system calls that fail in a restore: a full disk, a broken one, no more files. Strace counts those of each
// thread. The renames of the data folder itself, which are the commit, fail by their path, and at each the process may end: kills at
// random moments rarely meet one.
var failingCalls = []struct {
	calls, how, path string
	nths             []int // in CI;
	step             int   // in its long form from 1 on, failingNths times
}{
	{"write,pwrite64", "error=ENOSPC", "", []int{5, 25}, 2}, {"fsync,fdatasync", "error=EIO", "", []int{2, 9}, 1}, {"openat", "error=EMFILE", "", []int{60}, 20},
	{"rename,renameat,renameat2,link,linkat", "error=EIO", "", []int{2, 8}, 1},
	{"rename,renameat,renameat2", "error=EIO", "data", []int{1, 2}, 1}, {"rename,renameat,renameat2", "signal=KILL", "data", []int{1, 2}, 1},
}

// failingNths is how many calls of each kind fail in CI's long form, one in each restore; of the two renames of the folder four.
const failingNths = 30

// TestFailingCallsOfARestore has the nth system call of a kind fail in a restore over a live site, once, and from the nth on for
// ever. The site is the old one or the new one, whole; one that was put aside is there; and the next restore comes to its end.
func TestFailingCallsOfARestore(t *testing.T) {
	need.Time(t, "restores a club again and again while system calls fail")
	strace := need.Program(t, "strace", "strace")
	l := loseClub(t)
	h := l.home
	h.run(0, "user", "add", "late@club.example") // the live site is 51 users, the point 50
	h.temp = t.TempDir()
	saved := filepath.Join(t.TempDir(), "saved")
	copyFolder(t, h.data(), saved)
	args := []string{"restore", "1", "--live", "--confirm-site", "club", "--key-file", l.kit}
	failed, went, seen := 0, 0, map[int]int{}
	for _, call := range failingCalls {
		nths := call.nths
		if need.Long() {
			nths = nil
			most := failingNths
			if call.path != "" {
				most = 4
			}
			for n := range most {
				nths = append(nths, 1+n*call.step)
			}
		}
		for i, nth := range nths {
			for _, ever := range []string{"", "+"} {
				if ever != "" && (strings.HasPrefix(call.how, "signal") || i > 0 && !need.Long()) {
					continue
				}
				what := fmt.Sprintf("%s:%s:when=%d%s", call.calls, call.how, nth, ever)
				for _, path := range glob(t, h.path, "data*", ".data*") {
					if err := os.RemoveAll(path); err != nil {
						t.Fatal(err)
					}
				}
				copyFolder(t, saved, h.data())
				cmd := h.command(t.Context(), args...)
				under := []string{strace, "-f", "-qq", "-o", os.DevNull, "-e", "trace=" + call.calls, "-e", "inject=" + what}
				if call.path != "" {
					under = append(under, "-P", call.path)
				}
				cmd.Path, cmd.Args = strace, append(under, cmd.Args...)
				out, err := cmd.CombinedOutput()
				if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
					t.Fatal(err)
				}
				if strings.Contains(string(out), "panic:") {
					t.Errorf("%s: %s", what, out)
				}
				n := users(t, h)
				if seen[n]++; err != nil {
					failed++
				} else if went++; n != 50 {
					t.Errorf("%s: the restore says that it went well, and the site has %d users: %s", what, n, out)
				}
				if n != 50 && n != 51 {
					t.Fatalf("%s: the site has %d users: it is neither the old one nor the new: %s", what, n, out)
				}
				if n == 50 && len(glob(t, h.path, "data.before-restore-*")) != 1 {
					t.Fatalf("%s: the new site is in place, and the old data is not beside it: %s", what, out)
				}
				notSaid(t, h.temp)
			}
		}
	}
	h.run(0, args...)
	if n := users(t, h); n != 50 {
		t.Errorf("after the failures a restore ends with %d users", n)
	}
	if left := glob(t, h.path, ".data*", "data.swap"); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	notSaid(t, l.target)
	t.Logf("%d restores failed, %d went well all the same; old or new: %v", failed, went, seen)
	if failed == 0 || seen[50] == 0 || seen[51] == 0 {
		t.Error("no restore failed, or none was met before and none after its commit: nothing was injected where it counts")
	}
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
}
