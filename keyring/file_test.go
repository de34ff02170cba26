package keyring_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/keyring"
)

func TestCreateWritesAPrivateFileOnce(t *testing.T) {
	r, path := create(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
	}
	before, _ := os.ReadFile(path)
	if _, err := keyring.Create(path, start); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("second Create: %v, want fs.ErrExist", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Fatal("Create changed a file that was there")
	}
	again, err := keyring.Open(path)
	if err != nil || !again.Same(r) {
		t.Fatalf("Open: %v; the same keys: %v", err, err == nil && again.Same(r))
	}
	if got := again.Age(start.Add(time.Hour)); got != time.Hour+123456789 {
		t.Errorf("age %v, want an hour and the second's rest", got)
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 1 {
		t.Errorf("Create left files behind: %v", entries)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o602, 0o610, 0o644, 0o777} {
		_, path := create(t)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := keyring.Open(path)
		wants(t, err, keyring.RuleMode)
		if !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %o: the error does not say how to mend it: %v", mode, err)
		}
		os.Chmod(path, 0o600)
		if _, err := keyring.Open(path); err != nil {
			t.Errorf("mended file: %v", err)
		}
	}

	_, path := create(t)
	link := path + "-link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	_, err := keyring.Open(link)
	wants(t, err, keyring.RuleNotPlain)
	_, err = keyring.Open(filepath.Dir(path))
	wants(t, err, keyring.RuleNotPlain)
	_, err = keyring.OpenOrCreate(link, start)
	wants(t, err, keyring.RuleNotPlain)

	if _, err = keyring.Open(path + "-none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v, want fs.ErrNotExist", err)
	}
	os.Symlink(path+"-none", path+"-dangling")
	if _, err := keyring.OpenOrCreate(path+"-dangling", start); err == nil {
		t.Error("OpenOrCreate wrote through a dangling link")
	}
}

func TestOpenOrCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	var rings [8]*keyring.Ring
	var all sync.WaitGroup
	for i := range rings {
		all.Go(func() {
			r, err := keyring.OpenOrCreate(path, start)
			if err != nil {
				t.Error(err)
			}
			rings[i] = r
		})
	}
	all.Wait()
	for _, r := range rings {
		if r == nil || !r.Same(rings[0]) {
			t.Fatal("two processes that start together got different keys")
		}
	}
}

func TestRotateLosesNoKey(t *testing.T) {
	r, path := create(t)
	other, err := keyring.Open(path) // another process
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Rotate(start); err != nil {
		t.Fatal(err)
	}
	sealed, _ := other.Seal("test/a", []byte("x"), nil)
	_, err = r.Rotate(start)
	wants(t, err, keyring.RuleChanged)
	if last, err := keyring.Open(path); err != nil {
		t.Error(err)
	} else if _, err := last.Open("test/a", sealed, nil); err != nil {
		t.Errorf("the other process's key was lost: %v", err)
	}
	if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Rotate(start); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "another rotation") {
		t.Errorf("a rotation beside another: %v, want fs.ErrExist", err)
	}
	os.Remove(path + ".new")
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if _, err := other.Rotate(start); err != nil {
				t.Error(err)
			}
			other.Seal("test/a", nil, nil)
		})
	}
	all.Wait()
	if last, _ := keyring.Open(path); last == nil || len(last.Keys()) != 8 {
		t.Error("rotations of one process lost keys")
	}
}

