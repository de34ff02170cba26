package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// A mutant is the house without one guard.
type mutant struct {
	guard string // what is taken out
	file  string // of the module
	old   string // stands in the file exactly once
	now   string
	by    string // who must notice: "FOLDER TestName", or "attack CLASS MRL-ATK-000"
}

// sample are the mutants of every run, chosen over the rooms by what they cost; all of them are .ci/long's.
const sample = 10

// mostTime is how long one mutant may take, compiling included: seconds, but not on a machine that is busy with others.
const mostTime = 10 * time.Minute

// compiled are the flags of each build. Of all mutants the house's own packages are compiled without optimising, which takes
// little more than half as long: what is tried is whether somebody notices, not how fast. The sample takes what the other steps of
// CI have compiled already.
func compiled() []string {
	flags := []string{"-ldflags=-s -w"}
	if need.Long() {
		flags = append(flags, "-gcflags=github.com/merlon-web/merlon/...=-N -l")
	}
	return flags
}

// command runs a program in the root. A program that says no, by the exit code 1, is no error.
func command(ctx context.Context, root, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = root
	out, err := c.CombinedOutput()
	if exit, failed := errors.AsType[*exec.ExitError](err); err != nil && (!failed || exit.ExitCode() != 1) {
		return string(out), fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// parts are what is taken out: the guard, and the one that holds alone when it is gone.
func (m mutant) parts() []mutant {
	if second, has := doubles[m.guard]; has {
		return []mutant{m, second}
	}
	return []mutant{m}
}

// text returns the file without the guard.
func (m mutant) text(root string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(b, []byte(m.old)); n != 1 {
		return nil, fmt.Errorf("%s: the guard's text stands %d times in the file, want once: name it anew", m.file, n)
	}
	b = bytes.Replace(b, []byte(m.old), []byte(m.now), 1)
	if _, err := format.Source(b); err != nil && strings.HasSuffix(m.file, ".go") {
		return nil, fmt.Errorf("%s: without the guard it is no Go: %w", m.file, err)
	}
	return b, nil
}

// noticed runs who must notice, on the house without the guard. The error is that nobody could run, or that nobody noticed.
func (m mutant) noticed(ctx context.Context, root, dir string) error {
	overlay, replace := filepath.Join(dir, "overlay.json"), map[string]string{}
	for i, p := range m.parts() {
		changed, err := p.text(root)
		if err != nil {
			return err
		}
		copied := filepath.Join(dir, fmt.Sprint(i)+filepath.Base(p.file))
		if err := os.WriteFile(copied, changed, 0o600); err != nil {
			return err
		}
		replace[filepath.Join(root, p.file)] = copied
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return err
	}
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		return err
	}
	words := strings.Fields(m.by)
	if words[0] != "attack" {
		out, err := command(ctx, root, "go", slices.Concat([]string{"test", "-overlay", overlay, "-vet=off", "-count=1", "-run", "^(" + words[1] + ")$"}, compiled(), []string{"./" + words[0]})...)
		switch {
		case err != nil:
			return err
		case strings.Contains(out, "[build failed]"), strings.Contains(out, "[setup failed]"):
			return fmt.Errorf("without the guard it does not build:\n%s", out)
		case strings.Contains(out, "no tests to run"):
			return fmt.Errorf("%s has no test %s", words[0], words[1])
		case !strings.Contains(out, "--- FAIL: ") && !strings.Contains(out, "panic: "):
			return fmt.Errorf("%s of %s passes without it\n%s", words[1], words[0], out)
		}
		return nil
	}
	program := filepath.Join(dir, "club")
	if out, err := command(ctx, root, "go", "build", "-overlay", overlay, "-ldflags=-s -w", "-o", program, "./examples/club"); err != nil || out != "" {
		return fmt.Errorf("without the guard it does not build: %w\n%s", err, out)
	}
	out, err := command(ctx, root, program, "attack", "--demo", "--class", words[1], "--budget", "5m", "--format", "json")
	if err != nil {
		return err
	}
	if !strings.Contains(out, `"`+words[2]+`"`) {
		return fmt.Errorf("the attacker's class %s does not find %s\n%.2000s", words[1], words[2], out)
	}
	return nil
}

// TestMutantsFit: every guard is where the table has it, so that the table cannot rot, and none stands in it twice.
func TestMutantsFit(t *testing.T) {
	root, seen := need.Root(t), map[string]bool{}
	for _, m := range all() {
		for _, p := range m.parts() {
			if _, err := p.text(root); err != nil {
				t.Errorf("%s: %v", m.guard, err)
			}
		}
		if seen[m.guard] || m.old == m.now {
			t.Errorf("%s: it stands twice in the table, or takes nothing out", m.guard)
		}
		seen[m.guard] = true
		words := strings.Fields(m.by)
		if len(words) == 2 && words[0] != "attack" || len(words) == 3 && words[0] == "attack" {
			continue
		}
		t.Errorf("%s: %q names nobody", m.guard, m.by)
	}
	for guard, second := range doubles {
		if first := all()[slices.IndexFunc(all(), func(m mutant) bool { return m.guard == guard })]; !seen[guard] || first.file == second.file {
			t.Errorf("%s: the second guard stands beside none of the table, or in the same file", guard)
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d guards are in the table", len(seen))
	}
}

// TestMutants takes the guards out: a sample with each change, all of them in .ci/long.
func TestMutants(t *testing.T) {
	need.Time(t, "compiles the house a dozen times")
	root, began := need.Root(t), time.Now()
	chosen := all()
	if !need.Long() {
		chosen = slices.DeleteFunc(chosen, func(m mutant) bool { return !slices.Contains(everyRun, m.guard) })
		if len(chosen) != sample {
			t.Errorf("%d of the sample are in the table, want %d", len(chosen), sample)
		}
	}
	if need.Long() { // compiled in another way than everywhere else: whoever fails must fail for the guard
		t.Run("unchanged", func(t *testing.T) { unchanged(t, root, chosen) })
	}
	t.Run("each", func(t *testing.T) {
		for _, m := range chosen {
			t.Run(strings.ReplaceAll(m.guard, " ", "_"), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), mostTime)
				defer cancel()
				from := time.Now()
				if err := m.noticed(ctx, root, t.TempDir()); err != nil {
					t.Errorf("%s (%s) was taken out and not noticed: %v", m.guard, m.file, err)
				}
				t.Logf("%s: %.1f s, by %s", m.guard, time.Since(from).Seconds(), m.by)
			})
		}
	})
	t.Logf("%d guards in %.0f s", len(chosen), time.Since(began).Seconds())
}

// unchanged holds that each named test passes on the house as it is.
func unchanged(t *testing.T, root string, chosen []mutant) {
	named := map[string][]string{}
	for _, m := range chosen {
		if words := strings.Fields(m.by); words[0] != "attack" && !slices.Contains(named[words[0]], words[1]) {
			named[words[0]] = append(named[words[0]], words[1])
		}
	}
	for folder, tests := range named {
		t.Run(strings.ReplaceAll(folder, "/", "_"), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), mostTime)
			defer cancel()
			out, err := command(ctx, root, "go", slices.Concat([]string{"test", "-vet=off", "-count=1", "-run", "^(" + strings.Join(tests, "|") + ")$"}, compiled(), []string{"./" + folder})...)
			if err != nil || !strings.HasPrefix(out, "ok ") {
				t.Errorf("with every guard in its place: %v\n%s", err, out)
			}
		})
	}
}
