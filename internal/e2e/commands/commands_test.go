// Package commands_test runs the commands of a site's program as people type them: each file of testdata is one story, with
// exit codes, stdout and stderr.
package commands_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/internal/e2e/need"
)

// tests removes what was built, too.
type tests struct{ *testing.M }

func (t tests) Run() int { return need.Main(t.M) }

func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){
		// broken is a site with a fault of every kind that New refuses.
		"broken": func() { cli.Main(openBroken) },
		// later is a site with jobs.
		"later": func() { cli.Main(openLater) },
	})
}

func TestCommands(t *testing.T) { scripts(t, "testdata") }

// TestUserCommands: those of accounts.
func TestUserCommands(t *testing.T) {
	need.Time(t, "runs a hundred commands")
	scripts(t, filepath.Join("testdata", "users"))
}

func scripts(t *testing.T, dir string) {
	club := filepath.Dir(need.Built(t, "examples/club"))
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", club+string(os.PathListSeparator)+env.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
		},
	})
}

// exits runs a command and wants its exit code: exits 3 club serve. Its output is in files out and err.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG ...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var path string
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path, err = exec.LookPath(filepath.Join(dir, args[1])); err == nil {
			break
		}
	}
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	_ = cmd.Run()
	ts.Check(os.WriteFile(ts.MkAbs("out"), []byte(out.String()), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("err"), []byte(errOut.String()), 0o644))
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("%v exited %d, want %d\nstdout:\n%s\nstderr:\n%s", args[1:], got, want, out.String(), errOut.String())
	}
}
