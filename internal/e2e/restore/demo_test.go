package restore_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// Who tries the club with --demo and deletes its data gets them back by what serve had printed, and by nothing else.
func TestLoseDemo(t *testing.T) {
	need.Time(t, "loses a club of serve --demo and gets it back")
	h := newHome(t)
	s := h.serve("--demo")
	folder, kit := demoPlaces(t, s)
	if inData := h.data() + string(filepath.Separator); strings.HasPrefix(folder, inData) || strings.HasPrefix(kit, inData) {
		t.Fatalf("in the data: %s, %s", folder, kit)
	}
	until := time.Now().Add(time.Minute)
	for len(glob(t, folder, "*/*/*/manifest.json")) == 0 {
		if time.Now().After(until) {
			t.Fatalf("no point: %v", glob(t, folder, "*/*/*"))
		}
		time.Sleep(50 * time.Millisecond)
	}
	ann := s.visitor()
	ann.signIn("ann@club.example")
	ann.get("/news/1")
	ann.submit("/news/1/comments", map[string]string{"Text": said})
	out, _ := h.run(0, "backup", "run") // not to wait for a quarter of an hour
	if !strings.Contains(out, "point 2 ") {
		t.Errorf("the second point: %s", out)
	}
	s.stop()

	s = h.serve("--demo")
	if again, kitAgain := demoPlaces(t, s); again != folder || kitAgain != kit {
		t.Errorf("the second start names %s and %s, the first %s and %s", again, kitAgain, folder, kit)
	}
	s.stop()
	if sites := glob(t, folder, "????????????????"); len(sites) != 1 {
		t.Errorf("%d chains were begun: %v", len(sites), sites)
	}
	if _, errs := h.run(4, "backup", "init", "--to", "file://"+folder, "--try"); !strings.Contains(errs, "has backups already") {
		t.Errorf("init: %s", errs)
	}
	if out, _ := h.run(1, "check", "--deploy", "--only", "MRL-BACK-002,MRL-BACK-003"); !strings.Contains(out, "MRL-BACK-002") || !strings.Contains(out, kit) || !strings.Contains(out, "MRL-BACK-003") {
		t.Errorf("check does not say that disk and key are beside the data:\n%s", out)
	}
	if out, _ := h.run(0, "drill"); !strings.Contains(out, "PASS") {
		t.Errorf("the drill: %s", out)
	}

	if err := os.RemoveAll(h.data()); err != nil {
		t.Fatal(err)
	}
	before := listing(t, folder, filepath.Dir(kit))
	s = h.serve("--demo") // new data: nothing is written over, and serve says how to get the old ones back
	all := strings.Join(s.lines, "\n")
	for _, want := range []string{"backups", "none: " + folder + " is there already", "restore latest --live --confirm-site club --key-file " + kit} {
		if !strings.Contains(all, want) {
			t.Errorf("over older backups serve does not say %q:\n%s", want, all)
		}
	}
	s.visitor().get("/")
	s.stop()
	if after := listing(t, folder, filepath.Dir(kit)); after != before {
		t.Errorf("the older backups were\n%s\nand are\n%s", before, after)
	}

	h.run(0, "restore", "--into", "elsewhere", "--key-file", kit, "--from", "file://"+folder)
	if err := os.RemoveAll(h.data()); err != nil {
		t.Fatal(err)
	}
	if out, _ := h.run(0, "restore", "latest", "--live", "--confirm-site", "club", "--key-file", kit); !strings.Contains(out, "site is back: 50 users") {
		t.Errorf("the restore: %s", out)
	}
	s = h.serve("--demo")
	demoPlaces(t, s)
	ann = s.visitor()
	ann.signIn("ann@club.example")
	if ann.get("/news/1") != 200 || !ann.Has(said) {
		t.Error("what was written before the loss is gone")
	}
	s.stop()
}

// demoPlaces are where the backups and the kit lie, as serve has printed it.
func demoPlaces(t *testing.T, s *served) (folder, kit string) {
	t.Helper()
	for _, line := range s.lines {
		if strings.Contains(line, "AGE-SECRET") {
			t.Error("serve prints the key")
		}
		if rest, ok := strings.CutPrefix(line, "backups "); ok && strings.Contains(rest, "a demo, on the disk of the data") {
			folder = strings.Fields(rest)[0]
		}
		if rest, ok := strings.CutPrefix(line, "recovery kit "); ok {
			kit = strings.Fields(rest)[0]
		}
	}
	if folder == "" || kit == "" {
		t.Fatalf("serve --demo does not say where backups and kit lie:\n%s", strings.Join(s.lines, "\n"))
	}
	return folder, kit
}

// listing is what lies in folders, and since when.
func listing(t *testing.T, folders ...string) string {
	t.Helper()
	var all []string
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			all = append(all, path+" "+info.ModTime().String())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(all, "\n")
}