func TestChecks(t *testing.T) {
	now := start
	find := func(r *keyring.Ring, rule check.Rule) check.Faults {
		report := check.Run(t.Context(), r.Checks(func() time.Time { return now })...)
		var found check.Faults
		for _, res := range report {
			for _, f := range res.Findings {
				if f.ID != rule.ID {
					t.Errorf("unexpected finding %v", f)
				}
				found = append(found, f)
			}
		}
		return found
	}
	one := func(what string, r *keyring.Ring, rule check.Rule) {
		t.Helper()
		if n := len(find(r, rule)); n != 1 {
			t.Errorf("%s: %d findings, want 1 of %s", what, n, rule.ID)
		}
	}
	none := func(what string, r *keyring.Ring) {
		t.Helper()
		if f := find(r, check.Rule{}); len(f) != 0 {
			t.Errorf("%s: %v", what, f)
		}
	}
	r, path := create(t)
	none("sound", r)
	os.Chmod(path, 0o644)
	one("mode", r, keyring.RuleMode)
	os.Chmod(path, 0o600)
	os.Chmod(filepath.Dir(path), 0o777)
	one("folder", r, keyring.RuleFolder)
	os.Chmod(filepath.Dir(path), 0o777|fs.ModeSticky)
	none("sticky folder", r)
	os.Chmod(filepath.Dir(path), 0o755)
	now = start.Add(366 * 24 * time.Hour)
	one("age", r, keyring.RuleAge)
	now = start
	if other, err := keyring.Open(path); err != nil {
		t.Fatal(err)
	} else if _, err := other.Rotate(start); err != nil {
		t.Fatal(err)
	}
	one("rotated elsewhere", r, keyring.RuleChanged)
	os.WriteFile(path, []byte("x"), 0o600)
	one("damaged", r, keyring.RuleMalformed)
	os.Remove(path)
	one("gone", r, keyring.RuleChanged)
	os.Symlink("elsewhere", path)
	one("link", r, keyring.RuleNotPlain)
	one("memory", keyring.Memory("x"), keyring.RuleMemory)
}

func TestAGitIndexThatHoldsTheFileIsFound(t *testing.T) {
	root := t.TempDir()
	os.MkdirAll(filepath.Join(root, ".git"), 0o755)
	os.MkdirAll(filepath.Join(root, "data"), 0o755)
	path := filepath.Join(root, "data", "keys")
	r, err := keyring.Create(path, start)
	if err != nil {
		t.Fatal(err)
	}
	run := func() int {
		n := 0
		for _, res := range check.Run(t.Context(), r.Checks(func() time.Time { return start })...) {
			if res.Rule.ID == keyring.RuleTracked.ID {
				n += len(res.Findings)
			}
		}
		return n
	}
	entry := func(flags string, name string) string {
		return "DIRC\x00\x00\x00\x02\x00\x00\x00\x01" + strings.Repeat("x", 60) + flags + name + "\x00\x00\x00"
	}
	for _, c := range []struct {
		name, index string
		want        int
	}{
		{"no such entry", entry("\x00\x08", "data/kez"), 0},
		{"tracked", entry("\x00\x09", "data/keys"), 1},
		{"tracked, version 3", entry("\x40\x09\x20\x00", "data/keys"), 1},
		{"end of another name", entry("\x00\x0d", "old/data/keys"), 0},
		{"beginning of another name", entry("\x00\x0d", "data/keys.txt"), 0},
		{"empty", "", 0},
	} {
		os.WriteFile(filepath.Join(root, ".git", "index"), []byte(c.index), 0o644)
		if got := run(); got != c.want {
			t.Errorf("%s: %d findings, want %d", c.name, got, c.want)
		}
	}
}

// The name of the new file is the lock between processes: a rotation that is done takes away no other one's.
func TestRotateTakesNoOthersLock(t *testing.T) {
	r, path := create(t)
	lock := path + ".new"
	for range 50 {
		var ended atomic.Bool
		var taken bool
		var other sync.WaitGroup
		other.Go(func() {
			for { // the lock of the rotation below
				if _, err := os.Lstat(lock); err == nil {
					break
				}
				if ended.Load() {
					return
				}
			}
			for { // its rename frees the name
				f, err := os.OpenFile(lock, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
				if err == nil {
					taken = f.Close() == nil
					return
				}
			}
		})
		_, err := r.Rotate(start)
		ended.Store(true)
		other.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if !taken {
			continue
		}
		if err := os.Remove(lock); err != nil {
			t.Fatalf("the lock of another rotation was taken away: %v", err)
		}
	}
}
