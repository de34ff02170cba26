package backup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/cli"
)

// Where two chains lie the typed key says which one is meant.
func TestTypedKeyWhereTwoChainsLie(t *testing.T) {
	target := t.TempDir()
	for i := range 2 {
		p, kit := newProgram(t), filepath.Join(t.TempDir(), "kit.html")
		p.run(cli.ExitDone, "migrate", "up")
		p.run(cli.ExitDone, "backup", "init", "--to", "file://"+target, "--try", "--kit", kit)
		for range i + 1 {
			p.note()
		}
		p.run(cli.ExitDone, "backup", "run")
		_, text := kitFiles(kit)
		kitText, err := os.ReadFile(text)
		if err != nil {
			t.Fatal(err)
		}
		printed, err := ParseKit(string(kitText))
		if err != nil {
			t.Fatal(err)
		}
		r := printed.Recovery()
		key := filepath.Join(t.TempDir(), "key.txt") // as it was typed: no address, no site
		write(t, key, []byte(r.Reveal()))
		other := newProgram(t)
		out, _ := other.run(cli.ExitDone, "restore", "--from", "file://"+target, "--into", filepath.Join(t.TempDir(), "x"), "--key-file", key)
		if !strings.Contains(out, "note "+string(rune('1'+i))) {
			t.Errorf("chain %d: %s", i+1, out)
		}
	}
	stranger, err := NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key.txt")
	write(t, key, []byte(stranger.Reveal()))
	_, problems := newProgram(t).run(cli.ExitFailed, "restore", "--from", "file://"+target, "--into", filepath.Join(t.TempDir(), "x"), "--key-file", key)
	has(t, problems, "2 sites have backups")
}
