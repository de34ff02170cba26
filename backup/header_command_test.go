package backup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/cli"
)

func parsedHeader(t *testing.T, text []byte) *HeaderFile {
	t.Helper()
	h, err := ParseHeader(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The road of a new server that is not trusted, from its first command: the headers of the point and of its base, their keys, and
// the site is back. Nothing of the site is there before.
func TestAPointKeyOnANewServer(t *testing.T) {
	s := newUploads(t)
	s.upload("two")
	s.point()
	kept := s.points()
	newest := kept[len(kept)-1]
	if newest.base == nil {
		t.Fatal("the newest point has no base")
	}
	p := newProgram(t)
	dir := t.TempDir()
	keys := ""
	for _, c := range []struct {
		point string
		seq   int64
	}{{"latest", newest.Seq}, {"1", newest.base.Seq}} {
		file := filepath.Join(dir, "header-"+c.point)
		out, problems := p.run(cli.ExitDone, "backup", "header", c.point, "--from", s.at(), "--out", file)
		has(t, out, file, "merlon recovery open FILE")
		has(t, problems, "cannot tell who began the chain")
		if hint := strings.Contains(out, "its key is wanted too: backup header 1"); hint != (c.point == "latest") {
			t.Errorf("%s: of the base: %v\n%s", c.point, hint, out)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		h := parsedHeader(t, text)
		if h.Manifest.Seq != c.seq {
			t.Errorf("%s is point %d", c.point, h.Manifest.Seq)
		}
		opened, err := h.Open(s.recovery.Identity())
		if err != nil {
			t.Fatal(err)
		}
		keys += FormatPointKey(opened) + "\n"
		_, problems = p.run(cli.ExitRefused, "backup", "header", c.point, "--from", s.at(), "--out", file)
		has(t, problems, "there already", "--out")
	}
	k, err := parseKey(keys)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := s.restored(newest, k); err != nil || len(got) != 2 {
		t.Errorf("with the two keys: %q, %v", got, err)
	}
	if _, err := os.Lstat(p.data); err == nil {
		t.Fatal("the command made a data folder")
	}
	_, problems := p.run(cli.ExitFailed, "backup", "header", "99", "--from", s.at(), "--out", filepath.Join(dir, "none"))
	has(t, problems, "no point 99 here")
	_, problems = p.run(cli.ExitUsage, "backup", "header", "old", "--from", s.at())
	has(t, problems, `"old" is no point`)
	_, problems = p.run(cli.ExitCannot, "backup", "header", "latest", "--from", s.at(), "--out", filepath.Join(dir, "no", "folder"))
	has(t, problems, "cannot be written", "--out")
}
