package backup_test

import (
	"crypto/sha256"
	"errors"
	"os"
	"runtime"
	"strings"
	"time"

	"path/filepath"
	"testing"

	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/backup/targettest"
)

func openFolder(t testing.TB, folder string) backup.Target {
	t.Helper()
	target, err := backup.OpenTarget(t.Context(), "file://"+filepath.ToSlash(folder), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestFolderConforms(t *testing.T) {
	targettest.Run(t, func(t *testing.T) targettest.Place {
		folder := t.TempDir()
		return func() backup.Target { return openFolder(t, folder) }
	})
}

func TestFolderAddresses(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		address string
		kind    error
		says    string
	}{
		{"file://" + folder, nil, ""},
		{"file://localhost" + folder, nil, ""},
		{"file:" + folder, nil, ""},
		{"file://" + folder + "/not-there", backup.ErrNotFound, "mkdir -m 700"},
		{"file://" + file, backup.ErrAddress, "no folder"},
		{"file:relative", backup.ErrAddress, "whole path"},
		{"file://relative/x", backup.ErrAddress, "third slash: file:///relative/x"},
		{"file://" + folder + "?x=1", backup.ErrAddress, "write it like"},
		{"file://ann:hunter2@host" + folder, backup.ErrAddress, "password"},
		{folder, backup.ErrAddress, "file://" + filepath.ToSlash(folder)},
		{"gopher://x/", backup.ErrAddress, `nothing here opens "gopher"`},
	} {
		target, err := backup.OpenTarget(t.Context(), c.address, nil, nil)
		if !errors.Is(err, c.kind) || err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v, want one of %v that says %q", c.address, err, c.kind, c.says)
		}
		if err == nil {
			target.Close()
		}
	}
	if _, err := backup.OpenTarget(t.Context(), "file://"+folder, backup.Settings{"key": "x"}, nil); !errors.Is(err, backup.ErrAddress) {
		t.Errorf("a setting that folders have not: %v", err)
	}
}

// A link leads to what whoever made it chose: outside, or to another point's bytes.
func TestFolderRefusesLinks(t *testing.T) {
	folder, outside := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	target := openFolder(t, folder)
	defer target.Close()
	put(t, target, "s/d/real", "x")
	for link, to := range map[string]string{"s/out": outside, "s/in": "d", "s/d/link": "real", "s/d/far": filepath.Join(outside, "secret")} {
		if err := os.Symlink(to, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"s/out/secret", "s/in/real", "s/d/link", "s/d/far"} {
		if _, err := target.Stat(t.Context(), name); !errors.Is(err, backup.ErrDenied) {
			t.Errorf("Stat %s: %v", name, err)
		}
		if _, err := target.Get(t.Context(), backup.Object{Name: name}); !errors.Is(err, backup.ErrDenied) {
			t.Errorf("Get %s: %v", name, err)
		}
		if err := target.Delete(t.Context(), backup.Object{Name: name}); !errors.Is(err, backup.ErrDenied) {
			t.Errorf("Delete %s: %v", name, err)
		}
	}
	for _, name := range []string{"s/out/new", "s/in/new"} {
		if _, err := target.Put(t.Context(), name, strings.NewReader("x"), announce("x")); !errors.Is(err, backup.ErrDenied) {
			t.Errorf("Put %s: %v", name, err)
		}
	}
	if _, err := target.Put(t.Context(), "s/d/link", strings.NewReader("y"), announce("y")); !errors.Is(err, backup.ErrExists) {
		t.Errorf("Put once over a link: %v", err)
	}
	if all := names(t, target); len(all) != 1 || all[0] != "s/d/real" {
		t.Errorf("List tells %q", all)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) != 1 {
		t.Errorf("outside: %v, %v", left, err)
	}
}

func TestFolderLeavesNoParts(t *testing.T) {
	folder := t.TempDir()
	target := openFolder(t, folder)
	put(t, target, "a/b", "x")
	_, _ = target.Put(t.Context(), "a/b", strings.NewReader("y"), announce("y"))
	_, _ = target.Put(t.Context(), "a/c", strings.NewReader("y"), announce("z"))
	parts := filepath.Join(folder, ".merlon-part")
	if left, err := os.ReadDir(parts); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	target.Close()
	// Two kills: one a week ago, one just now, whose process may still write.
	for name, age := range map[string]time.Duration{"old": 7 * 24 * time.Hour, "new": time.Minute} {
		file := filepath.Join(parts, name)
		if err := errors.Join(os.WriteFile(file, []byte("x"), 0o600), os.Chtimes(file, time.Time{}, time.Now().Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	target = openFolder(t, folder)
	defer target.Close()
	put(t, target, "a/d", "x")
	if left, err := os.ReadDir(parts); err != nil || len(left) != 1 || left[0].Name() != "new" {
		t.Errorf("left: %v, %v", left, err)
	}
}

// A folder that is taken away empty and one that is filled may meet.
func TestFolderDeletesEmptyFolders(t *testing.T) {
	folder := t.TempDir()
	target := openFolder(t, folder)
	defer target.Close()
	for range 2 {
		done := make(chan error)
		go func() {
			var all error
			for range 50 {
				o, err := target.Put(t.Context(), "s/h/1/data", strings.NewReader("x"), announce("x"))
				all = errors.Join(all, err, target.Delete(t.Context(), o))
			}
			done <- all
		}()
		for range 50 {
			put(t, target, "s/h/2/data", "x")
			if err := target.Delete(t.Context(), backup.Object{Name: "s/h/2/data"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestSameDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("which disk a folder is on is known on Linux")
	}
	folder := t.TempDir()
	target := openFolder(t, folder)
	defer target.Close()
	if !backup.SameDisk(target, filepath.Dir(folder)) {
		t.Error("a folder and the one that it is in are on different disks")
	}
	if backup.SameDisk(target, "/proc") || backup.SameDisk(target, filepath.Join(folder, "not-there")) {
		t.Error("a folder is on the disk of /proc, or of one that is not there")
	}
}

func announce(body string) backup.PutOptions {
	return backup.PutOptions{Size: int64(len(body)), SHA256: sha256.Sum256([]byte(body)), Once: true}
}

func put(t testing.TB, target backup.Target, name, body string) backup.Object {
	t.Helper()
	o, err := target.Put(t.Context(), name, strings.NewReader(body), announce(body))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func names(t testing.TB, target backup.Target) (all []string) {
	t.Helper()
	for o, err := range target.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o.Name)
	}
	return all
}
