package keyring_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/keyring"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

func create(t *testing.T) (*keyring.Ring, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := keyring.Create(path, start)
	if err != nil {
		t.Fatal(err)
	}
	return r, path
}

// wants asserts that err is a finding of a rule with a remedy.
func wants(t *testing.T, err error, rule check.Rule) {
	t.Helper()
	var f check.Finding
	if !errors.As(err, &f) || f.ID != rule.ID {
		t.Fatalf("got error %v, want a finding of %s", err, rule.ID)
	}
	if f.What == "" || f.Why == "" || f.Do == "" {
		t.Errorf("finding %+v lacks one of what, why, do", f)
	}
}

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range keyring.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
		if seen[r.ID] || !strings.HasPrefix(r.ID, "MRL-KEYRING-") {
			t.Errorf("id %s stands twice or is not of this room", r.ID)
		}
		seen[r.ID] = true
		if n := strings.Count(r.Explain(), "\n"); n > 40 {
			t.Errorf("%s explains itself in %d lines", r.ID, n)
		}
	}
}

func TestLimitsOfARing(t *testing.T) {
	r := keyring.Memory("")
	for range 499 {
		if _, err := r.Rotate(start); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Rotate(start); err == nil || len(r.Keys()) != 500 {
		t.Errorf("a 501st key: %v, %d keys", err, len(r.Keys()))
	}
	if _, ok := r.For("test/a").Key(501); ok {
		t.Error("a key with an id that the ring lacks")
	}
	if new(keyring.Ring).Same(r) || r.Same(new(keyring.Ring)) || new(keyring.Ring).Keys() != nil {
		t.Error("a ring without keys is the same as another")
	}
	defer func() {
		if recover() == nil {
			t.Error("an empty purpose is accepted")
		}
	}()
	r.For("")
}

func TestSeal(t *testing.T) {
	r := keyring.Memory("one")
	sealed, err := r.Seal("test/a", []byte("hello"), []byte("row 7"))
	if err != nil || len(sealed) != 5+keyring.Overhead || bytes.Contains(sealed, []byte("hello")) {
		t.Fatalf("Seal: %x, %v", sealed, err)
	}
	if plain, err := r.Open("test/a", sealed, []byte("row 7")); err != nil || string(plain) != "hello" {
		t.Fatalf("Open: %q, %v", plain, err)
	}
	if again, _ := r.Seal("test/a", []byte("hello"), []byte("row 7")); bytes.Equal(again, sealed) {
		t.Error("two boxes of one text are equal: the nonce repeats")
	}
	for name, open := range map[string]func() ([]byte, error){
		"another purpose": func() ([]byte, error) { return r.Open("test/b", sealed, []byte("row 7")) },
		"another row":     func() ([]byte, error) { return r.Open("test/a", sealed, []byte("row 8")) },
		"no row":          func() ([]byte, error) { return r.Open("test/a", sealed, nil) },
		"another ring":    func() ([]byte, error) { return keyring.Memory("two").Open("test/a", sealed, []byte("row 7")) },
		"empty":           func() ([]byte, error) { return r.Open("test/a", nil, nil) },
	} {
		if got, err := open(); !errors.Is(err, keyring.ErrOpen) || got != nil {
			t.Errorf("%s: %q, %v; want ErrOpen", name, got, err)
		}
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 0x80
		if got, err := r.Open("test/a", bad, []byte("row 7")); err == nil {
			t.Errorf("byte %d changed: opened to %q", i, got)
		}
		if got, err := r.Open("test/a", sealed[:i], []byte("row 7")); err == nil {
			t.Errorf("cut after %d bytes: opened to %q", i, got)
		}
	}
	dst := []byte("kept ")
	if out, err := r.For("test/a").Open(dst, sealed, []byte("row 7")); err != nil || string(out) != "kept hello" {
		t.Errorf("Open appends: %q, %v", out, err)
	}
}

func TestPurposesAndUsesAreSeparate(t *testing.T) {
	r := keyring.Memory("one")
	a, b := r.Key("test/a").Reveal(), r.Key("test/b").Reveal()
	if len(a) != 32 || bytes.Equal(a, b) {
		t.Fatalf("keys of two purposes: %x, %x", a, b)
	}
	mac, _ := r.MAC("test/a", []byte("m"))
	if !r.Verify("test/a", []byte("m"), mac) {
		t.Error("an honest MAC does not verify")
	}
	for name, ok := range map[string]bool{
		"another purpose": r.Verify("test/b", []byte("m"), mac),
		"another message": r.Verify("test/a", []byte("n"), mac),
		"another ring":    keyring.Memory("two").Verify("test/a", []byte("m"), mac),
		"cut":             r.Verify("test/a", []byte("m"), mac[:len(mac)-1]),
		"empty":           r.Verify("test/a", []byte("m"), nil),
		"other key id":    r.Verify("test/a", []byte("m"), append([]byte{0, 0, 0, 9}, mac[4:]...)),
	} {
		if ok {
			t.Errorf("%s: the MAC verifies", name)
		}
	}
}

func TestRotate(t *testing.T) {
	r, path := create(t)
	sub := r.For("test/a")
	old, _ := sub.Seal(nil, []byte("old"), nil)
	mac, _ := sub.MAC(nil, []byte("m"))
	oldKey := r.Key("test/a")
	info, err := r.Rotate(start.Add(24 * time.Hour))
	if err != nil || info.ID != 2 || r.Newest() != 2 {
		t.Fatalf("Rotate: %+v, %v", info, err)
	}
	if bytes.Equal(r.Key("test/a").Reveal(), oldKey.Reveal()) {
		t.Error("the newest key is still the old one")
	}
	again, err := keyring.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if fresh, _ := sub.Seal(nil, nil, nil); fresh[3] != 2 {
		t.Errorf("keys that were held before the rotation seal under key %d, want 2", fresh[3])
	}
	for _, ring := range []*keyring.Ring{r, again} {
		fresh, _ := ring.Seal("test/a", []byte("new"), nil)
		if fresh[3] != 2 {
			t.Errorf("sealed under key %d, want 2", fresh[3])
		}
		for want, sealed := range map[string][]byte{"old": old, "new": fresh} {
			if got, err := ring.Open("test/a", sealed, nil); err != nil || string(got) != want {
				t.Errorf("after a rotation: %q, %v; want %q", got, err, want)
			}
		}
		if !ring.Verify("test/a", []byte("m"), mac) {
			t.Error("an old MAC does not verify after a rotation")
		}
		if k, ok := ring.For("test/a").Key(1); !ok || !bytes.Equal(k.Reveal(), oldKey.Reveal()) {
			t.Error("the old key is not to be had by its id")
		}
		if keys := ring.Keys(); len(keys) != 2 || !keys[1].Created.Equal(start.Add(24*time.Hour).Truncate(time.Second)) {
			t.Errorf("keys %+v", keys)
		}
	}
	if _, err := keyring.Memory("").Open("test/a", append([]byte{0, 0, 0, 5}, old[4:]...), nil); !errors.Is(err, keyring.ErrUnknownKey) {
		t.Errorf("unknown key id: %v", err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode after the rotation %v", info.Mode())
	}
}

func TestZeroRing(t *testing.T) {
	var r keyring.Ring
	if _, err := r.Seal("p", nil, nil); !errors.Is(err, keyring.ErrNoKeys) {
		t.Errorf("Seal: %v", err)
	}
	if _, err := r.Open("p", make([]byte, 64), nil); !errors.Is(err, keyring.ErrNoKeys) {
		t.Errorf("Open: %v", err)
	}
	if _, err := r.MAC("p", nil); err == nil || r.Verify("p", nil, make([]byte, keyring.MACSize)) || r.Newest() != 0 || r.Age(start) != 0 || len(r.Key("p").Reveal()) != 0 {
		t.Error("a ring without keys does something")
	}
	if _, err := r.Rotate(start); !errors.Is(err, keyring.ErrNoKeys) {
		t.Errorf("Rotate: %v", err)
	}
}

func TestNothingPrintsAKey(t *testing.T) {
	r, path := create(t)
	file, _ := os.ReadFile(path)
	memory, keys := keyring.Memory("canary-seed"), r.For("test/a")
	keys.Seal(nil, nil, nil)
	secret, _ := keys.Key(1)
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "ring", r, "memory", memory, "keys", keys, "all", []any{r, keys, secret})
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+verb, r, memory, keys, []any{r, memory, keys, secret})
	}
	for _, line := range strings.Split(string(file), "\n") {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] != "key" {
			continue
		}
		raw, _ := base64.RawURLEncoding.DecodeString(f[3])
		for _, canary := range []string{f[3], string(raw), fmt.Sprintf("%x", raw), fmt.Sprint(raw), fmt.Sprintf("%x", secret.Reveal()), "canary-seed"} {
			if strings.Contains(out.String(), canary) {
				t.Errorf("printed %q", canary)
			}
		}
	}
}

