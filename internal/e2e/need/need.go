// Package need finds the programs that a test runs or runs against, and skips the test by name when one is not there.
//
// With MERLON_TEST_ALL=1, as in .ci/run, a program that is not there fails the test instead: nothing is left out in silence.
// It looks only on this machine and fetches nothing; `make peers` and .ci/run do that.
package need

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// All reports whether every test must run: MERLON_TEST_ALL=1.
func All() bool { return os.Getenv("MERLON_TEST_ALL") == "1" }

// Long reports whether tests should do their whole amount, a thousand kills instead of a hundred: MERLON_TEST_LONG=1, as
// .ci/long sets it.
func Long() bool { return os.Getenv("MERLON_TEST_LONG") == "1" }

// Time skips a test that takes seconds and needs nothing but them, unless [All]: `go test ./...` on a machine with Go alone is
// to be done within three minutes on two cores. What it does is a verb with its object: "kills a program 50 times".
func Time(t testing.TB, does string) {
	t.Helper()
	if !All() {
		t.Skipf("%s, which takes seconds: MERLON_TEST_ALL=1 runs it", does)
	}
}

// Times returns how often a test does one thing: few times, or all of them when [All], or as many as in [Long].
func Times(few, all, long int) int {
	switch {
	case Long():
		return long
	case All():
		return all
	}
	return few
}

// Missing ends the test because what is not there: skipped, or failed when [All]. The remedy says how to get it.
func Missing(t testing.TB, what, remedy string) {
	t.Helper()
	if All() {
		t.Fatalf("needs %s, which is not here: with MERLON_TEST_ALL=1 nothing is skipped; %s", what, remedy)
	}
	t.Skipf("needs %s, which is not here: %s", what, remedy)
}

// Program returns the path of a program that Debian packages, by its name on PATH. The package is the one to install.
func Program(t testing.TB, name, aptPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name, "apt-get install "+aptPackage)
	}
	return path
}

// Peer returns the path of a program of the module internal/peer: the one built into its bin folder, else one on PATH.
func Peer(t testing.TB, name string) string {
	t.Helper()
	if path := filepath.Join(Root(t), "internal", "peer", "bin", name); executable(path) {
		return path
	}
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name, "run make peers")
	}
	return path
}

// Axe returns the source of axe-core, as internal/peer/package.json pins it.
func Axe(t testing.TB) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(Root(t), "internal", "peer", "node_modules", "axe-core", "axe.min.js"))
	if errors.Is(err, fs.ErrNotExist) {
		Missing(t, "axe-core", "run make peers")
	}
	if err != nil {
		t.Fatalf("need: %v", err)
	}
	return string(source)
}

// Root returns the folder of the product module: the first one, from the test's own folder upwards, whose go.mod names it.
func Root(t testing.TB) string {
	t.Helper()
	root, err := findRoot()
	if err != nil {
		t.Fatalf("need: %v", err)
	}
	return root
}

const module = "module github.com/merlon-web/merlon\n"

func findRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(text, []byte(module)) {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod of Merlon above %s: tests run in the folder of their package", start)
		}
		dir = up
	}
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
