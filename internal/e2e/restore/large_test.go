package restore_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/internal/e2e/need"
)

// largeMB is how large the club of TestDrillOfALargeClub is: MERLON_TEST_MB, else 150 in CI's long form and 10 otherwise.
func largeMB() int {
	if n, err := strconv.Atoi(os.Getenv("MERLON_TEST_MB")); err == nil {
		return n
	}
	if need.Long() {
		return 150
	}
	return 10
}

// drillTime is how long the drill of 150 MB may take, the point that it makes of them with it.
const drillTime = 10 * time.Second

// A drill of a club of 150 MB makes a point, fetches it, starts the club on it and uses it, in ten seconds of a quiet machine.
// Where tests share the processors it is held by what it took of them.
func TestDrillOfALargeClub(t *testing.T) {
	need.Time(t, "drills a large club")
	l := loseClub(t)
	c, err := sqlite3.Open(filepath.Join(l.home.data(), "club.db"))
	if err != nil {
		t.Fatal(err)
	}
	insert, _, err := c.Prepare("INSERT INTO comment (news, author, text, created) VALUES (1, 1, ?, '2026-01-01T00:00:00Z')")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Exec("BEGIN"); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 0, 64<<10)
	for n := 0; n < largeMB()<<20; n += len(text) {
		text = text[:0]
		for i := 0; len(text) < 60<<10; i++ {
			text = fmt.Appendf(text, "a comment %d %x ", n+i, (n+i)*2654435761)
		}
		if err := insert.BindText(1, string(text)); err != nil {
			t.Fatal(err)
		}
		if err := insert.Exec(); err != nil {
			t.Fatal(err)
		}
	}
	if err := insert.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := l.home.command(t.Context(), "drill", "--json")
	began := time.Now()
	out, err := cmd.Output()
	took := time.Since(began)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	evidence, err := filepath.Glob(filepath.Join(l.home.data(), "drills", "*.json"))
	if err != nil || len(evidence) != 1 {
		t.Fatalf("evidence: %v, %v", evidence, err)
	}
	text, err = os.ReadFile(evidence[0])
	if err != nil {
		t.Fatal(err)
	}
	var e backup.Evidence
	if err := json.Unmarshal(text, &e); err != nil || e.Outcome != "pass" {
		t.Fatalf("%s, %v", text, err)
	}
	used := processors(cmd)
	t.Logf("the drill of %d MB took %.2f s, %.2f s of processors; steps %v; to the first page %.2f s", largeMB(), took.Seconds(), used.Seconds(), e.Steps, e.RTO)
	if used > drillTime {
		t.Errorf("it took %s of processors, at most %s are wanted", used, drillTime)
	}
}

// processors is how long a program and its children have computed.
func processors(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
