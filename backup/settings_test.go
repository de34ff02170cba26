package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/secret"
)

// Settings that the owner's key did not sign seal no point: whoever writes a recipient of their own there reads nothing.
func TestSettingsAreHeldAgainstTheChain(t *testing.T) {
	s := chainOf(t, 1)
	other, err := NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	right, err := ReadSetup(s.data)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		do   func(*Setup)
		want error
	}{
		{"another recipient", func(w *Setup) { w.R = []string{other.Recipient()} }, ErrSettings},
		{"one more recipient", func(w *Setup) { w.R = append(w.R, other.Recipient()) }, ErrSettings},
		{"another root", func(w *Setup) { w.T = other.Root() }, ErrSettings},
		{"another beginning", func(w *Setup) { w.Genesis = hashOf(nil) }, ErrUnknown},
	} {
		w := *right
		w.R = append([]string(nil), right.R...)
		c.do(&w)
		if err := homeOf(s.data).write(settingsFile, &w); err != nil {
			t.Fatal(err)
		}
		s.note(1)
		if made, err := s.run("x"); !errors.Is(err, c.want) || made != nil {
			t.Errorf("%s: %+v, %v", c.name, made, err)
		}
		if err := homeOf(s.data).write(settingsFile, right); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(s.events(), RuleSettings.ID) {
		t.Error("no event tells of it")
	}
	s.point()
	// What the owner's key signs is taken.
	both := []string{right.R[0], other.Recipient()}
	newest := s.points()[1]
	r := &Retarget{Format: formatName, Kind: "retarget", Site: right.Site, After: newest.Seq, Prev: newest.Hash(), Created: stamp(time.Now()), R: both}
	r.sign(s.recovery.root)
	if err := putRecord(t.Context(), s.store(), "chain/00000002-retarget.json", encode(r), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.run("x"); !errors.Is(err, ErrSettings) {
		t.Errorf("the old recipients after a retarget: %v", err)
	}
	right.R = both
	if err := homeOf(s.data).write(settingsFile, right); err != nil {
		t.Fatal(err)
	}
	s.point()
	if n := len(s.points()); n != 3 {
		t.Errorf("%d points", n)
	}
}

// Whoever may write to the store can lay records beside the chain without end: a run reads some of them, each once, and says
// so; what it was told before it goes on with, and a change that it could not hold against all of them it refuses.
func TestAFloodOfOwnedRecords(t *testing.T) {
	s, v := onVersions(t, 1)
	store := s.store()
	store.target = v
	setup, err := ReadSetup(s.data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range mostStrange + 100 {
		v.add(store.full(fmt.Sprintf("chain/%08d-rebirth-2.json", i)), []byte("{}\n"), time.Time{})
		v.add(store.full(fmt.Sprintf("chain/%08d-genesis-1.json", 0)), []byte("{}\n"), time.Time{})
	}
	reads := func() int { v.mu.Lock(); defer v.mu.Unlock(); return v.reads }
	run := func(most int) *Made {
		t.Helper()
		before := reads()
		s.note(1)
		made, err := s.run("")
		if err != nil {
			t.Fatal(err)
		}
		if n := reads() - before; n > most {
			t.Errorf("a run reads %d objects, at most %d are wanted", n, most)
		}
		return made
	}
	if made := run(mostStrange + 20); len(made.Notes) != 1 || !strings.Contains(made.Notes[0], "not looked at yet") {
		t.Errorf("nothing is said of a flood: %v", made.Notes)
	}
	if made := run(120 + 20); len(made.Notes) != 0 {
		t.Errorf("all were read, and it says %v", made.Notes)
	}
	run(20)
	// A process that has not seen them all yet goes on with nothing.
	s.part.runner.looked = nil
	s.note(1)
	if _, err := s.run(""); !errors.Is(err, ErrUnknown) {
		t.Errorf("a run that cannot know the recipients: %v", err)
	}
	run(120 + 20)
	// The owner's own are found among them.
	r := &Rebirth{Format: formatName, Kind: "rebirth", Site: setup.Site, Branch: 2, After: 1, Prev: hashOf(nil), From: 90, Created: stamp(time.Now()), K: setup.T}
	r.sign(s.recovery.root)
	name, _ := rebirthNames(r.From, r.Branch, "")
	v.add(store.full(name), encode(r), time.Time{})
	s.note(1)
	if _, err := s.run(""); !errors.Is(err, ErrForked) {
		t.Errorf("the chain was given away: %v", err)
	}
}

// A folder's name is no pattern.
func TestFoldersWithBrackets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data [of] *")
	s := &testSite{t: t, data: dir, target: t.TempDir()}
	s.start()
	s.setUp()
	if err := os.WriteFile(filepath.Join(dir, "own.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	setup, err := ReadSetup(dir)
	if err != nil {
		t.Fatal(err)
	}
	small, err := smallFiles(dir, setup)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range small {
		names = append(names, one.name)
	}
	if got := strings.Join(names, " "); !strings.Contains(got, "settings/own.json") {
		t.Errorf("a point would hold %s", got)
	}
	h := homeOf(dir)
	for _, left := range []string{h.path(".new-1"), filepath.Join(h.path(spoolFolder), "00000009.part")} {
		if err := os.MkdirAll(filepath.Dir(left), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, left, []byte("half"))
		if err := h.sweep(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(left); err == nil {
			t.Errorf("%s is left", left)
		}
	}
}

// What ends while a drill is made says nothing of the point: a newer point, a run that has the lock, somebody who stops it.
func TestDrillsThatAreNoFailures(t *testing.T) {
	s := chainOf(t, 2)
	r, n := s.part.runner, 0
	evidence := func() *Evidence {
		n++
		return &Evidence{Format: evidenceFormat, Outcome: "pass", Started: time.Date(2026, 11, 24, 3, n, 0, 0, time.UTC)}
	}
	if _, err := r.noteDrill(t.Context(), s.points()[0], evidence(), nil); err != nil {
		t.Errorf("a point was made meanwhile: %v", err)
	}
	unlock, err := r.home.lock()
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(300*time.Millisecond, unlock)
	if _, err := r.noteDrill(t.Context(), s.points()[1], evidence(), nil); err != nil {
		t.Errorf("a run had the lock: %v", err)
	}
	if st, err := r.home.readState(); err != nil || st.Drill != "pass" {
		t.Errorf("the state: %q, %v", st.Drill, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e, _, err := s.part.rehearse(ctx, s.site.House(), aims{targetRPO, targetRTO})
	if e != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("somebody stopped it: %+v, %v", e, err)
	}
	if st, err := r.home.readState(); err != nil || st.Drill != "pass" || strings.Contains(s.events(), RuleDrillFailed.ID) {
		t.Errorf("afterwards: %q, %v, events %s", st.Drill, err, s.events())
	}
}

// A site that came from a backup and has made no point knows of none: the hash in its state is that of a record.
func TestNewestThatIsKnown(t *testing.T) {
	for _, c := range []struct {
		s    state
		want *Receipt
	}{{state{}, nil}, {state{Seq: 4, Hash: "x"}, nil}, {state{Seq: 4, Hash: "x", Class: Daily}, &Receipt{4, "x"}}} {
		if got := c.s.newest(); (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%+v: %v", c.s, got)
		}
	}
}

// Where a restore cannot end, it does not begin.
func TestSystemsThatDoNotRestore(t *testing.T) {
	restores = false
	defer func() { restores = true }()
	p := newProgram(t)
	_, problems := p.run(cli.ExitCannot, "restore", "latest", "--live", "--confirm-site", "notes", "--from", "file:///not/there")
	has(t, problems, "does not restore on this system", "age -d")
	s := chainOf(t, 1)
	if e, _, err := s.part.rehearse(t.Context(), s.site.House(), aims{}); e != nil || err == nil {
		t.Errorf("a drill: %+v, %v", e, err)
	}
	if err := (&rescue{p: s.part}).begin(t.Context(), s.site.House(), merlon.RescueWish{}); err == nil || !strings.Contains(err.Error(), "this system") {
		t.Errorf("the set-up page: %v", err)
	}
}

// check looks, and makes nothing: backup policy has left the id of a site that does not exist yet.
func TestCheckMakesNoKeys(t *testing.T) {
	p := newProgram(t)
	if _, err := homeOf(p.data).chosenSite(); err != nil {
		t.Fatal(err)
	}
	p.run(cli.ExitDone, "check", "--fail-on", "high")
	if left, err := os.ReadDir(p.data); err != nil || len(left) != 2 || left[0].Name() != ".gitignore" || left[1].Name() != "backup" {
		t.Errorf("in the data folder: %v, %v", left, err)
	}
}

// The chain's records are locked again and again, and the target is probed again: nothing that the chain needs becomes
// deletable, however old it is.
func TestLocksAreRenewed(t *testing.T) {
	t.Parallel()
	s, v := onVersions(t, 0)
	store := &Store{target: v, site: s.store().site}
	start := time.Now().Add(time.Hour)
	for d := 0; d < 900; d += 20 {
		v.at = start.Add(time.Duration(d) * day)
		s.offset.set(time.Until(v.at))
		if made := s.point(); len(made.Notes) > 0 {
			t.Fatalf("day %d: %q", d, made.Notes)
		}
		for _, k := range v.all {
			name := store.below(k.Name)
			if (name == formatObject || chainPath.MatchString(name)) && k.LockUntil.Before(v.at.Add(300*day)) {
				t.Fatalf("day %d: %s is locked until %s", d, name, k.LockUntil)
			}
		}
	}
	st, err := homeOf(s.data).readState()
	if err != nil || v.at.Sub(st.Relocked) > 2*relockEvery || v.at.Sub(st.Probed) > 2*probeEvery || len(st.Probes) == 0 {
		t.Errorf("relocked %s, probed %s, at %s, %v", st.Relocked, st.Probed, v.at, err)
	}
	store.Trust(s.recovery.Root())
	if _, err := store.Chain(t.Context(), nil); err != nil {
		var faults ChainErrors
		if !errors.As(err, &faults) || faults[0].Fault != Missing {
			t.Error(err)
		}
	}
}

// hasty is a place that looks whether a name is taken and then gives it, without a lock in between.
type hasty struct{ Target }

func (h hasty) Put(ctx context.Context, name string, body io.ReadSeeker, o PutOptions) (Object, error) {
	if _, err := h.Stat(ctx, name); err == nil {
		return Object{}, ErrExists
	}
	time.Sleep(50 * time.Millisecond)
	o.Once = false
	return h.Target.Put(ctx, name, body, o)
}

// A place that writes over in a race is found by the probe, which one put after the other does not find.
func TestProbeOfPutsAtOnce(t *testing.T) {
	at, err := OpenTarget(t.Context(), "file://"+t.TempDir(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	said := func(target Target) map[string]bool {
		all, err := probe(t.Context(), &Store{target: target, site: newSite()}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		ok := map[string]bool{}
		for _, p := range all {
			ok[p.Name] = p.OK
		}
		return ok
	}
	if ok := said(at); !ok["put once"] || !ok["put once at the same time"] {
		t.Errorf("a folder: %v", ok)
	}
	if ok := said(hasty{at}); !ok["put once"] || ok["put once at the same time"] {
		t.Errorf("a place that looks first: %v", ok)
	}
}

// The page on which a site is got back tells what is wrong with the backups, as the command does.
func TestTheSetUpPageTellsFaults(t *testing.T) {
	s := chainOf(t, 3)
	gone := s.points()[1]
	if err := os.RemoveAll(filepath.Join(s.target, s.store().site, filepath.FromSlash(gone.Folder()))); err != nil {
		t.Fatal(err)
	}
	r := &rescue{p: s.part}
	f, beside, err := r.find(t.Context(), merlon.RescueWish{Address: s.at(), Key: secret.New(s.recovery.Reveal())})
	if err != nil || f.point.Seq != 1 && f.point.Seq != 3 {
		t.Fatalf("%+v, %v", f, err)
	}
	defer f.store.target.Close()
	if len(beside.faults) == 0 || beside.faults[0].ID != "backup.back.missing" || !strings.Contains(beside.faults[0].Error(), gone.Folder()) || len(beside.notes) > 0 {
		t.Errorf("beside it: %v", beside)
	}
	// A mistake is told in words of the catalogue, and a store's own beside them.
	for _, c := range []struct {
		wish merlon.RescueWish
		id   string
	}{
		{merlon.RescueWish{Address: s.at(), Key: secret.New("something else")}, "backup.back.key"},
		{merlon.RescueWish{Key: secret.New(s.recovery.Reveal())}, "backup.back.no-address"},
		{merlon.RescueWish{Address: s.at(), Settings: "credentials", Key: secret.New(s.recovery.Reveal())}, "backup.back.settings"},
		{merlon.RescueWish{Address: s.at(), Settings: "credentials=x", Key: secret.New(s.recovery.Reveal())}, "backup.back.address"},
		{merlon.RescueWish{Address: "gopher://x", Key: secret.New(s.recovery.Reveal())}, "backup.back.address"},
		{merlon.RescueWish{Address: "file://" + t.TempDir(), Key: secret.New(s.recovery.Reveal())}, "backup.back.nothing"},
	} {
		_, _, err := r.find(t.Context(), c.wish)
		said := saidOf(err)
		german := text.Own().Format("de", said.ID, said.Args...)
		if err == nil || said.ID != c.id || german == "" || german == text.Own().Format("en", said.ID, said.Args...) {
			t.Errorf("%v is told as %+v, in German %q", err, said, german)
		}
	}
	other, err := NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.find(t.Context(), merlon.RescueWish{Address: s.at(), Key: secret.New(other.Reveal())}); saidOf(err).ID != "backup.back.unproven" {
		t.Errorf("another's key: %v", err)
	}
	for fault, id := range faultWords {
		if _, ok := text.Own().Message("de", id); !ok {
			t.Errorf("%s has no German words", fault)
		}
	}
}
