package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/cli"
)

// A site whose backups began long ago starts after it was restored: the key that opened the point was shown to work by that.
func TestARestoreProvesTheKey(t *testing.T) {
	p, target := newProgram(t), t.TempDir()
	p.run(cli.ExitDone, "migrate", "up")
	kit := filepath.Join(t.TempDir(), "kit.html")
	p.run(cli.ExitDone, "backup", "init", "--to", "file://"+target, "--try", "--kit", kit)
	setup, err := ReadSetup(p.data)
	if err != nil {
		t.Fatal(err)
	}
	setup.Created = setup.Created.Add(-30 * 24 * time.Hour)
	if err := homeOf(p.data).write(settingsFile, setup); err != nil {
		t.Fatal(err)
	}
	p.note()
	p.run(cli.ExitDone, "backup", "run")
	if out, problems := p.run(cli.ExitFailed, "check", "--deploy"); !strings.Contains(out+problems, RuleProofMissing.ID) {
		t.Fatalf("a key that nobody ever proved is no finding:\n%s%s", out, problems)
	}
	_, key := kitFiles(kit)
	p.run(cli.ExitDone, "restore", "--live", "--confirm-site", "notes", "--key-file", key)
	if out, problems := p.run(cli.ExitFailed, "check", "--deploy"); strings.Contains(out+problems, RuleProofMissing.ID) {
		t.Errorf("%s%s", out, problems)
	}
}

