package several_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/keyring"
)

// TestSeveral is acceptance F5.
func TestSeveral(t *testing.T) {
	w := open(t, 0)
	w.run("sign-out", w.signOut)
	w.run("limits", w.limits)
	w.run("keys", w.otherKeys)
	w.run("maintenance", w.maintenance)
	l := w.load(4, 3, 3)
	for range need.Times(1, 1, 5) {
		l.run("PostgreSQL is restarted", func() {
			w.pg.Halt(syscall.SIGINT)
			w.pg.Again(t)
		})
		l.run("PostgreSQL crashes", func() {
			w.pg.Halt(syscall.SIGQUIT)
			w.pg.Again(t)
		})
		l.run("Valkey is killed", func() {
			w.store.Stop()
			w.withoutStore()
			w.both[0].kill()
			w.both[0].begin() // nor does its absence keep a process from starting
			w.both[0].ready()
			w.store.Again()
		})
		for _, p := range w.both {
			l.run("a process is killed", func() {
				p.kill()
				time.Sleep(500 * time.Millisecond)
				p.begin()
				p.ready()
			})
		}
		l.rolling()
	}
	l.end()
	if need.Long() { // at the end: with a place that is only tried no process starts again
		w.run("backups", w.backups)
	}
}

// rolling restarts both processes, one after the other: nobody is told to come again, not even once.
func (l *load) rolling() {
	tries, again := l.tries.Load(), l.again.Load()
	for _, p := range l.w.both {
		l.run("a process is restarted", func() {
			p.end()
			p.begin()
			p.ready()
		})
	}
	if tries, again = l.tries.Load()-tries, l.again.Load()-again; tries+again > 0 {
		l.w.t.Errorf("in a rolling restart %d pages and %d posts had to be tried again", tries, again)
	}
}

// signOut: who signs out at one process is signed out at the other at once, for good.
func (w *world) signOut(t *testing.T) {
	v := w.visitor()
	v.signIn("ann@club.example")
	one, two := v.direct(w.both[0]), v.direct(w.both[1])
	// Each in a jar of its own, as a thief of the cookie has it.
	thief := two.copied()
	for _, at := range []*visitor{one, two, thief} {
		if a := at.get("/members"); a.status != 200 {
			t.Fatalf("before: %v", a)
		}
	}
	if a := one.submit("/members", "/sign-out"); a.status != 303 {
		t.Fatalf("sign-out: %v", a)
	}
	for range 3 {
		if a := thief.get("/members"); a.status != 303 || !strings.HasPrefix(a.location, "/sign-in") {
			t.Fatalf("at the other process after the sign-out: %v", a)
		}
	}
}

// limits: both processes count wrong passwords together. If each counted its own, half of them would be no reason to refuse the right one.
func (w *world) limits(t *testing.T) {
	try := func(email, typed string, at *process) answer {
		t.Helper()
		a := w.visitor().direct(at).submit("/sign-in", "/sign-in", "Email", email, "Password", typed)
		if a.status != 422 && a.status != 303 {
			t.Fatalf("a sign-in: %v", a)
		}
		return a
	}
	for email, wrong := range map[string]int{"ben@club.example": 4, "cleo@club.example": 14} { // ten in a quarter of an hour
		for i := range wrong {
			try(email, "no password of anybody", w.both[i%2])
		}
		if in := try(email, password, w.both[0]).status == 303; in != (wrong < 10) {
			t.Errorf("after %d wrong passwords, half of them at each process, the right one is let in: %v", wrong, in)
		}
	}
}

// withoutStore: while Valkey is away pages are open to strangers, and nobody signs in.
func (w *world) withoutStore() {
	for _, p := range w.both {
		v := w.visitor().direct(p)
		if a := v.get("/news"); a.status != 200 {
			w.t.Errorf("a page without Valkey: %v", a)
		}
		if a := v.submit("/sign-in", "/sign-in", "Email", "ann@club.example", "Password", password); a.status != 503 {
			w.t.Errorf("a sign-in without Valkey: %v", a)
		}
	}
}

// otherKeys: a third process with keys of its own does not start on the same data.
func (w *world) otherKeys(t *testing.T) {
	p := &process{w: w, dir: "other", listen: need.Port(t), health: need.Port(t)}
	t.Cleanup(p.kill)
	w.mkdir("other")
	if _, err := keyring.Create(filepath.Join(w.dir, "other", "keys"), time.Now()); err != nil {
		t.Fatal(err)
	}
	p.begin()
	select {
	case <-p.ended:
	case <-time.After(60 * time.Second):
		t.Fatal("a process with other keys runs")
	}
	if out := p.out.tail(20); p.cmd.ProcessState.ExitCode() == 0 || !strings.Contains(out, keyring.RuleChanged.ID) {
		t.Errorf("a process with other keys: exit %d\n%s", p.cmd.ProcessState.ExitCode(), out)
	}
}

// command runs one beside the processes, in whichever takes it.
func (w *world) command(args ...string) string {
	w.t.Helper()
	cmd := exec.Command(need.Built(w.t, "examples/club/large"), args...)
	cmd.Dir, cmd.Env = w.dir, []string{"HOME=" + w.dir, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// maintenance: what one process is told closes and opens both, within two seconds. The one that takes orders is killed between, and the
// other one takes them.
func (w *world) maintenance(t *testing.T) {
	all := func(want int) {
		t.Helper()
		for _, p := range w.both {
			v := w.visitor().direct(p)
			for end := time.Now().Add(time.Minute); v.get("/news").status != want; time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("a process does not answer %d", want)
				}
			}
		}
	}
	w.command("maintenance", "on")
	all(503)
	for _, p := range w.both {
		p.kill()
		p.begin()
		p.ready()
		w.command("maintenance", "off")
		all(200)
		w.command("maintenance", "on")
		all(503)
	}
	w.command("maintenance", "off")
	all(200)
}

// backups: both processes look once a minute whether a point is due, and one makes it.
func (w *world) backups(t *testing.T) {
	target := t.TempDir()
	w.command("backup", "init", "--to", "file://"+target, "--try", "--kit", filepath.Join(w.dir, "kit.html"))
	points := func() int {
		found, err := filepath.Glob(filepath.Join(target, "*", "*", "*", "manifest.json"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	for end := time.Now().Add(3 * time.Minute); points() == 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no point is made\n%s", w.command("backup", "list"))
		}
	}
	time.Sleep(90 * time.Second)
	if n := points(); n != 1 {
		t.Errorf("%d points, want 1\n%s", n, w.command("backup", "list"))
	}
}
