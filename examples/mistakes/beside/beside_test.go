package beside_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

var update = flag.Bool("update", false, "write testdata/outcomes.json, docs/compared.md and the README's count anew")

// debianPython is the interpreter that Debian's python3-django belongs to.
const debianPython = "/usr/bin/python3"

// A mistake is one line of the table of package mistakes.
type mistake struct {
	ID      string
	Mistake string
	Stages  []string
	Proofs  []string
	Waits   string
}

// readTable returns the lines in their order.
func readTable(t *testing.T) (table []mistake) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "mistakes.json"))
	if err == nil {
		err = json.Unmarshal(text, &table)
	}
	if err != nil || len(table) == 0 {
		t.Fatalf("no table: %v", err)
	}
	return table
}

// Outcomes are those of one framework, by the mistakes' ids.
type outcomes struct {
	Version  string
	Mistakes map[string]outcome
}

// A golden holds what was measured.
type golden struct{ Django, Kit outcomes }

const goldenFile = "testdata/outcomes.json"

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	text, err := os.ReadFile(goldenFile)
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil && !*update {
		t.Fatal(err)
	}
	return g
}

// shell sees that the programs are there which CMD-1 to CMD-3 run: sh, touch and sort.
func shell(t *testing.T) {
	t.Helper()
	need.Program(t, "sh", "dash")
	need.Program(t, "touch", "coreutils")
	need.Program(t, "sort", "coreutils")
}

// TestKit makes every mistake with the usual Go kit. That its programs compile, and that go vet lets them pass, is part of it.
func TestKit(t *testing.T) {
	shell(t)
	k, got := newKit(t), outcomes{kitVersion(t), make(map[string]outcome)}
	for _, all := range []map[string]func(*kit) outcome{kitInject, kitPage, kitForms, kitAccount, kitBrowser} {
		for _, id := range slices.Sorted(maps.Keys(all)) {
			if _, twice := got.Mistakes[id]; twice {
				t.Errorf("%s is tried twice", id)
			}
			got.Mistakes[id] = all[id](k)
		}
	}
	compare(t, got, func(g *golden) *outcomes { return &g.Kit })
}

// kitVersion names the kit's modules with the versions of go.mod.
func kitVersion(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(need.Root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	versions := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 2 {
			versions[f[0]] = f[1]
		}
	}
	goVersion, _, _ := strings.Cut(strings.TrimPrefix(versions["go"], "1."), ".")
	all := []string{"Go 1." + goVersion + " (net/http, html/template, database/sql)"}
	for _, module := range []string{"github.com/alexedwards/scs/v2", "github.com/justinas/nosurf", "github.com/unrolled/secure", "golang.org/x/crypto", "modernc.org/sqlite"} {
		if versions[module] == "" {
			t.Fatalf("go.mod does not name %s", module)
		}
		all = append(all, strings.TrimSuffix(strings.TrimPrefix(module, "github.com/"), "/v2")+" "+versions[module])
	}
	return strings.Join(all, ", ")
}

// TestDjango makes every mistake with Django.
func TestDjango(t *testing.T) {
	shell(t)
	if out, err := exec.Command(debianPython, "-c", "import django").CombinedOutput(); err != nil {
		t.Logf("%s", out)
		need.Missing(t, "Debian's python3-django", "apt-get install python3-django")
	}
	run := exec.Command(debianPython, "-B", "run.py")
	run.Dir = filepath.Join("testdata", "django")
	run.Env = append(os.Environ(), "BESIDE_DATA="+t.TempDir(), "PYTHONIOENCODING=utf-8")
	var stderr bytes.Buffer
	run.Stderr = &stderr
	out, err := run.Output()
	if err != nil {
		t.Fatalf("run.py: %v\n%s\n%s", err, out, stderr.String())
	}
	got := outcomes{Mistakes: make(map[string]outcome)}
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		var line struct{ ID, Stopped, Words string }
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, s.Bytes())
		}
		if line.ID == "" {
			// What check --deploy says of the site with all of its mistakes would have to be credited below.
			if got.Version = line.Words; !strings.Contains(line.Stopped, "identified no issues") {
				t.Errorf("check --deploy says of the site: %s", line.Stopped)
			}
			continue
		}
		got.Mistakes[line.ID] = outcome{line.Stopped, line.Words}
	}
	compare(t, got, func(g *golden) *outcomes { return &g.Django })
}

// compare holds what was measured against the golden file, or writes it there.
func compare(t *testing.T, got outcomes, of func(*golden) *outcomes) {
	t.Helper()
	g := readGolden(t)
	want := of(&g)
	if *update {
		*want = got
		text, err := json.MarshalIndent(g, "", "\t")
		if err == nil {
			err = os.WriteFile(goldenFile, append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got.Version != want.Version {
		t.Logf("measured with %s, and the page tells %s: -update writes it anew", got.Version, want.Version)
	}
	count := make(map[string]int)
	table := readTable(t)
	for _, m := range table {
		o, tried := got.Mistakes[m.ID]
		if !tried {
			t.Errorf("%s is not tried", m.ID)
			continue
		}
		if !slices.Contains([]string{atStart, atCheck, atRun, notStopped, none}, o.Stopped) || o.Words == "" {
			t.Errorf("%s: %q, %q is no outcome", m.ID, o.Stopped, o.Words)
		}
		if o != want.Mistakes[m.ID] {
			t.Errorf("%s: got %q (%s), want %q (%s)", m.ID, o.Stopped, o.Words, want.Mistakes[m.ID].Stopped, want.Mistakes[m.ID].Words)
		}
		count[o.Stopped]++
		if testing.Verbose() {
			fmt.Printf("%s: %s (%s)\n", m.ID, o.Stopped, o.Words)
		}
	}
	for id := range got.Mistakes {
		if !slices.ContainsFunc(table, func(m mistake) bool { return m.ID == id }) {
			t.Errorf("%s is no line of the table", id)
		}
	}
	if testing.Verbose() {
		for _, stage := range slices.SortedFunc(maps.Keys(count), func(a, b string) int { return cmp.Compare(count[b], count[a]) }) {
			fmt.Printf("%d of %d: %s\n", count[stage], len(table), stage)
		}
	}
}
