package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// What a sort has no room for in memory lies beside the database, without a name, and in no other folder.
func TestTemporaryFiles(t *testing.T) {
	if _, err := os.ReadDir("/proc/self/fd"); err != nil {
		t.Skip("what is open cannot be seen here: ", err)
	}
	elsewhere := t.TempDir()
	t.Setenv("TMPDIR", elsewhere)
	t.Setenv("SQLITE_TMPDIR", elsewhere)
	dir := filepath.Join(t.TempDir(), "data ?vfs=os&x#1%41 %")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := openFile(filepath.Join(dir, "x ?.db"), sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE|sqlite3.OPEN_NOFOLLOW)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Exec("CREATE TABLE x (a TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 20000) INSERT INTO x SELECT hex(randomblob(500)) FROM n"); err != nil {
		t.Fatal(err)
	}
	stmt, _, err := c.Prepare("SELECT a FROM x ORDER BY a")
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	if !stmt.Step() {
		t.Fatal(stmt.Err())
	}
	n := 0
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		switch to, _ := os.Readlink(filepath.Join("/proc/self/fd", fd.Name())); {
		case strings.HasPrefix(to, elsewhere):
			t.Errorf("open elsewhere: %s", to)
		case strings.HasPrefix(to, filepath.Join(dir, ".temp-")):
			n++
		}
	}
	if n == 0 {
		t.Error("a sort of 20 MB has no temporary file: the test shows nothing")
	}
	last := ""
	for ok := true; ok; ok = stmt.Step() {
		if s := stmt.ColumnText(0); s < last {
			t.Fatal("the rows come in another order")
		} else {
			last = s
		}
	}
	if err := stmt.Err(); err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "data*", ".temp-*"))
	if err != nil || len(all) > 0 {
		t.Errorf("left over: %q, %v", all, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "x ?.db")); err != nil {
		t.Errorf("the database lies elsewhere: %v", err)
	}
}
