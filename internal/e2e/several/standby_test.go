package several_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// TestSeveralWithAStandby: two processes read their pages from one standby. What it lacks lets nobody in and hides nobody's own writes, at
// whichever process they come.
func TestSeveralWithAStandby(t *testing.T) {
	w := open(t, 1)
	w.run("own writes", w.ownWrites)
	w.run("ends of sessions", w.ends)
	w.run("the standby is killed", w.withoutStandby)
	w.run("own writes, once it is back", w.ownWrites)
}

// follow waits until the standby has all that there is.
func (w *world) follow() {
	w.t.Helper()
	w.pg.Follow(w.t, w.standbys...)
}

// pause has the standby stand still with all that there is.
func (w *world) pause() {
	w.t.Helper()
	w.follow()
	w.standbys[0].Pause(w.t)
}

func (w *world) resume() {
	w.t.Helper()
	w.standbys[0].Resume(w.t)
	w.follow()
}

// ends: a session that was ended while the standby stands still has ended at both processes at once, by its user and by a command.
func (w *world) ends(t *testing.T) {
	w.pause()
	defer w.resume()
	w.signOut(t)
	v := w.visitor()
	v.signIn("ben@club.example")
	var thieves []*visitor
	for _, p := range w.both {
		thief := v.direct(p).copied()
		thief.client.Transport = v.direct(p).client.Transport
		if a := thief.get("/members"); a.status != 200 {
			t.Fatalf("before: %v", a)
		}
		thieves = append(thieves, thief)
	}
	w.command("user", "disable", "ben@club.example", "--reason", "a test")
	for range 3 {
		for i, thief := range thieves {
			if a := thief.get("/members"); a.status != 303 || !strings.HasPrefix(a.location, "/sign-in") {
				t.Errorf("at process %d after the user was disabled: %v", i, a)
			}
		}
	}
	w.command("user", "enable", "ben@club.example", "--reason", "a test")
}

// ownWrites: who has written at one process reads it at the other, while strangers are shown what the standby has.
func (w *world) ownWrites(t *testing.T) {
	v := w.visitor()
	v.signIn("ann@club.example")
	strangers := []*visitor{w.visitor().direct(w.both[0]), w.visitor().direct(w.both[1])}
	shows := func(v *visitor, text string) bool {
		t.Helper()
		a := v.get("/news/2")
		if a.status != 200 {
			t.Fatalf("a page: %v", a)
		}
		return strings.Contains(a.body, text)
	}
	old := map[int]int{} // pages of strangers that lack what is written: the standby's
	for i := 0; old[0] < 2 || old[1] < 2; i++ {
		if i == 20 { // a standby that is five seconds behind is read by nobody, and a machine may be slow
			t.Fatalf("of each process's pages those came from a standby that stood still: %v; the test shows nothing", old)
		}
		text := fmt.Sprintf("of %s, written at process %d, try %d", t.Name(), i%2, i)
		w.pause()
		if a := v.direct(w.both[i%2]).submit("/news/2", "/news/2/comments", "Text", text); a.status != 303 {
			t.Fatalf("a comment: %v", a)
		}
		for n, s := range strangers {
			if !shows(s, text) {
				old[n]++
			}
		}
		for range 3 {
			for n, p := range w.both {
				if !shows(v.direct(p), text) {
					t.Errorf("what was written at process %d is not shown to its writer at process %d", i%2, n)
				}
			}
			if !shows(v, text) {
				t.Error("nor behind nginx")
			}
		}
		w.resume()
		for n, s := range strangers {
			if !shows(s, text) {
				t.Errorf("process %d does not show to others what the standby has again", n)
			}
		}
	}
}

// withoutStandby: pages go on without it, and from it again when it is back.
func (w *world) withoutStandby(t *testing.T) {
	v := w.visitor()
	v.signIn("ann@club.example")
	w.standbys[0].Halt(syscall.SIGQUIT)
	for range 20 {
		for _, p := range w.both {
			for _, path := range []string{"/news/2", "/members"} {
				if a := v.direct(p).get(path); a.status != 200 {
					t.Errorf("%s without the standby: %v", path, a)
				}
			}
		}
	}
	w.standbys[0].Again(t)
	w.follow()
}
