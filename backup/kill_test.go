package backup

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// TestMain runs the tests, or, as a child of one of them, a site that makes one point after the other until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("MERLON_TEST_BACKUP_CHILD"); dir != "" {
		pointsForEver(dir)
	}
	if dir := os.Getenv("MERLON_TEST_BACKUP_ONE"); dir != "" {
		onePoint(dir)
	}
	os.Exit(need.Main(m))
}

// pointsForEver prints the receipt of each point.
func pointsForEver(dir string) {
	s := &testSite{t: childT{}, data: filepath.Join(dir, "data"), target: filepath.Join(dir, "target")}
	s.start()
	fmt.Println("up")
	for {
		s.note(20)
		made, err := s.run("")
		if err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		fmt.Println(made.Receipt)
	}
}

// childT is the test of a child, which has none.
type childT struct{ testing.TB }

func (childT) Helper()        {}
func (childT) Cleanup(func()) {}
func (childT) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}

// kills is how often a run is killed at each kind of target. With those of restores and drills (internal/e2e/restore) they are
// a hundred in CI.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("MERLON_TEST_KILLS")); err == nil {
		return n
	}
	if os.Getenv("MERLON_TEST_LONG") != "" {
		return 1000
	}
	return 30
}

// TestKilledRuns kills the process at random moments of its runs. What was announced is there, the chain is whole, each point
// opens, and nothing lies about in the clear.
func TestKilledRuns(t *testing.T) {
	need.Time(t, "kills processes")
	dir := t.TempDir()
	s := &testSite{t: t, data: filepath.Join(dir, "data"), target: filepath.Join(dir, "target")}
	if err := os.Mkdir(s.target, 0o700); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.setUp()
	s.note(200)
	if err := s.site.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	var announced []string
	left := map[string]int{}
	for round := range kills() {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "MERLON_TEST_BACKUP_CHILD="+dir, "TMPDIR="+temp)
		var problems strings.Builder
		cmd.Stderr = &problems
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() || lines.Text() != "up" {
			t.Fatalf("round %d: the child did not come up: %s", round, problems.String())
		}
		timer := time.AfterFunc(rand.N(400*time.Millisecond), func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			announced = append(announced, lines.Text())
		}
		timer.Stop()
		_ = cmd.Wait()
		if problems.Len() > 0 {
			t.Fatalf("round %d: %s", round, problems.String())
		}
		spools, _ := filepath.Glob(filepath.Join(s.data, "backup", spoolFolder, "*"))
		left["spools"] += len(spools)
		noCanary(t, s.target, filepath.Join(s.data, "backup"), temp)
		hidden, _ := filepath.Glob(filepath.Join(s.data, ".*"))
		for _, path := range hidden {
			left["snapshots"]++
			if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), canary) {
				t.Errorf("%s holds plain text", path)
			}
		}
		s.holds(announced)
	}
	s.start()
	made := s.point()
	w, err := s.store().walk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills: %d points announced, %d made in all, %d spools and %d snapshots left and swept, %d bytes of data that no manifest names",
		kills(), len(announced), made.Seq, left["spools"], left["snapshots"], w.orphan)
	for _, p := range s.points() {
		stream, err := s.store().Fetch(t.Context(), p, s.recovery.Identity())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Inspect(stream); err != nil {
			t.Errorf("point %d: %v", p.Seq, err)
		}
		stream.Close()
	}
}

// holds demands that the chain is whole and has every receipt.
func (s *testSite) holds(receipts []string) {
	s.t.Helper()
	there := map[string]bool{}
	for _, p := range s.pointsOf(context.Background()) {
		there[p.Receipt().String()] = true
	}
	for _, r := range receipts {
		if !there[r] {
			s.t.Fatalf("the point %s was announced, and is lost", r)
		}
	}
}

func (s *testSite) pointsOf(ctx context.Context) []*Point {
	s.t.Helper()
	setup, err := ReadSetup(s.data)
	if err != nil {
		s.t.Fatal(err)
	}
	t, err := OpenTarget(ctx, "file://"+s.target, nil, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer t.Close()
	points, err := (&Store{target: t, site: setup.Site, root: setup.T}).Chain(ctx, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return points
}
