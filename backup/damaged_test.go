package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
)

// spoil alters one bit of a file, and returns what gives it back.
func spoil(t *testing.T, path string) (mend func()) {
	t.Helper()
	alter := func() {
		t.Helper()
		if err := flip(path); err != nil {
			t.Fatal(err)
		}
	}
	alter()
	return alter
}

// A night makes a point and drills it. The one that was the newest before is read first: a restore of the hour before would have taken
// it. When it is damaged the drill fails and names it, and the new point is restored and started all the same.
func TestNoiseInTheNewestPointFailsTheNight(t *testing.T) {
	s := chainOf(t, 2)
	s.part.cfg.Mail = "owner@example.org"
	started := []int64{}
	s.part.use = func(_ context.Context, _ *merlon.House, _ *Evidence, _ string, in *Inner, _ time.Time) error {
		started = append(started, in.Seq)
		return nil
	}
	clock := 0
	night := func() (e Evidence, err error) { // what round does when the drill is due
		t.Helper()
		clock++
		s.offset.set(time.Duration(clock) * time.Second) // evidence has its time for a name
		if _, err := s.part.attempt(t.Context(), s.site.House(), wish{daily: true, force: true}); err != nil {
			t.Fatal(err)
		}
		err = s.part.drill(t.Context(), s.site.House())
		all, globbed := inFolder(filepath.Join(s.data, "drills"), "*.json")
		if globbed != nil || len(all) != clock {
			t.Fatalf("%v: %v", all, globbed)
		}
		text, read := os.ReadFile(slices.Max(all))
		if read = errors.Join(read, json.Unmarshal(text, &e)); read != nil {
			t.Fatal(read)
		}
		return e, err
	}
	ready := func() string { return strings.Join(s.part.readiness(t.Context(), s.site.House()), "\n") }

	e, err := night()
	if err != nil || e.Outcome != "pass" || e.Checks.Before != "ok" || e.Checks.BeforeSeq != 2 || e.Seq != 3 || ready() != "" || len(s.check(RuleDamaged)) != 0 {
		t.Fatalf("a night on which all is well: %v, %+v", err, e)
	}

	newest := s.points()[2]
	mend := spoil(t, filepath.Join(s.target, s.store().Site(), filepath.FromSlash(newest.Folder()), newest.Data.Name))
	e, err = night()
	if err == nil || !strings.Contains(err.Error(), "point 3 of ") || !strings.Contains(err.Error(), "point 4, the newest, was restored and started") {
		t.Errorf("the newest point is noise, and the night says %v", err)
	}
	if e.Outcome != "fail" || e.Failed != "before" || e.Checks.Before != "altered" || e.Checks.BeforeSeq != 3 || e.Seq != 4 || e.Checks.Ciphertext != "ok" || !strings.Contains(e.Problem, "point 3 of ") {
		t.Errorf("the evidence: %+v", e)
	}
	if !slices.Equal(started, []int64{3, 4}) {
		t.Errorf("started were %v: the new point is drilled whatever the old one is", started)
	}
	told := func() (n int) {
		for _, m := range s.mails() {
			n += strings.Count(m.Text, "point 3 of ")
		}
		return n
	}
	if told() != 1 {
		t.Errorf("mails: %+v", s.mails())
	}
	if !strings.Contains(s.events(), RuleDrillFailed.ID) || !strings.Contains(ready(), "failed") {
		t.Errorf("events %s, ready %q", s.events(), ready())
	}
	if p := s.points()[3]; p.Depth == Booted {
		t.Error("a drill that failed has put a proof")
	}

	// The next night passes: the newest point then is last night's, which is whole, and the site can be restored. That point 3 is
	// damaged was told, and check goes on saying so; a drill that failed over it every night until its time is over would be read
	// by nobody, and hide the next failure.
	for range 3 {
		e, err = night()
		if err != nil || e.Outcome != "pass" || e.Checks.Before != "ok" || e.Checks.BeforeSeq != e.Seq-1 || e.Checks.Damaged != 1 || ready() != "" {
			t.Errorf("a night after: %v, %+v", err, e)
		}
		if found := s.check(RuleDamaged); len(found) != 1 || !strings.Contains(fmt.Sprint(found[0]), "point 3 of ") {
			t.Errorf("check: %+v", found)
		}
	}
	if told() != 1 {
		t.Errorf("mails: %+v", s.mails())
	}

	// It is forgotten when it is read whole again, or its time is over.
	whole := readings{points: s.points()[2:3]}
	later := *s.state()
	if !later.noteRead(readings{}, newest.Data.LockUntil.Add(time.Second)) || len(later.Damaged) != 0 {
		t.Errorf("when its time is over: %+v", later.Damaged)
	}
	mend()
	if err := s.part.runner.noteRead(t.Context(), whole); err != nil || len(s.state().Damaged) != 0 || len(s.check(RuleDamaged)) != 0 {
		t.Errorf("mended: %v, %+v", err, s.state().Damaged)
	}
}