// A data folder that is a symbolic link stays one: what it leads to is put aside, there.
func TestRestoreBehindALink(t *testing.T) {
	p, target := newProgram(t), t.TempDir()
	private := filepath.Join(filepath.Dir(p.data), "private")
	if err := os.MkdirAll(filepath.Join(private, "site"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("private/site", p.data); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	p.run(cli.ExitDone, "migrate", "up")
	kit := filepath.Join(t.TempDir(), "kit.html")
	p.run(cli.ExitDone, "backup", "init", "--to", "file://"+target, "--try", "--kit", kit)
	p.note()
	p.run(cli.ExitDone, "backup", "run")
	_, key := kitFiles(kit)
	out, _ := p.run(cli.ExitDone, "restore", "--live", "--confirm-site", "notes", "--key-file", key)
	has(t, out, "the data from before lies in "+filepath.Join(private, "site.before-restore-"))
	if to, err := os.Readlink(p.data); err != nil || to != "private/site" {
		t.Errorf("the link leads to %q: %v", to, err)
	}
	for dir, want := range map[string]int{filepath.Dir(p.data): 2, private: 2} { // the link and private; site and the one before
		if all, err := os.ReadDir(dir); err != nil || len(all) != want {
			t.Errorf("%s has %v: %v", dir, all, err)
		}
	}
	p.run(cli.ExitDone, "backup", "run")
}

// What is looked for in a data folder is looked for behind a link to it, which is what systemd makes of DynamicUser=.
func TestDataByALink(t *testing.T) {
	real, link := filepath.Join(t.TempDir(), "private"), filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(filepath.Join(real, "backup"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(real, "kit.txt"), []byte("the key: "+recoveryPrefix+"1XYZ"))
	write(t, filepath.Join(real, "backup", "own"), make([]byte, 1000))
	if err := os.Symlink(real, link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if what, _ := checkKey(&seen{data: link}); !strings.Contains(what, "kit.txt") {
		t.Errorf("a recovery key behind the link: %q", what)
	}
	there, err := dataSize(t.Context(), real, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := dataSize(t.Context(), link, nil); err != nil || n != there || n == 0 || n >= 1000 {
		t.Errorf("%d bytes by the link, %d without: %v", n, there, err)
	}
}

// After a theft backups do not go on by what lay in the folder that was stolen, and the report names by what they do.
func TestPlantedSettings(t *testing.T) {
	p, target := newProgram(t), t.TempDir()
	p.run(cli.ExitDone, "migrate", "up")
	kit := filepath.Join(t.TempDir(), "kit.html")
	p.run(cli.ExitDone, "backup", "init", "--to", "file://"+target, "--try", "--kit", kit, "--mail", "owner@example.org")
	p.note()
	p.run(cli.ExitDone, "backup", "run")
	_, key := kitFiles(kit)
	for mail, flags := range map[string][]string{"owner@example.org": {"--after-theft"}, "planted@example.net": nil} {
		setup, err := ReadSetup(p.data)
		if err != nil {
			t.Fatal(err)
		}
		setup.Mail = "planted@example.net"
		if err := homeOf(p.data).write(settingsFile, setup); err != nil {
			t.Fatal(err)
		}
		out, _ := p.run(cli.ExitDone, append([]string{"restore", "1", "--live", "--confirm-site", "notes", "--key-file", key}, flags...)...)
		has(t, out, "backups go on to file://"+target, "told to "+mail)
		if strings.Contains(out, "look at each of these") != (flags != nil) {
			t.Errorf("%s", out)
		}
		if setup, err = ReadSetup(p.data); err != nil || setup.Mail != mail {
			t.Errorf("%q: mails go to %q, %v", flags, setup.Mail, err)
		}
	}
}

// Whoever may put knows the name of the record that the next restore puts. What they lay there stops no backup of the restored site.
func TestATakenNameOfARebirth(t *testing.T) {
	p, target := newProgram(t), t.TempDir()
	p.run(cli.ExitDone, "migrate", "up")
	kit := filepath.Join(t.TempDir(), "kit.html")
	p.run(cli.ExitDone, "backup", "init", "--to", "file://"+target, "--try", "--kit", kit)
	_, key := kitFiles(kit)
	p.note()
	p.run(cli.ExitDone, "backup", "run")
	chain := filepath.Join(target, objectsSite(t, target), "chain")
	write(t, filepath.Join(chain, "00000001-rebirth-2.json"), []byte("{}\n"))
	_, problems := p.run(cli.ExitDone, "restore", "latest", "--live", "--confirm-site", "notes", "--key-file", key)
	has(t, problems, "chain/00000001-rebirth-2.json was there", "put beside it")
	p.note()
	p.run(cli.ExitDone, "backup", "run")
	store, err := OpenStore(t.Context(), (&testSite{t: t, target: target}).open(), "")
	if err != nil {
		t.Fatal(err)
	}
	points, err := store.Chain(t.Context(), nil)
	all, _ := errors.AsType[ChainErrors](err)
	if len(points) != 2 || points[1].Branch != 2 || len(all) != 1 || all[0].Object != "chain/00000001-rebirth-2.json" {
		t.Errorf("%d points, %v", len(points), err)
	}
	// A restore after that begins the next branch.
	other := newProgram(t)
	other.run(cli.ExitDone, "restore", "latest", "--from", "file://"+target, "--live", "--confirm-site", "notes", "--key-file", key)
	p.note()
	_, problems = p.run(cli.ExitRefused, "backup", "run")
	has(t, problems, "the site was restored elsewhere")
}

// What stands under a name of the record that gives the chain away, where the store keeps versions.
func TestRebirthsBesideOthers(t *testing.T) {
	taken := func(r *Rebirth) string {
		name, _ := rebirthNames(r.From, r.Branch, hashOf(r.unsigned()))
		return r.Site + "/" + name
	}
	replayed := func(s *testSite, r *Rebirth, change func(r *Rebirth)) []byte {
		o := *r
		o.K = public(seedKey(7))
		change(&o)
		o.sign(s.recovery.root)
		return encode(o)
	}
	for _, c := range []struct {
		name   string
		do     func(s *testSite, v *versions, r *Rebirth)
		forked bool
		note   bool
		faults int
	}{
		{"nothing", func(*testSite, *versions, *Rebirth) {}, false, false, 0},
		{"junk", func(s *testSite, v *versions, r *Rebirth) { v.add(taken(r), []byte("x"), time.Time{}) }, false, true, 1},
		{"an old rebirth of the owner's", func(s *testSite, v *versions, r *Rebirth) {
			v.add(taken(r), replayed(s, r, func(r *Rebirth) { r.From, r.Branch = r.From+1, 9 }), time.Time{})
		}, false, true, 1},
		{"a stranger's", func(s *testSite, v *versions, r *Rebirth) {
			o := *r
			o.sign(seedKey(7))
			v.add(taken(r), encode(o), time.Time{})
		}, false, true, 1},
		{"its own, hidden by junk", func(s *testSite, v *versions, r *Rebirth) {
			v.add(taken(r), encode(r), time.Time{})
			v.add(taken(r), []byte("x"), time.Time{})
		}, false, false, 1},
		{"its own, and a copy elsewhere", func(s *testSite, v *versions, r *Rebirth) {
			v.add(taken(r), encode(r), time.Time{})
			v.add(strings.TrimSuffix(taken(r), ".json")+"-7.json", encode(r), time.Time{})
		}, false, false, 0},
		{"that of another copy", func(s *testSite, v *versions, r *Rebirth) {
			v.add(taken(r), replayed(s, r, func(*Rebirth) {}), time.Time{})
		}, true, false, 0},
		{"that of another copy, which had gone beside", func(s *testSite, v *versions, r *Rebirth) {
			v.add(taken(r), []byte("x"), time.Time{})
			v.add(strings.TrimSuffix(taken(r), ".json")+"-7.json", replayed(s, r, func(*Rebirth) {}), time.Time{})
		}, true, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, v := onVersions(t, 2)
			store := s.store()
			store.target = v
			r := s.signBirth(store, 1)
			c.do(s, v, r)
			s.note(1)
			made, err := s.run("")
			if c.forked {
				if !errors.Is(err, ErrForked) || !strings.Contains(err.Error(), "given to another restored copy") {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || made.Seq != 3 || len(made.Notes) > 0 != c.note {
				t.Fatalf("%+v, %v", made, err)
			}
			points, err := store.Chain(t.Context(), nil)
			all, _ := errors.AsType[ChainErrors](err)
			if len(points) != 3 || points[2].Branch != 2 || len(all) != c.faults {
				t.Errorf("%d points, %v", len(points), err)
			}
		})
	}
}

// Before the first point of its branch a site looks whether the chain is still its own, and no junk in front keeps it from that.
func TestARebirthThatIsHidden(t *testing.T) {
	s, v := onVersions(t, 2)
	store := s.store()
	store.target = v
	s.bringBackAt(store, 1)
	name := store.full("chain/00000002-rebirth-2.json")
	v.add(name, []byte("x"), time.Time{})
	for i := range mostStrange + 1 {
		v.add(store.full(fmt.Sprintf("chain/00000002-rebirth-2-%04d.json", i)), []byte("x"), time.Time{})
	}
	if made := s.point(); made.Seq != 3 {
		t.Errorf("%+v", made)
	}
	s.bringBackAt(store, 1)
	before := slices.Clone(v.all)
	w, err := store.walk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := *w.rebirths[1].Rebirth
	other.K = public(seedKey(7))
	other.sign(s.recovery.root)
	v.add(store.full("chain/00000003-rebirth-3-7.json"), encode(other), time.Time{})
	s.note(1)
	if _, err := s.run(""); !errors.Is(err, ErrForked) {
		t.Errorf("the chain was given to another copy at the same moment: %v", err)
	}
	v.all = before
	v.all = slices.DeleteFunc(v.all, func(k kept) bool { return strings.Contains(k.Name, "-rebirth-3") })
	s.note(1)
	if _, err := s.run(""); !errors.Is(err, ErrUnknown) {
		t.Errorf("the record is gone: %v", err)
	}
}
