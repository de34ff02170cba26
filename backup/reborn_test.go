package backup

import (
	"os"
	"path/filepath"
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
