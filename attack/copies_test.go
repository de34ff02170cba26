package attack

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCopyOf: a copy is known by as much of it as an answer holds, and packed ones by what is in them; what a user exports of their
// own is none.
func TestCopyOf(t *testing.T) {
	large := bytes.Repeat([]byte("sealed, and more than is read of an answer. "), maxAnswer/20)
	copies := map[string][]byte{"large.bin": large, "small.bin": []byte("sealed")}
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	f, err := z.Create("mine.txt")
	if err == nil {
		_, err = f.Write([]byte("ann@site.test"))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, body string
		stranger   bool
		want       string
	}{
		{"cut", string(large[:maxAnswer+100]), true, "the copy large.bin"},
		{"whole", "sealed", true, "the copy small.bin"},
		{"a beginning", "seal", true, ""},
		{"dump", packed(t, "-- MySQL dump 10.13\n"), true, "a dump of mysqldump, packed"},
		{"to a stranger", zipped.String(), true, `an archive that holds "ann@site.test" as it is in the data`},
		{"their own", zipped.String(), false, ""},
		{"everybody's", packed(t, "ann@site.test ben@site.test"), false, `an archive that holds "ann@site.test" as it is in the data`},
		{"another archive", packed(t, "a picture"), true, ""},
		{"no archive", "PK is a beginning", true, ""},
	} {
		if got := copyOf(c.body, copies, []string{"ann@site.test", "ben@site.test"}, c.stranger); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestKeysFirst: what is named like a key is tried before the lines of a log, and how many texts were not tried is counted.
func TestKeysFirst(t *testing.T) {
	var log strings.Builder
	for i := range 2 * mostTries {
		fmt.Fprintf(&log, "a line of the log, number %d\n", i)
	}
	b := &Backups{Data: "/data", Place: "/place"}
	const key = "0123456789abcdef0123456789abcdef"
	for _, data := range []map[string][]byte{
		{"a.log": []byte(log.String()), "backup.key": []byte(key)},
		{"a.log": []byte(log.String()), "z.txt": []byte("restore_key = " + key)},
	} {
		all, left := b.keys(data)
		found := false
		for _, k := range all {
			found = found || k[0] == key
		}
		if !found || len(all) != mostTries || left < mostTries {
			t.Errorf("found %v, %d texts are tried and %d left", found, len(all), left)
		}
	}
}

// TestBrokenIsPutBack: a copy that was broken for a try is whole after it, also when the time is over meanwhile.
func TestBrokenIsPutBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copy.bin")
	was := []byte("the whole of the copy")
	if err := os.WriteFile(path, was, 0o400); err != nil {
		t.Fatal(err)
	}
	r := &run{t: &target{}, ctx: t.Context(), report: &Report{}}
	over, cancel := context.WithCancel(t.Context())
	b := &Backups{Restore: func(_ context.Context, _, _ string) error { cancel(); return nil }}
	for _, ctx := range []context.Context{t.Context(), over} {
		if r.ctx = ctx; ctx == over {
			cancel()
		}
		r.within(func(r *run) { _, _ = r.restoredFrom(b, path, was[:5], was) })
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, was) {
			t.Fatalf("the copy is %q, %v", now, err)
		}
	}
}

// TestLyingHasAnEnd: folders are not read into memory beyond what it may take.
func TestLyingHasAnEnd(t *testing.T) {
	defer func(most int64) { mostLying = most }(mostLying)
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := lying(dir); err != nil || len(all) != 2 {
		t.Errorf("%d files, %v", len(all), err)
	}
	mostLying = 1999
	if _, err := lying(dir); !errors.Is(err, errMuch) {
		t.Errorf("2,000 bytes of at most 1,999: %v", err)
	}
}

// TestLeadsAway: an address leads to its host, and not to what its query, its fragment or its user's name is called.
func TestLeadsAway(t *testing.T) {
	for to, want := range map[string]bool{
		"https://attacker.invalid/": true, "//attacker.invalid": true, `/\attacker.invalid/`: true, "https://site.test@attacker.invalid/": true, "https://site.test.attacker.invalid:8080?x": true,
		"https://site.test?next=attacker.invalid": false, "https://site.test#attacker.invalid": false, "https://attacker.invalid@site.test/": false, "//site.test?//attacker.invalid": false,
		"/go?to=//attacker.invalid": false, "https://notattacker.invalid/": false,
	} {
		if got := leadsAway(to); got != want {
			t.Errorf("%s leads away: %v", to, got)
		}
	}
}
