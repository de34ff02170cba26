package mistakes_test

import (
	"bytes"
	"encoding/json"
	"errors"
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

	"github.com/merlon-web/merlon/internal/e2e/need"
)

const (
	module = "github.com/merlon-web/merlon"
	here   = module + "/examples/mistakes/testdata"
)

// A mistake is one line of the table.
type mistake struct {
	ID      string
	Mistake string   // what a developer in a hurry writes
	Stages  []string // compile, start, check, test, run; none: it cannot even be spelled
	Proofs  []string // ROOM.TestName: what proves test, run and what cannot be spelled
	Waits   string   // what has to be built first, "issue 8"; "" when the line is held
}

// stopped says where the mistake ends.
func (m mistake) stopped() string {
	if len(m.Stages) == 0 {
		return "stopped before it can be spelled"
	}
	return "stopped at " + strings.Join(m.Stages, ", ")
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	root := need.Root(t)
	table := readTable(t)
	built := build(t, root, table)
	held := 0
	for _, m := range table {
		ok := t.Run(m.ID, func(t *testing.T) {
			if m.Waits != "" {
				if _, err := os.Stat(filepath.Join("testdata", m.ID)); err == nil || len(m.Proofs) > 0 {
					t.Errorf("%s has a program or a proof and still waits for %s: mend the table", m.ID, m.Waits)
				}
				return
			}
			proven := false
			for _, stage := range m.Stages {
				switch stage {
				case "compile":
					built.judge(t, m)
				case "start":
					judgeStart(t, m)
				case "check":
					judgeCheck(t, m)
				case "test":
					judgeTest(t, m)
				default:
					proven = true
				}
			}
			if proven || len(m.Stages) == 0 {
				if len(m.Proofs) == 0 {
					t.Errorf("%s: no test is named that proves it", m.ID)
				}
			}
			for _, proof := range m.Proofs {
				if err := exists(root, proof); err != nil {
					t.Errorf("%s: proof %s: %v", m.ID, proof, err)
				}
			}
		})
		line := m.stopped()
		switch {
		case m.Waits != "":
			line = fmt.Sprintf("not yet (%s)", m.Waits)
		case !ok:
			line = "NOT STOPPED as the table says"
		default:
			held++
		}
		if testing.Verbose() {
			fmt.Printf("%s: %s (%s)\n", m.ID, line, m.Mistake)
		}
	}
	if testing.Verbose() {
		fmt.Printf("%d of %d mistakes are stopped\n", held, len(table))
	}
}

func readTable(t *testing.T) []mistake {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "mistakes.json"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var table []mistake
	if err := decoder.Decode(&table); err != nil {
		t.Fatal(err)
	}
	return table
}

// Every folder of testdata is a line of the table, and no id stands twice.
func TestTable(t *testing.T) {
	known := make(map[string]bool)
	for _, m := range readTable(t) {
		if known[m.ID] || m.Mistake == "" {
			t.Errorf("%s stands twice or says nothing", m.ID)
		}
		known[m.ID] = true
		for _, stage := range m.Stages {
			if !slices.Contains([]string{"compile", "start", "check", "test", "run"}, stage) {
				t.Errorf("%s: no stage %q", m.ID, stage)
			}
		}
	}
	folders, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if f.IsDir() && !known[f.Name()] {
			t.Errorf("testdata/%s is not a line of mistakes.json", f.Name())
		}
	}
	if len(known) < 77 {
		t.Errorf("the table has %d lines, it had 77: a line is never taken out", len(known))
	}
}

// An at is a file of testdata, by its path from there, and a line.
type at struct {
	file string
	line int
}

// A built is what the compiler said of all programs.
type built struct {
	errors map[at][]string
	other  map[string]string // by folder: what is no error of a line
}

var errorLine = regexp.MustCompile(`^(\S+\.go):(\d+):\d+: (.*)`)

