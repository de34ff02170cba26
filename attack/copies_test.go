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
	"runtime"
	"strings"
	"testing"
	"time"
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

// laid are the files of a folder that holds these.
func laid(t *testing.T, files map[string]string) map[string]lain {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := lying(t.Context(), dir)
	if err != nil || len(all) != len(files) {
		t.Fatalf("%d files lie there, %v", len(all), err)
	}
	return all
}

// TestCopyOf: a copy is known by as much of it as an answer holds, and packed ones by what is in them; what a user exports of their
// own is none.
func TestCopyOf(t *testing.T) {
	large := bytes.Repeat([]byte("sealed, and more than is read of an answer. "), maxAnswer/20)
	copies := laid(t, map[string]string{"large.bin": string(large), "small.bin": "sealed"})
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
	for _, data := range []map[string]string{
		{"a.log": log.String(), "backup.key": key},
		{"a.log": log.String(), "z.txt": "restore_key = " + key},
	} {
		all, left := b.keys(laid(t, data))
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
	broken := ""
	b := &Backups{Restore: func(_ context.Context, _, _ string) error {
		now, err := os.ReadFile(path)
		broken = string(now)
		cancel()
		return err
	}}
	for _, c := range []struct {
		ctx  context.Context
		hurt wound
		want string
	}{{t.Context(), withoutEnd(5), "the w"}, {t.Context(), turnedBit(4), "the vhole of the copy"}, {over, withoutEnd(5), ""}, {over, turnedBit(4), ""}} {
		if r.ctx, broken = c.ctx, ""; c.ctx == over {
			cancel()
		}
		r.within(func(r *run) { _, _ = r.restoredFrom(b, path, c.hurt) })
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, was) || broken != c.want {
			t.Fatalf("the copy was %q and is %q, %v", broken, now, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o400 {
			t.Errorf("the copy's mode is %v, %v", info.Mode(), err)
		}
	}
}

// TestLargeCopies: a text is found behind hundreds of megabytes, as they are and packed, and none of them is kept in memory; what cannot
// be read is an error, and not a copy that keeps its texts to itself.
func TestLargeCopies(t *testing.T) {
	dir := t.TempDir()
	const size, text = 300 << 20, "ann@site.test"
	f, err := os.Create(filepath.Join(dir, "large"))
	if err == nil {
		_, err = f.WriteAt([]byte(text), size)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	p, err := os.Create(filepath.Join(dir, "packed"))
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(p)
	for range 20 {
		if _, err := z.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	_, err = z.Write([]byte(text))
	if err := errors.Join(err, z.Close(), p.Close()); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	all, err := lying(t.Context(), dir)
	if err != nil || len(all) != 2 || all["large"].size != size+int64(len(text)) {
		t.Fatalf("%v, %v", all, err)
	}
	r := &run{t: &target{}, ctx: t.Context(), report: &Report{}}
	for name, l := range all {
		if !r.tells(l, text) || r.tells(l, "ben@site.test") {
			t.Errorf("%s: what it holds was not seen, or what it does not", name)
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
		t.Errorf("it took %d MB of memory", took>>20)
	}
	if err := os.Remove(all["large"].path); err != nil {
		t.Fatal(err)
	}
	if r.tells(all["large"], text); len(r.report.Coverage.NotReached) != 1 {
		t.Errorf("not reached: %q", r.report.Coverage.NotReached)
	}
}

// TestArchivesWithin: a zip within an archive is looked through, and not kept in memory, and what unpacks to more than is looked at is told.
func TestArchivesWithin(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := t.TempDir()
	p, err := os.Create(filepath.Join(dir, "packed"))
	if err != nil {
		t.Fatal(err)
	}
	g := gzip.NewWriter(p)
	z := zip.NewWriter(g)
	f, err := z.CreateHeader(&zip.FileHeader{Name: "stored", Method: zip.Store})
	for range 24 {
		if err == nil {
			_, err = f.Write(make([]byte, 1<<20))
		}
	}
	if err == nil {
		f, err = z.Create("text")
	}
	if err == nil {
		_, err = f.Write([]byte("ann@site.test"))
	}
	if err := errors.Join(err, z.Close(), g.Close(), p.Close()); err != nil {
		t.Fatal(err)
	}
	all, err := lying(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: &target{}, ctx: t.Context(), report: &Report{}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if !r.tells(all["packed"], "ann@site.test") || r.tells(all["packed"], "ben@site.test") {
		t.Error("what it holds was not seen, or what it does not")
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
		t.Errorf("it took %d MB of memory", took>>20)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 || len(r.report.Coverage.NotReached) > 0 {
		t.Errorf("%v lies there, %v, not reached: %q", left, err, r.report.Coverage.NotReached)
	}
	was := unpackedMost
	defer func() { unpackedMost = was }()
	unpackedMost = 12 << 20
	if told := r.report; r.tells(all["packed"], "ben@site.test") || len(told.Coverage.NotReached) != 1 || !strings.Contains(told.Coverage.NotReached[0], "packed was not read to its end: it unpacks to more than") {
		t.Errorf("not reached: %q", told.Coverage.NotReached)
	}
}

// TestDeletedIsPutBack: a copy that could be deleted is told, whatever the place says to it, and lies there again as it was, or is kept.
func TestDeletedIsPutBack(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, c := range []struct {
		what   string
		delete func(path string) error
		found  int
		kept   int
	}{
		{"refused", func(string) error { return errors.New("the place keeps it") }, 0, 0},
		{"said and not done", func(string) error { return nil }, 0, 0},
		{"deleted", os.Remove, 1, 0},
		{"deleted, with an error", func(path string) error { return errors.Join(os.Remove(path), errors.New("no line in the log")) }, 1, 0},
		{"with its place", func(path string) error { return os.RemoveAll(filepath.Dir(path)) }, 1, 1},
	} {
		place := filepath.Join(t.TempDir(), "place")
		path, at := filepath.Join(place, "old.bin"), time.Now().Add(-time.Hour).Truncate(time.Second)
		if err := errors.Join(os.Mkdir(place, 0o700), os.WriteFile(path, []byte("a copy"), 0o400), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
		r := &run{t: &target{}, ctx: t.Context(), report: &Report{}, seen: map[string]bool{}, people: []*actor{{role: "anonymous"}}}
		r.deletable(&Backups{Place: place, Delete: func(string) error { return c.delete(path) }}, map[string]lain{"old.bin": {}}, nil)
		kept, _ := filepath.Glob(filepath.Join(os.TempDir(), "*", scratchDir, "copy"))
		if len(r.report.Findings) != c.found || len(kept) != c.kept || len(r.report.Coverage.NotReached) != c.kept {
			t.Errorf("%s: found %v, kept %q, not reached %q", c.what, r.report.Findings, kept, r.report.Coverage.NotReached)
		}
		if c.kept > 0 {
			path = kept[0]
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != "a copy" {
			t.Errorf("%s: %q, %v", c.what, text, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o400 || !info.ModTime().Equal(at) {
			t.Errorf("%s: %v, %v", c.what, info, err)
		}
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
