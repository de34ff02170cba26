package restore_test

import (
	"crypto/rand"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
)

// onServer is a home whose site has its rows in a database of its own on a server.
func onServer(t *testing.T, server *pgpeer.Server) (*home, string) {
	t.Helper()
	name := server.Database(t)
	h := newHome(t)
	h.program = need.Built(t, "examples/club/large")
	h.env = []string{"MERLON_DB_URL=" + server.URL(pgpeer.Owner, name), "MERLON_DB_PASSWORD=hidden", "MERLON_DB_READER_PASSWORD=hidden"}
	return h, name
}

// loseServer is loseClub on a database server. No file has what the visitor wrote, neither while the point is made nor after.
func loseServer(t *testing.T, server *pgpeer.Server) (*lost, string) {
	t.Helper()
	target := t.TempDir()
	if err := os.Chmod(target, 0o700); err != nil {
		t.Fatal(err)
	}
	h, name := onServer(t, server)
	h.temp = t.TempDir()
	l := loseTo(t, h, "file://"+target)
	l.target = target
	return l, name
}

// loaded are the databases that restores and drills have made beside one, and not given away.
func loaded(t *testing.T, server *pgpeer.Server, name string) []string {
	t.Helper()
	return server.Query(t, "postgres", "SELECT datname FROM pg_database WHERE datname LIKE '"+name+`\_restore\_%'`)
}

