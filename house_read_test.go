package merlon_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// How the tests of house_test.go read the house.

var houseGenerated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// A housePackage is one folder of Go files.
type housePackage struct {
	folder      string // "." for the root
	code, tests []*ast.File
	set         *token.FileSet
}

func (p housePackage) at(n ast.Node) string {
	at := p.set.Position(n.Pos())
	return fmt.Sprintf("%s:%d", at.Filename, at.Line)
}

// housePackages reads every package of the module, testdata aside, whatever its build tags.
func housePackages(t *testing.T) []housePackage {
	t.Helper()
	byFolder := make(map[string]*housePackage)
	var order []string
	for _, f := range houseFiles(t) {
		if path.Ext(f) != ".go" || strings.Contains(f, "testdata/") {
			continue
		}
		folder := path.Dir(f)
		p := byFolder[folder]
		if p == nil {
			p = &housePackage{folder: folder, set: token.NewFileSet()}
			byFolder[folder] = p
			order = append(order, folder)
		}
		text := houseRead(t, f)
		parsed, err := parser.ParseFile(p.set, f, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, "_test.go") {
			p.tests = append(p.tests, parsed)
		} else {
			p.code = append(p.code, parsed)
		}
	}
	var all []housePackage
	for _, folder := range order {
		all = append(all, *byFolder[folder])
	}
	return all
}

// houseFiles lists the module's files by their path from the root: not other modules, not what git ignores by name.
func houseFiles(t *testing.T) []string {
	t.Helper()
	var all []string
	err := fs.WalkDir(os.DirFS(houseRoot(t)), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, nested := os.Stat(filepath.Join(houseRoot(t), name, "go.mod"))
			if name != "." && (nested == nil || d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "data" && strings.HasPrefix(name, "examples/")) {
				return fs.SkipDir
			}
			return nil
		}
		if ext := path.Ext(name); d.Type().IsRegular() && !slices.Contains([]string{".db", ".db-wal", ".db-shm", ".test", ".out", ".prof"}, ext) {
			all = append(all, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// houseModules returns the modules that a package and what it imports come from, Merlon aside.
func houseModules(t *testing.T, pattern string) []string {
	t.Helper()
	all := strings.Fields(string(houseRun(t, "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", pattern)))
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(m string) bool { return m == houseModule })
}

// houseRoot is the folder of go.mod: tests run in the folder of their package, and this one is the module's.
func houseRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func houseRead(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(houseRoot(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func houseRun(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = houseRoot(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// houseDice are the files that may use math/rand, whose numbers can be foretold, with what they are for. Everything else that
// is random is crypto/rand's (OWASP ASVS 5.0 11.5.1).
var houseDice = map[string]string{
	"backup/older.go":             "which older points a drill reads",
	"backup/commands.go":          "which of many points are read back",
	"backup/patience.go":          "how long a store that is busy is waited for",
	"backup/targettest/rights.go": "bytes of a test's objects",
}

// TestRandomnessIsTheSystems: no token, key, code or nonce can be made of numbers that can be foretold.
func TestRandomnessIsTheSystems(t *testing.T) {
	found := map[string]bool{}
	for _, p := range housePackages(t) {
		if strings.HasPrefix(p.folder, "bench") || strings.HasPrefix(p.folder, "internal/e2e") {
			continue
		}
		for _, f := range p.code {
			for _, spec := range f.Imports {
				if to, _ := strconv.Unquote(spec.Path.Value); to == "math/rand" || to == "math/rand/v2" {
					file, _, _ := strings.Cut(p.at(spec), ":")
					if found[file] = true; houseDice[file] == "" {
						t.Errorf("%s: math/rand can be foretold: use crypto/rand, or say in house_read_test.go what it is for", p.at(spec))
					}
				}
			}
		}
	}
	for file := range houseDice {
		if !found[file] {
			t.Errorf("%s does not use math/rand any more: take it from the list", file)
		}
	}
}
