package datafolder_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/merlon-web/merlon/internal/datafolder"
	"github.com/merlon-web/merlon/internal/e2e/need"
)

func TestMake(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"data", "slash/", filepath.Join("a", "b", "data")} {
		path := filepath.Join(root, name)
		if name == "slash/" {
			path += "/"
		}
		if err := datafolder.Make(path); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(path, ".gitignore")
		text, err := os.ReadFile(file)
		if err != nil || string(text) != "*\n" {
			t.Errorf("%s: .gitignore holds %q, %v", name, text, err)
		}
		for path, want := range map[string]os.FileMode{path: 0o700, file: 0o600} {
			if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v", path, info.Mode(), err)
			}
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if err := datafolder.Make(path); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(file); !os.IsNotExist(err) {
			t.Errorf("%s: the file came back after its owner took it out: %v", name, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(root, "a", ".gitignore")); !os.IsNotExist(err) {
		t.Errorf("a folder above the data is not taken from git: %v", err)
	}
}

// A link to a folder is a folder, a file is none.
func TestMakeWhatIsThere(t *testing.T) {
	root := t.TempDir()
	far, link, file := filepath.Join(root, "far"), filepath.Join(root, "link"), filepath.Join(root, "file")
	if err := os.Mkdir(far, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(far, link); err != nil {
		t.Skip("no links here: ", err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := datafolder.Make(link); err != nil {
		t.Error(err)
	}
	if err := datafolder.Make(file); err == nil {
		t.Error("a file was taken for a folder")
	}
	if left, err := os.ReadDir(far); err != nil || len(left) != 0 {
		t.Errorf("a folder that was there has %v now, %v", left, err)
	}
}

// A folder that is named by a link is walked, with the names that it has there; a link in it is not followed.
func TestWalkByALink(t *testing.T) {
	root := t.TempDir()
	far, link := filepath.Join(root, "far"), filepath.Join(root, "link")
	if err := os.MkdirAll(filepath.Join(far, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(far, "in", "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{link: far, filepath.Join(far, "up"): root} {
		if err := os.Symlink(to, from); err != nil {
			t.Skip("no links here: ", err)
		}
	}
	for _, dir := range []string{link, link + "/", far} {
		var names []string
		if err := datafolder.Walk(dir, func(name string, _ fs.DirEntry, err error) error {
			names = append(names, name)
			return err
		}); err != nil {
			t.Error(err)
		}
		dir = filepath.Clean(dir)
		if want := []string{dir, filepath.Join(dir, "in"), filepath.Join(dir, "in", "file"), filepath.Join(dir, "up")}; !slices.Equal(names, want) {
			t.Errorf("%s: %q, want %q", dir, names, want)
		}
	}
}

// git itself finds nothing to add.
func TestGitTakesNothing(t *testing.T) {
	git := need.Program(t, "git", "git")
	root := t.TempDir()
	data := filepath.Join(root, "data")
	if err := datafolder.Make(data); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "keys"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "--all"}, {"ls-files"}} {
		cmd := exec.Command(git, args...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil || args[0] == "ls-files" && len(out) > 0 {
			t.Errorf("git %v: %s, %v", args, out, err)
		}
	}
}
