package keyring_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/keyring"
)

func TestOpenRefusesADamagedFile(t *testing.T) {
	r, path := create(t)
	if _, err := r.Rotate(start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	good, _ := os.ReadFile(path)
	damaged := map[string]string{
		"empty":           "",
		"letter changed":  strings.Replace(string(good), "key 2", "key 3", 1),
		"no check":        string(good[:bytes.LastIndex(good, []byte("check"))]),
		"newest key gone": cutLine(string(good), "key 2 "),
		"no last LF":      string(good[:len(good)-1]),
		"added line":      string(good) + "\n",
		"CRLF":            strings.ReplaceAll(string(good), "\n", "\r\n"),
	}
	for n := range good { // every cut is seen
		damaged["cut"+string(rune('0'+n%10))] = string(good[:n])
		if _, err := keyring.Parse(good[:n]); err == nil {
			t.Fatalf("a file cut after %d bytes was accepted", n)
		}
		flipped := bytes.Clone(good)
		flipped[n] ^= 1
		if _, err := keyring.Parse(flipped); err == nil {
			t.Fatalf("a file with byte %d changed was accepted", n)
		}
	}
	for name, text := range damaged {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := keyring.Open(path)
		wants(t, err, keyring.RuleMalformed)
		for _, line := range strings.Split(string(good), "\n") {
			if f := strings.Fields(line); len(f) == 4 && strings.Contains(err.Error(), f[3]) {
				t.Errorf("%s: the error holds a key", name)
			}
		}
	}
}

// Whoever edits the file and mends its check line as well still meets a strict reader.
func TestParseIsStrict(t *testing.T) {
	const (
		one = "key 1 2026-03-01T12:00:00Z AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
		two = "key 2 2026-03-02T12:00:00Z ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8\n"
	)
	head := "merlon keyring 1\n"
	many := func(n int) string {
		var b strings.Builder
		for i := 1; i <= n; i++ {
			sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
			fmt.Fprintf(&b, "key %d 2026-03-01T12:00:00Z %s\n", i, base64.RawURLEncoding.EncodeToString(sum[:]))
		}
		return b.String()
	}
	for name, body := range map[string]string{
		"one key":  head + one,
		"two keys": head + one + two,
		"comments": head + "# a\n#\n" + one + "# end\n" + two,
		"from 2":   head + two,
		"500 keys": head + many(500),
	} {
		if _, err := keyring.Parse(keyring.WithCheck([]byte(body))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, body := range map[string]string{
		"no key":            head,
		"comments only":     head + "# key\n",
		"another version":   "merlon keyring 2\n" + one,
		"no header":         one,
		"comment first":     "# a\n" + head + one,
		"empty line":        head + "\n" + one,
		"another word":      head + strings.Replace(one, "key", "kex", 1),
		"two spaces":        head + strings.Replace(one, "key ", "key  ", 1),
		"three fields":      head + "key 1 2026-03-01T12:00:00Z\n",
		"five fields":       head + strings.TrimSuffix(one, "\n") + " x\n",
		"id 0":              head + strings.Replace(one, "key 1", "key 0", 1),
		"id 01":             head + strings.Replace(one, "key 1", "key 01", 1),
		"id +1":             head + strings.Replace(one, "key 1", "key +1", 1),
		"id x":              head + strings.Replace(one, "key 1", "key x", 1),
		"id beyond 32 bit":  head + strings.Replace(one, "key 1", "key 4294967297", 1),
		"descending":        head + two + one,
		"one id twice":      head + one + strings.Replace(two, "key 2", "key 1", 1),
		"one key twice":     head + one + strings.Replace(one, "key 1", "key 2", 1),
		"no time":           head + strings.Replace(one, "2026-03-01T12:00:00Z", "yesterday", 1),
		"time of a zone":    head + strings.Replace(one, "2026-03-01T12:00:00Z", "2026-03-01T12:00:00+01:00", 1),
		"fraction":          head + strings.Replace(one, "12:00:00Z", "12:00:00.5Z", 1),
		"31 bytes":          head + "key 1 2026-03-01T12:00:00Z AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg\n",
		"33 bytes":          head + "key 1 2026-03-01T12:00:00Z AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\n",
		"padded":            head + strings.Replace(one, "Hh8", "Hh8=", 1),
		"loose bits":        head + strings.Replace(one, "Hh8", "Hh9", 1),
		"CR in base64":      head + strings.Replace(one, "Hh8", "H\rh8", 1),
		"standard alphabet": head + strings.Replace(two, "Ozw9Pj8", "Ozw9Pj/", 1),
		"zeros":             head + "key 1 2026-03-01T12:00:00Z AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
		"a short pattern":   head + "key 1 2026-03-01T12:00:00Z " + base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte("secretly"), 4)) + "\n",
		"501 keys":          head + many(501),
		"too long":          head + strings.Repeat("#\n", 32<<10) + one,
		"two check lines":   string(keyring.WithCheck([]byte(head + one))),
	} {
		_, err := keyring.Parse(keyring.WithCheck([]byte(body)))
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		wants(t, err, keyring.RuleMalformed)
	}
}

func cutLine(text, prefix string) string {
	var kept []string
	for _, l := range strings.SplitAfter(text, "\n") {
		if !strings.HasPrefix(l, prefix) {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "")
}

func FuzzParse(f *testing.F) {
	path := filepath.Join(f.TempDir(), "keys")
	r, err := keyring.Create(path, start)
	if err != nil {
		f.Fatal(err)
	}
	r.Rotate(start)
	good, _ := os.ReadFile(path)
	f.Add(good)
	f.Add([]byte("merlon keyring 1\ncheck \n"))
	f.Add([]byte("\ncheck \ncheck "))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		// With a right check line, so that the fuzzer gets behind it.
		for _, in := range [][]byte{text, keyring.WithCheck(text)} {
			r, err := keyring.Parse(in)
			if err != nil {
				if r != nil {
					t.Fatal("a ring beside an error")
				}
				continue
			}
			if r.Newest() == 0 {
				t.Fatal("a ring without keys was accepted")
			}
			again, err := keyring.Parse(keyring.Encode(r))
			if err != nil || !again.Same(r) {
				t.Fatalf("what was read does not survive writing: %v", err)
			}
			last := uint32(0)
			for _, k := range r.Keys() {
				if k.ID <= last {
					t.Fatal("ids do not ascend")
				}
				last = k.ID
			}
		}
	})
}