// build compiles every program of the table with the compile stage, in one go build.
func build(t *testing.T, root string, table []mistake) built {
	t.Helper()
	b := built{errors: make(map[at][]string), other: make(map[string]string)}
	args := []string{"build", "-json", "-gcflags=-e"} // -e: all errors, not the first ten
	for _, m := range table {
		if m.Waits == "" && slices.Contains(m.Stages, "compile") {
			args = append(args, path.Join(here, m.ID, "mistake"), path.Join(here, m.ID, "fixed"))
		}
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if stderr.Len() > 0 {
		t.Fatalf("go build: %s", stderr.String())
	}
	var last *at
	for line := range bytes.Lines(out) {
		var event struct{ ImportPath, Action, Output string }
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatalf("go build -json: %v: %s", err, line)
		}
		text := strings.TrimSuffix(event.Output, "\n")
		folder, inside := strings.CutPrefix(event.ImportPath, here+"/")
		switch {
		case event.Action != "build-output" || text == "" || strings.HasPrefix(text, "# "):
		case !inside:
			t.Fatalf("what the programs import does not compile: %s", text)
		default:
			if m := errorLine.FindStringSubmatch(text); m != nil {
				n, _ := strconv.Atoi(m[2])
				last = &at{path.Join(folder, path.Base(m[1])), n}
				b.errors[*last] = append(b.errors[*last], m[3])
			} else if all := b.errors[*orNowhere(last)]; strings.HasPrefix(text, "\t") && len(all) > 0 {
				all[len(all)-1] += " " + strings.TrimSpace(text)
			} else {
				b.other[folder] += text + "\n"
			}
		}
	}
	return b
}

func orNowhere(a *at) *at {
	if a == nil {
		return &at{}
	}
	return a
}

// judge compares what the compiler said with the marks.
func (b built) judge(t *testing.T, m mistake) {
	t.Helper()
	folder := path.Join(m.ID, "mistake")
	wanted := marks(t, folder, "compile")
	if len(wanted) == 0 {
		t.Errorf("%s: no line has a mark // compile: MESSAGE", folder)
	}
	for where, part := range wanted {
		if got := b.errors[where]; !slices.ContainsFunc(got, func(e string) bool { return strings.Contains(e, part) }) {
			t.Errorf("%s:%d: got %q, want an error with %q", where.file, where.line, got, part)
		}
	}
	for where, got := range b.errors {
		if _, marked := wanted[where]; strings.HasPrefix(where.file, folder+"/") && !marked {
			t.Errorf("%s:%d: %q has no mark", where.file, where.line, got)
		}
		if strings.HasPrefix(where.file, path.Join(m.ID, "fixed")+"/") {
			t.Errorf("the way out does not compile: %s:%d: %q", where.file, where.line, got)
		}
	}
	for _, f := range []string{folder, path.Join(m.ID, "fixed")} {
		if other := b.other[f]; other != "" {
			t.Errorf("%s: %s", f, other)
		}
	}
}

// marks returns the marks of one stage in the Go files of a folder of testdata.
func marks(t *testing.T, folder, stage string) map[at]string {
	t.Helper()
	found := make(map[at]string)
	names, err := filepath.Glob(filepath.Join("testdata", folder, "*.go"))
	if err != nil || len(names) == 0 {
		t.Errorf("testdata/%s has no program (%v)", folder, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if _, part, ok := strings.Cut(line, "// "+stage+": "); ok {
				found[at{path.Join(folder, filepath.Base(name)), i + 1}] = strings.TrimSpace(part)
			}
		}
	}
	return found
}

// exists reports whether a test named ROOM.TestName is there, by reading the room's test files.
func exists(root, proof string) error {
	dot := strings.LastIndex(proof, ".")
	if dot < 0 {
		return errors.New("name it as ROOM.TestName")
	}
	room, name := proof[:dot], proof[dot+1:]
	if room == "merlon" {
		room = "."
	}
	names, err := fs.Glob(os.DirFS(root), path.Join(room, "*_test.go"))
	if err != nil {
		return err
	}
	for _, file := range names {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == name && strings.HasPrefix(name, "Test") {
				return nil
			}
		}
	}
	return fmt.Errorf("room %s has no such test", room)
}