// A drill by hand has no point of its own yet: it looks at the newest, makes another, and says of both.
func TestNoiseInTheNewestPointFailsADrillByHand(t *testing.T) {
	s := chainOf(t, 2)
	s.part.use = func(context.Context, *merlon.House, *Evidence, string, *Inner, time.Time) error { return nil }
	s.part.runner.take() // in a process of its own
	newest := s.points()[1]
	spoil(t, filepath.Join(s.target, s.store().Site(), filepath.FromSlash(newest.Folder()), newest.Data.Name))
	e, _, err := s.part.rehearse(t.Context(), s.site.House(), aims{targetRPO, targetRTO})
	if err == nil || e.Outcome != "fail" || e.Checks.BeforeSeq != 2 || e.Seq != 3 || len(s.points()) != 3 || !strings.Contains(err.Error(), "point 2 of ") {
		t.Errorf("%v, %+v", err, e)
	}
	// A point whose record is gone too is missing in the chain. The drill fails, and its own point is restored and started.
	s.offset.set(time.Second)
	if err := os.RemoveAll(filepath.Join(s.target, s.store().Site(), filepath.FromSlash(newest.Folder()))); err != nil {
		t.Fatal(err)
	}
	e, _, err = s.part.rehearse(t.Context(), s.site.House(), aims{targetRPO, targetRTO})
	if err == nil || e.Outcome != "fail" || e.Checks.Chain != "" || e.Checks.Ciphertext != "ok" || e.Seq != 4 || !strings.Contains(err.Error(), newest.Folder()) {
		t.Errorf("%v, %+v", err, e)
	}
}

// What verify reads is known afterwards: list marks it, and it is forgotten when it is whole again.
func TestVerifyAndListOfDamagedPoints(t *testing.T) {
	p, target := newProgram(t), t.TempDir()
	p.run(cli.ExitDone, "migrate", "up")
	p.run(cli.ExitDone, "backup", "init", "--to", "file://"+target, "--try", "--kit", filepath.Join(t.TempDir(), "kit.html"))
	for range 2 {
		p.note()
		p.run(cli.ExitDone, "backup", "run")
	}
	found, err := filepath.Glob(filepath.Join(target, "*", "*", "00000001", "data-*.age"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	mend := spoil(t, found[0])
	p.run(cli.ExitFailed, "backup", "verify", "--all")
	out, _ := p.run(cli.ExitDone, "backup", "list")
	if strings.Count(out, "(damaged)") != 1 || !strings.Contains(out[strings.Index(out, "\n1  "):], "(damaged)") {
		t.Errorf("list: %s", out)
	}
	mend()
	p.run(cli.ExitDone, "backup", "verify", "--all")
	if out, _ := p.run(cli.ExitDone, "backup", "list"); strings.Contains(out, "(damaged)") {
		t.Errorf("list: %s", out)
	}
}

// unreadable is a target whose disk fails in the middle of an object.
type unreadable struct {
	Target
	err error
}

func (u unreadable) Get(ctx context.Context, o Object) (io.ReadCloser, error) {
	body, err := u.Target.Get(ctx, o)
	if err != nil || !strings.HasSuffix(o.Name, ".age") {
		return body, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(body, 10), errReader{u.err}), body}, nil
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// What a disk cannot read is damaged; a store that does not answer says nothing of the point.
func TestScrubOfADiskThatFails(t *testing.T) {
	s := chainOf(t, 2)
	store, points := s.store(), s.points()
	for _, c := range []struct {
		err   error
		fault bool
	}{{&TargetError{Op: "get", Kind: ErrUnreachable, Err: syscall.EIO}, true}, {fmt.Errorf("%w: cut short", ErrDamaged), true}, {ErrUnreachable, false}} {
		err := (&Store{target: unreadable{store.target, c.err}, site: store.site, root: store.root}).Scrub(t.Context(), points)
		all, is := errors.AsType[ChainErrors](err)
		if is != c.fault || is && (len(all) != 2 || all[0].Seq != 1 || all[0].Fault != Altered) {
			t.Errorf("%v: %v", c.err, err)
		}
	}
}
