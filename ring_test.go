package merlon_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/keyring"
)

// TestOtherKeysRefuseTheStart: data starts with its own key ring, also when that got a key more, and with no other: not that of another
// site, and not its own of before a rotation that the data has seen.
func TestOtherKeysRefuseTheStart(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keys")
	start := func() error {
		s, err := openTestSite(merlon.Env{Data: dir, Mode: merlon.Test, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err != nil {
			return err
		}
		return s.Close(t.Context())
	}
	read := func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	put := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(what string) {
		t.Helper()
		f, ok := errors.AsType[check.Finding](start())
		if !ok || f.ID != keyring.RuleChanged.ID {
			t.Errorf("%s: %v, want %s", what, f, keyring.RuleChanged.ID)
		}
		for line := range strings.Lines(read()) {
			if field := strings.Fields(line); len(field) == 4 && field[0] == "key" && strings.Contains(f.Text(), field[3]) {
				t.Errorf("%s: the finding holds a key", what)
			}
		}
	}
	for range 2 {
		if err := start(); err != nil {
			t.Fatal(err)
		}
	}
	first := read()
	other, err := keyring.Create(filepath.Join(t.TempDir(), "keys"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(other.Path())
	if err != nil {
		t.Fatal(err)
	}
	put(string(text))
	refused("another site's keys")
	put(first)
	ring, err := keyring.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := start(); err != nil {
		t.Errorf("with a key more: %v", err)
	}
	second := read()
	put(first)
	refused("the ring of before the rotation")
	put(second)
	if err := start(); err != nil {
		t.Errorf("with its own keys again: %v", err)
	}
}
