package need

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
)

var built struct {
	sync.Mutex
	dir string
}

// Built returns the path of a program of the product module, "examples/club", not with the race detector of the test. It is
// built once in a process, whose TestMain ends by [Main]: as a release is where every test runs, and with the packages that
// the tests have compiled where only the quick ones do.
func Built(t testing.TB, folder string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "merlon-built-")
		if err != nil {
			t.Fatal(err)
		}
		built.dir = dir
	}
	program := filepath.Join(built.dir, filepath.Base(folder))
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if executable(program) {
		return program
	}
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "./"+folder)
	build.Dir, build.Env = Root(t), os.Environ()
	if All() {
		build.Args = slices.Insert(build.Args, 2, "-trimpath")
		build.Env = append(build.Env, "CGO_ENABLED=0")
	}
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	return program
}

// Main runs the tests and removes what [Built] has built. It returns the exit code.
//
// Tests that are parallel mostly wait, for limits to open and for what does not come: 16 go at a time, unless -parallel says
// another number. They start many sites and keep none, so the collector waits until the heap is five times what lives, unless
// GOGC says otherwise.
func Main(m *testing.M) int {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", "16")
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	return code
}
