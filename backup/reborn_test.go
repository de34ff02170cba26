package backup

import (
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