func TestMemory(t *testing.T) {
	if a, b := keyring.Memory("s"), keyring.Memory("s"); !a.Same(b) {
		t.Error("one seed, two rings")
	}
	if a, b := keyring.Memory(""), keyring.Memory(""); a.Same(b) {
		t.Error("the empty seed is not random")
	}
	a, b := keyring.Memory("s"), keyring.Memory("s")
	a.Rotate(start)
	b.Rotate(start)
	if !a.Same(b) || len(a.Keys()) != 2 {
		t.Error("rotation in memory is not repeatable")
	}
}

func FuzzOpen(f *testing.F) {
	r := keyring.Memory("") // of each fuzzing process its own
	sealed, _ := r.Seal("test/a", []byte("hello"), []byte("aad"))
	f.Add(sealed, []byte("aad"))
	f.Add(sealed[:keyring.Overhead], []byte(""))
	f.Add([]byte{0, 0, 0, 1}, []byte("aad"))
	f.Fuzz(func(t *testing.T, box, aad []byte) {
		if bytes.Equal(box, sealed) && string(aad) == "aad" {
			return
		}
		if plain, err := r.Open("test/a", box, aad); err == nil {
			t.Fatalf("forged box opened to %q", plain)
		}
		if r.Verify("test/a", aad, box) {
			t.Fatal("forged MAC verifies")
		}
		again, err := r.Seal("test/a", box, aad)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := r.Open("test/a", again, aad); err != nil || !bytes.Equal(plain, box) {
			t.Fatal("an honest box does not open")
		}
	})
}

func BenchmarkSealOpen(b *testing.B) {
	keys := keyring.Memory("bench").For("bench")
	plain := make([]byte, 200)
	box := make([]byte, 0, 512)
	out := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		sealed, err := keys.Seal(box, plain, plain[:32])
		if err == nil {
			_, err = keys.Open(out, sealed, plain[:32])
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	keys := keyring.Memory("bench").For("bench")
	mac, _ := keys.MAC(nil, []byte("message"))
	b.ReportAllocs()
	for b.Loop() {
		if !keys.Verify([]byte("message"), mac) {
			b.Fatal("does not verify")
		}
	}
}