// A site on a server is lost with the server, and comes back on another one by the kit alone, as one on a file does.
func TestLoseServer(t *testing.T) {
	server := pgpeer.Shared(t)
	l, name := loseServer(t, server)
	notSaid(t, l.target)
	notSaid(t, l.home.data())
	out, _ := l.home.run(0, "drill")
	if !strings.Contains(out, "PASS") || !strings.Contains(out, "old cookies and links are refused") || !strings.Contains(out, "0 calls out") {
		t.Fatalf("the drill: %s", out)
	}
	l.home.run(0, "backup", "verify", "--all")
	if left := append(loaded(t, server, name), glob(t, l.home.data(), "scratch/*", ".*-spool-*", "backup/spool/*")...); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	notSaid(t, l.home.data())
	notSaid(t, l.home.temp)
	if users(t, l.home) != 50 {
		t.Error("the drill left something in the site")
	}

	other, fresh := onServer(t, server)
	without := newHome(t)
	without.program = other.program
	if _, errOut := without.run(3, "restore", "latest", "--into", "file", "--key-file", l.kit); !strings.Contains(errOut, "holds a dump of a database server (PostgreSQL ") || !strings.Contains(errOut, "db.url") {
		t.Errorf("without a server: %s", errOut)
	}
	out, _ = other.run(0, "restore", "latest", "--live", "--confirm-site", "club", "--key-file", l.kit)
	for _, want := range []string{"site is back: 50 users", "comment 11", "All sessions were ended", "the rows from before lie in the database " + fresh + "_before_restore_", "made of: PostgreSQL ", "migrate setup"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	if n := server.Query(t, fresh, "SELECT count(*) FROM merlon_user")[0]; n != "50" || len(loaded(t, server, fresh)) > 0 {
		t.Errorf("the settings' database has %s users; beside it there are %v", n, loaded(t, server, fresh))
	}
	if _, err := os.Lstat(filepath.Join(other.data(), db.FolderNames)); err == nil {
		t.Error("the folder names a database that is the one of the settings")
	}
	notSaid(t, other.data())

	s := other.serve()
	ann := l.comeBack(t, s)
	if ann.get("/news/1") != 200 || ann.submit("/news/1/comments", map[string]string{"Text": "after the loss"}) != 200 {
		t.Errorf("a comment: %s", ann.Text())
	}
	if _, errOut := other.run(3, "restore", "--live", "--confirm-site", "club", "--key-file", l.kit); !strings.Contains(errOut, "running") {
		t.Errorf("over a running site: %s", errOut)
	}
	if out, _ := other.run(0, "backup", "run"); !strings.Contains(out, "read back and verified") { // its chain goes on
		t.Errorf("the next point: %s", out)
	}
	other.run(0, "backup", "verify", "--all")
	s.stop()

	// A folder beside it has its rows in a database beside it, and is a site of its own.
	out, _ = other.run(0, "restore", "1", "--into", "rehearsal", "--key-file", l.kit)
	if !strings.Contains(out, "the folder names") || len(loaded(t, server, fresh)) != 1 {
		t.Errorf("into a folder: %s %v", out, loaded(t, server, fresh))
	}
	other.run(0, "user", "add", "late@club.example", "--data", "rehearsal")
	if users(t, other) != 50 {
		t.Error("what was done in the rehearsal is in the site")
	}
	server.Exec(t, "postgres", "DROP DATABASE "+loaded(t, server, fresh)[0]+" WITH (FORCE)")
	before := glob(t, other.path, "data.before-restore-*")
	if len(before) != 0 { // the new machine had no data
		t.Errorf("put aside: %v", before)
	}
	out, _ = other.run(0, "restore", "1", "--live", "--after-theft", "--confirm-site", "club", "--key-file", l.kit)
	if !strings.Contains(out, "site is back") || strings.Contains(out, "not of this program's migrations") {
		t.Errorf("after a theft: %s", out)
	}
	if before = glob(t, other.path, "data.before-restore-*"); len(before) != 1 {
		t.Fatalf("put aside: %v", before)
	}
	list, _ := other.run(0, "user", "list", "--data", before[0])
	if !strings.Contains(list, "ann@club.example") {
		t.Errorf("the folder that was put aside does not find its rows: %s", list)
	}
}

// The set-up page of a new site on another server gets the old one back, while that new site is up.
func TestSetUpPageRestoresOnServer(t *testing.T) {
	need.Time(t, "loses a whole club on a database server, and restores it by the page")
	server := pgpeer.Shared(t)
	l, _ := loseServer(t, server)
	other, fresh := onServer(t, server)
	setUpPageRestores(t, l, other)
	if n := server.Query(t, fresh, "SELECT count(*) FROM merlon_user")[0]; n != "50" || len(loaded(t, server, fresh)) > 0 {
		t.Errorf("the settings' database has %s users; beside it there are %v", n, loaded(t, server, fresh))
	}
}

// Noise, a bit and a cut in the newest point fail drill, verify and restore, and leave no database; exchanged points are told from
// each other; an older point is restored.
func TestNoiseOnServer(t *testing.T) {
	need.Time(t, "loses a whole club on a database server")
	server := pgpeer.Shared(t)
	l, name := loseServer(t, server)
	l.home.run(0, "backup", "run", "--label", "the newest")
	found, err := filepath.Glob(filepath.Join(l.target, "*", "*", "*", "data-*.age"))
	if err != nil || len(found) != 2 {
		t.Fatal(found, err)
	}
	slices.SortFunc(found, func(a, b string) int {
		return strings.Compare(filepath.Base(filepath.Dir(a)), filepath.Base(filepath.Dir(b)))
	})
	read := func(path string) []byte {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	older := read(found[0])
	for what, content := range map[string]func(whole []byte) []byte{
		"noise": func(whole []byte) []byte {
			noise := make([]byte, len(whole))
			_, _ = rand.Read(noise)
			return noise
		},
		"one bit":         flipped,
		"cut":             func(whole []byte) []byte { return whole[:len(whole)-1] },
		"the older point": func([]byte) []byte { return older },
	} {
		newest, folder := l.newest(t) // each drill makes a point
		number, whole := strings.TrimLeft(folder, "0"), read(newest)
		if err := os.WriteFile(newest, content(whole), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"drill"}, {"backup", "verify", "--all"}, {"restore", number, "--into", "broken", "--key-file", l.kit}} {
			out, errOut := l.home.run(1, args...)
			if both := out + errOut; !strings.Contains(both, folder) && !strings.Contains(both, "point "+number+" ") {
				t.Errorf("%s: %v does not name the point %s: %s", what, args, number, both)
			}
		}
		if err := os.WriteFile(newest, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if left := loaded(t, server, name); len(left) > 0 {
			t.Errorf("%s: left: %v", what, left)
		}
	}
	l.home.run(0, "restore", "1", "--into", "older", "--key-file", l.kit)
	out, _ := l.home.run(0, "restore", "2", "--after-theft", "--compare", "1", "--into", "compared", "--key-file", l.kit)
	if !strings.Contains(out, "the same as in point 1") {
		t.Errorf("the comparison with an older point: %s", out)
	}
	if left := loaded(t, server, name); len(left) != 2 { // those of the two folders
		t.Errorf("databases beside the site's: %v", left)
	}
	if left := glob(t, l.home.path, ".*restore-*"); len(left) != 0 {
		t.Errorf("plain copies are left: %v", left)
	}
}

// A drill or a restore that is killed at any moment leaves the old site or the new one; the next one sweeps what is left.
func TestKilledOnServer(t *testing.T) {
	need.Time(t, "kills drills and restores of a site on a database server again and again")
	server := pgpeer.Shared(t)
	l, name := loseServer(t, server)
	killedDrills(t, l)
	if left := loaded(t, server, name); len(left) > 0 {
		t.Errorf("drills left %v", left)
	}
	killedServerRestores(t, l)
	if left := loaded(t, server, name); len(left) > 0 {
		t.Errorf("restores left %v", left)
	}
	notSaid(t, l.target)
	notSaid(t, l.home.temp)
}

// killedServerRestores restores point 1, which has 50 users, over a site that has one more.
func killedServerRestores(t *testing.T, l *lost) {
	h := l.home
	args := []string{"restore", "1", "--live", "--confirm-site", "club", "--key-file", l.kit}
	began := time.Now()
	h.run(0, args...)
	whole := time.Since(began)
	seen := map[int]int{}
	for i := range kills() {
		if seen[50]+seen[51] == 0 || users(t, h) == 50 {
			h.run(0, "user", "add", "late@club.example")
		}
		killAt(t, h, mathrand.N(whole), args...)
		n := users(t, h)
		seen[n]++
		if n != 50 && n != 51 {
			t.Fatalf("kill %d: the site has %d users: it is neither the old one nor the new", i+1, n)
		}
	}
	h.run(0, args...)
	if n := users(t, h); n != 50 {
		t.Errorf("after the kills a restore ends with %d users", n)
	}
	if left := glob(t, h.path, ".data*", "data.swap"); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	t.Logf("old or new after %d kills: %v", kills(), seen)
}
