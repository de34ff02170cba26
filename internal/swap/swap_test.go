package swap

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/internal/datafolder"
)

func folder(t *testing.T, path, holds string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "who"), []byte(holds), 0o600); err != nil {
		t.Fatal(err)
	}
}

func holds(path string) string {
	b, err := os.ReadFile(filepath.Join(path, "who"))
	if err != nil {
		return "-"
	}
	return string(b)
}

// From every state in which a kill can leave the folders the next start ends with the new data in place and the old beside it.
func TestEveryState(t *testing.T) {
	for name, make := range map[string]func(t *testing.T, data, fresh, before string){
		"announced":         func(t *testing.T, data, fresh, before string) { folder(t, data, "old"); folder(t, fresh, "new") },
		"the old one aside": func(t *testing.T, data, fresh, before string) { folder(t, before, "old"); folder(t, fresh, "new") },
		"both renamed":      func(t *testing.T, data, fresh, before string) { folder(t, before, "old"); folder(t, data, "new") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data, fresh, before := filepath.Join(dir, "data"), filepath.Join(dir, "fresh"), filepath.Join(dir, "data.before")
			make(t, data, fresh, before)
			text, _ := json.Marshal(plan{"fresh", "data.before"})
			if err := os.WriteFile(note(data), text, 0o600); err != nil {
				t.Fatal(err)
			}
			if done, err := Finish(data); err != nil || !done {
				t.Fatal(done, err)
			}
			if holds(data) != "new" || holds(before) != "old" || is(fresh) || is(note(data)) {
				t.Errorf("data holds %s, before %s, fresh there %v, the note %v", holds(data), holds(before), is(fresh), is(note(data)))
			}
			if done, err := Finish(data); err != nil || done {
				t.Errorf("a second time: %v, %v", done, err)
			}
		})
	}
}

func TestDo(t *testing.T) {
	dir := t.TempDir()
	data, fresh, before := filepath.Join(dir, "data"), filepath.Join(dir, "fresh"), filepath.Join(dir, "data.before")
	folder(t, fresh, "first")
	if err := Do(data, fresh, before); err != nil || holds(data) != "first" || is(before) {
		t.Fatalf("without old data: %v", err)
	}
	folder(t, fresh, "second")
	if err := Do(data, fresh, before); err != nil || holds(data) != "second" || holds(before) != "first" {
		t.Fatalf("over old data: %v", err)
	}
	folder(t, fresh, "third")
	if err := Do(data, fresh, before); err == nil || holds(data) != "second" || holds(before) != "first" || is(note(data)) {
		t.Fatalf("over a folder that was kept: %v", err)
	}
	if err := Do(data, filepath.Join(t.TempDir(), "far"), before+"2"); err == nil {
		t.Error("a folder elsewhere is taken")
	}
}

// What cannot be understood is left as it is, and said.
func TestFinishRefuses(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	folder(t, data, "old")
	for _, text := range []string{"", "{", `{"fresh":"../x","before":"y"}`, `{"fresh":"x"}`} {
		if err := os.WriteFile(note(data), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Finish(data); err == nil || !strings.Contains(err.Error(), "damaged") || holds(data) != "old" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func is(path string) bool {
	there, err := there(path)
	return there || err != nil
}

// Where nothing is left of either, no new site is begun in silence.
func TestNeitherIsThere(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	text, _ := json.Marshal(plan{"fresh", "data.before"})
	if err := os.WriteFile(note(data), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if done, err := Finish(data); err == nil || !Announced(data) {
		t.Errorf("%v, %v; the note is there: %v", done, err, Announced(data))
	}
	folder(t, data, "new") // somebody found it
	if done, err := Finish(data); err != nil || !done || Announced(data) {
		t.Errorf("%v, %v; the note is there: %v", done, err, Announced(data))
	}
}

// A fresh folder that cannot be renamed leaves the old data in its place.
func TestTheSecondRenameFails(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a folder that cannot be renamed needs a mount: root")
	}
	dir := t.TempDir()
	data, fresh, before := filepath.Join(dir, "data"), filepath.Join(dir, "fresh"), filepath.Join(dir, "data.before")
	folder(t, data, "old")
	folder(t, fresh, "new")
	if err := mountOver(fresh); err != nil {
		t.Skip("nothing can be mounted here: ", err)
	}
	t.Cleanup(func() { _ = unmount(fresh) })
	err := Do(data, fresh, before)
	if err == nil || holds(data) != "old" || is(before) || Announced(data) {
		t.Errorf("%v; data holds %s, before there %v, announced %v", err, holds(data), is(before), Announced(data))
	}
}

// What root announces, the user of the site is to complete.
func TestTheNoteIsTheSites(t *testing.T) {
	dir := t.TempDir()
	data, fresh := filepath.Join(dir, "data"), filepath.Join(dir, "fresh")
	folder(t, fresh, "new")
	if err := os.Lchown(fresh, 65534, 65534); err != nil {
		t.Skip("nothing can be given here: ", err)
	}
	if err := announce(note(data), []byte("{}"), fresh); err != nil {
		t.Fatal(err)
	}
	if uid, _, ok := datafolder.Owner(note(data)); !ok || uid != 65534 {
		t.Errorf("it belongs to %d, %v", uid, ok)
	}
}

// A data folder that is reached by symbolic links is exchanged where they lead, also after a kill between the renames, and the
// links stay.
func TestBehindALink(t *testing.T) {
	for _, to := range []string{"private/data", "second"} {
		dir := t.TempDir()
		link, private := filepath.Join(dir, "data"), filepath.Join(dir, "private")
		if err := os.Mkdir(private, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, to := range map[string]string{link: to, filepath.Join(dir, "second"): filepath.Join(private, "data")} {
			if err := os.Symlink(to, name); err != nil {
				t.Skip("no symbolic links here: ", err)
			}
		}
		data, fresh, before := filepath.Join(private, "data"), filepath.Join(private, "fresh"), filepath.Join(private, "data.before")
		if real, err := Real(link); err != nil || real != data {
			t.Errorf("it lies at %s: %v", real, err)
		}
		folder(t, data, "old")
		folder(t, fresh, "new")
		if err := Do(link, fresh, before); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(data, fresh); err != nil { // as a kill would leave it
			t.Fatal(err)
		}
		text, _ := json.Marshal(plan{"fresh", "data.before"})
		if err := os.WriteFile(note(data), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if !Announced(link) {
			t.Error("what is announced behind the link is not seen")
		}
		if done, err := Finish(link); err != nil || !done {
			t.Fatal(done, err)
		}
		if at, err := os.Readlink(link); err != nil || at != to || holds(link) != "new" || holds(before) != "old" || Announced(link) {
			t.Errorf("the link leads to %q, %v; the data is %s, the old %s", at, err, holds(link), holds(before))
		}
	}
	dir := t.TempDir()
	for a, b := range map[string]string{"a": "b", "b": "a"} {
		if err := os.Symlink(b, filepath.Join(dir, a)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Real(filepath.Join(dir, "a")); err == nil {
		t.Error("a circle of links leads somewhere")
	}
}
