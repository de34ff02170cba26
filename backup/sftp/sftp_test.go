package sftp_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/backup/sftp"
	"github.com/merlon-web/merlon/backup/targettest"
	"github.com/merlon-web/merlon/internal/e2e/sftppeer"
)

func open(t testing.TB, address string, s backup.Settings) backup.Target {
	t.Helper()
	target, err := backup.OpenTarget(context.WithoutCancel(t.Context()), address, s, []backup.Scheme{sftp.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func settings(s *sftppeer.Server) backup.Settings {
	return backup.Settings{"key-file": s.KeyFile, "host-key": s.HostKey}
}

func TestSFTPConforms(t *testing.T) {
	t.Parallel()
	server := sftppeer.Start(t)
	n := 0
	targettest.Run(t, func(t *testing.T) targettest.Place {
		n++
		folder := filepath.Join(server.Folder, strconv.Itoa(n))
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		return func() backup.Target { return open(t, server.Address(folder), settings(server)) }
	})
}

// A machine is not trusted because it answers: without a pin its key is shown and nothing is opened, with another one nothing
// is sent.
func TestHostKeyIsPinned(t *testing.T) {
	server := sftppeer.Start(t)
	other := ssh.FingerprintSHA256(sftppeer.NewKey(t, filepath.Join(t.TempDir(), "other")))
	for _, c := range []struct {
		pins string
		kind error
		says string
	}{
		{"", backup.ErrAddress, "look on that machine itself"},
		{" ", backup.ErrAddress, "look on that machine itself"},
		{other, backup.ErrDenied, "not the pinned one"},
		{"*", backup.ErrDenied, "not the pinned one"},
		{server.HostKey[:20], backup.ErrDenied, "not the pinned one"},
		{other + " " + server.HostKey, nil, ""},
		{other + ", " + server.HostKey, nil, ""},
	} {
		s := settings(server)
		s["host-key"] = c.pins
		target, err := backup.OpenTarget(t.Context(), server.Address(server.Folder), s, []backup.Scheme{sftp.Scheme})
		if err == nil {
			target.Close()
		}
		if !errors.Is(err, c.kind) || err != nil && (!strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), server.HostKey)) {
			t.Errorf("host-key %q: %v, want one that says %q", c.pins, err, c.says)
		}
	}
}

func TestAddressesAreRefused(t *testing.T) {
	server := sftppeer.Start(t)
	dir := t.TempDir()
	stranger := filepath.Join(dir, "stranger")
	sftppeer.NewKey(t, stranger)
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	locked, odd, loose := filepath.Join(dir, "locked"), filepath.Join(dir, "odd"), filepath.Join(dir, "loose")
	if err := errors.Join(os.WriteFile(locked, pem.EncodeToMemory(block), 0o600), os.WriteFile(odd, []byte("hunter2"), 0o600), os.WriteFile(loose, nil, 0o600), os.Chmod(loose, 0o640)); err != nil {
		t.Fatal(err)
	}
	right := server.Address(server.Folder)
	for _, c := range []struct {
		address, key string
		kind         error
		says         string
	}{
		{"sftp://ann:hunter2@" + server.Addr + "/x", server.KeyFile, backup.ErrAddress, "password"},
		{"sftp://" + server.Addr + "/x", server.KeyFile, backup.ErrAddress, "no user, machine or folder"},
		{"sftp://ann@" + server.Addr, server.KeyFile, backup.ErrAddress, "no user, machine or folder"},
		{"sftp://ann@" + server.Addr + "/", server.KeyFile, backup.ErrAddress, "no user, machine or folder"},
		{right + "?key=hunter2", server.KeyFile, backup.ErrAddress, "or more than these"},
		{right, "", backup.ErrAddress, "names no file"},
		{right, filepath.Join(dir, "gone"), backup.ErrAddress, "ssh-keygen -t ed25519"},
		{right, locked, backup.ErrAddress, "passphrase"},
		{right, odd, backup.ErrAddress, "no private key"},
		{right, loose, backup.ErrAddress, "chmod 600"},
		{right, stranger, backup.ErrDenied, "authorized_keys"},
		{right + "/gone", server.KeyFile, backup.ErrNotFound, "mkdir -m 700"},
		{"sftp://ann@127.0.0.1:1/x", server.KeyFile, backup.ErrUnreachable, "refused"},
	} {
		target, err := backup.OpenTarget(t.Context(), c.address, backup.Settings{"key-file": c.key, "host-key": server.HostKey}, []backup.Scheme{sftp.Scheme})
		if err == nil {
			t.Errorf("%s with %s was opened", c.address, c.key)
			target.Close()
			continue
		}
		if text := err.Error(); !errors.Is(err, c.kind) || !strings.Contains(text, c.says) || strings.Contains(strings.ReplaceAll(text, c.address, ""), "hunter2") {
			t.Errorf("%s with %s: %v, want one that says %q", c.address, c.key, err, c.says)
		}
	}
}

// What breaks on the way is begun again; what breaks for ever is said; and a machine that says nothing is waited for only as
// long as the caller does.
func TestBrokenWires(t *testing.T) {
	t.Parallel()
	server := sftppeer.Start(t)
	wire := sftppeer.NewWire(t, server.Addr)
	target := open(t, strings.Replace(server.Address(server.Folder), server.Addr, wire.Addr, 1), settings(server))
	defer target.Close()
	body := strings.Repeat("sealed bytes of a point ", 40_000)
	o := backup.PutOptions{Size: int64(len(body)), SHA256: sha256.Sum256([]byte(body)), Once: true}
	put := func(ctx context.Context, name string) error {
		_, err := target.Put(ctx, name, strings.NewReader(body), o)
		return err
	}
	whole := func(name string) {
		t.Helper()
		if got, err := os.ReadFile(filepath.Join(server.Folder, name)); err != nil || string(got) != body {
			t.Errorf("%s has %d bytes, %v", name, len(got), err)
		}
	}
	wire.Break() // between two runs
	if err := put(t.Context(), "a/1"); err != nil {
		t.Error(err)
	}
	whole("a/1")
	var broken sync.WaitGroup
	for i, after := range []int64{1, 2000, 5000, 100_000, 500_000, int64(len(body)) + 1000} {
		wire := sftppeer.NewWire(t, server.Addr)
		target := open(t, strings.Replace(server.Address(server.Folder), server.Addr, wire.Addr, 1), settings(server))
		broken.Go(func() { // each waits between its tries
			defer target.Close()
			wire.After(after, 2)
			name := "b/" + strconv.Itoa(i)
			if _, err := target.Put(t.Context(), name, strings.NewReader(body), o); err != nil {
				t.Errorf("broken twice after %d bytes: %v", after, err)
			}
			whole(name)
		})
	}
	broken.Wait()
	wire.After(100_000, -1)
	wire.Break()
	if err := put(t.Context(), "c"); !errors.Is(err, backup.ErrUnreachable) {
		t.Errorf("broken for ever: %v", err)
	}
	wire.After(0, 0)
	if err := put(t.Context(), "c"); err != nil {
		t.Errorf("the next run: %v", err)
	}
	whole("c")

	wire.Hole(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := put(ctx, "d"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 20*time.Second {
		t.Errorf("into a hole: %v after %s", err, time.Since(begun))
	}
	wire.Hole(false)
	if err := put(t.Context(), "d"); err != nil {
		t.Errorf("the next run: %v", err)
	}
	whole("d")
}

// Halves that killed puts left go when they are a day old by the server's clock.
func TestPartsAreSwept(t *testing.T) {
	server := sftppeer.Start(t)
	parts := filepath.Join(server.Folder, ".merlon-part")
	if err := os.Mkdir(parts, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"old": 7 * 24 * time.Hour, "new": time.Minute} {
		file := filepath.Join(parts, name)
		if err := errors.Join(os.WriteFile(file, []byte("x"), 0o600), os.Chtimes(file, time.Time{}, time.Now().Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	target := open(t, server.Address(server.Folder), settings(server))
	defer target.Close()
	if _, err := target.Put(t.Context(), "a", strings.NewReader("x"), backup.PutOptions{Size: 1, SHA256: sha256.Sum256([]byte("x")), Once: true}); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(parts); err != nil || len(left) != 1 || left[0].Name() != "new" {
		t.Errorf("left: %v, %v", left, err)
	}
}
