package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/merlon-web/merlon/backup"
)

var instantOf42 = time.Date(2026, 11, 24, 3, 0, 4, 118e6, time.UTC)

// named writes into a header which point it is of, as package backup does.
type named []string

func (n named) Wrap([]byte) ([]*age.Stanza, error) {
	return []*age.Stanza{{Type: "merlon-point", Args: n}}, nil
}

func (n named) WrapWithLabels(key []byte) ([]*age.Stanza, []string, error) {
	s, err := n.Wrap(key)
	return s, []string{"postquantum"}, err
}

// header makes the header of a point of that number that a key opens.
func header(t *testing.T, key *backup.Recovery, seq string) (header, fileKey []byte) {
	t.Helper()
	to, err := age.ParseHybridRecipient(key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to, named{"0123456789abcdef", seq, instantOf42.Format(time.RFC3339Nano)})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	if header, err = age.ExtractHeader(&sealed); err != nil {
		t.Fatal(err)
	}
	if fileKey, err = age.DecryptHeader(header, key.Identity()); err != nil {
		t.Fatal(err)
	}
	return header, fileKey
}

// file writes the header file of point 42: its manifest names one header, and another may lie behind it.
func file(t *testing.T, names, holds []byte) (path string, receipt backup.Receipt) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	hash := func(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }
	k := backup.PublicKey("ed25519:" + base64.RawURLEncoding.EncodeToString(public))
	m := backup.Manifest{Format: "merlon-backup 1", Kind: "point", Site: "0123456789abcdef", Branch: 1, Seq: 42, Class: backup.Daily, Instant: instantOf42, StoreDate: instantOf42, K: k, KNext: k, R: []string{backup.Fingerprint("x")}, Prev: hash(nil),
		Data: backup.Sealed{Name: "data-20261124T030004118Z.age", Size: 1, SHA256: hash(nil), Header: hash(names), PlainMax: 1, LockUntil: instantOf42}}
	m.Sig = base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, fmt.Appendf(nil, "merlon/backup/point/v1\n%s\n1\n42\nd\n%s\n%s\n%s\n", m.Site, instantOf42.Format(time.RFC3339Nano), m.Hash(), k)))
	line, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "header.bin")
	if err := os.WriteFile(path, slices.Concat([]byte("merlon-header 2\n"), line, []byte("\n"), holds), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, backup.Receipt{Seq: 42, Hash: m.Hash()}
}

// A file that holds the header of another point than it says opens nothing, whoever signed it: a server that was broken into
// does not choose what its owner opens.
func TestASwappedHeaderIsRefused(t *testing.T) {
	key, err := backup.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	right, fileKey := header(t, key, "42")
	other, _ := header(t, key, "3")
	good, receipt := file(t, right, right)
	swapped, _ := file(t, right, other)
	lying, _ := file(t, other, other)
	unnamed := bytes.Replace(right, []byte("-> merlon-point"), []byte("-> merlon-other"), 1)
	altered, _ := file(t, unnamed, unnamed)
	for _, c := range []struct {
		name, path, receipt string
		code                int
		says                string
	}{
		{"right", good, "", 0, backup.FormatPointKey(fileKey)},
		{"right, with its receipt", good, receipt.String(), 0, "point    42 of 2026-11-24 03:00:04 UTC"},
		{"a receipt of another point", good, strings.Replace(receipt.String(), "42:", "43:", 1), 1, "another point than you mean"},
		{"no receipt", good, "42", 2, "no receipt"},
		{"a header that the manifest does not name", swapped, "", 2, "not that of point 42"},
		{"a manifest that was signed for it", lying, "", 1, "another point than it says"},
		{"a name that was cut out", altered, "", 1, "does not open"},
	} {
		args := []string{"recovery", "open", c.path}
		if c.receipt != "" {
			args = append(args, "--receipt", c.receipt)
		}
		code, out, problems := call(t, key.Reveal(), args...)
		if code != c.code || !strings.Contains(out+problems, c.says) || code != 0 && out != "" {
			t.Errorf("%s: exit %d, %q, %q: want %d and %q", c.name, code, out, problems, c.code, c.says)
		}
	}
}

// call runs the tool with a text on its standard input.
func call(t *testing.T, input string, args ...string) (code int, out, problems string) {
	t.Helper()
	in, err := os.CreateTemp(t.TempDir(), "in")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := in.WriteString(input); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	code = run(t.Context(), args, in, &o, &e)
	return code, o.String(), e.String()
}

func TestProveAndOpen(t *testing.T) {
	key, err := backup.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	other, err := backup.NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	h, fileKey := header(t, key, "42")
	path, receipt := file(t, h, h)
	want := backup.ProofCode(fileKey, receipt.Hash)
	code, out, problems := call(t, key.Reveal()+"\n", "recovery", "prove", path)
	if code != 0 || !strings.Contains(out, "code    "+want+"\n") || !strings.Contains(out, "point 42") {
		t.Errorf("prove: %d, %s%s", code, out, problems)
	}
	keyFile := filepath.Join(t.TempDir(), "key.txt")
	if err := os.WriteFile(keyFile, []byte("the kit says\n"+strings.ToLower(key.Reveal())+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, problems = call(t, "", "recovery", "open", path, "--key-file", keyFile, "--json")
	var doc struct{ Schema, Key string }
	if err := json.Unmarshal([]byte(out), &doc); code != 0 || err != nil || doc.Schema != "merlon/recovery-open/v1" || doc.Key != backup.FormatPointKey(fileKey) {
		t.Errorf("open: %d, %s%s, %v", code, out, problems, err)
	}
	for _, c := range []struct {
		name, input string
		args        []string
		code        int
		says        string
	}{
		{"another key", other.Reveal(), []string{"recovery", "prove", path}, 1, "does not open this header"},
		{"no key", "", []string{"recovery", "prove", path}, 3, "--key-file"},
		{"half a key", key.Reveal()[:50], []string{"recovery", "prove", path}, 2, "compare it with the kit"},
		{"a mistyped key", key.Reveal()[:70] + strings.Repeat("Q", 7), []string{"recovery", "prove", path}, 2, "compare it with the kit"},
		{"no header file", key.Reveal(), []string{"recovery", "prove", path + "x"}, 2, "cannot be read"},
		{"another file", key.Reveal(), []string{"recovery", "prove", keyFile}, 2, "no header file"},
		{"no file named", "", []string{"recovery", "prove"}, 2, "takes one header file"},
		{"an unknown command", "", []string{"recovery", "tell"}, 2, "not known here"},
		{"an unknown flag", "", []string{"version", "--fast"}, 2, "see merlon version --help"},
	} {
		code, out, problems := call(t, c.input, c.args...)
		if code != c.code || !strings.Contains(problems, c.says) || out != "" {
			t.Errorf("%s: exit %d, %q, %q: want %d and %q", c.name, code, out, problems, c.code, c.says)
		}
		if strings.Contains(problems+out, key.Reveal()[20:40]) {
			t.Errorf("%s: the key is in the answer", c.name)
		}
	}
}

func TestVersionAndHelp(t *testing.T) {
	if code, out, _ := call(t, "", "version"); code != 0 || !strings.HasPrefix(out, "merlon ") {
		t.Errorf("version: %d, %q", code, out)
	}
	for _, args := range [][]string{{"--help"}, {"recovery", "--help"}, {"recovery", "prove", "--help"}, {}} {
		code, out, _ := call(t, "", args...)
		if code != 0 || !strings.Contains(out, "exit codes:") {
			t.Errorf("%q: %d, %s", args, code, out)
		}
		for line := range strings.Lines(out) {
			if len(line) > 81 {
				t.Errorf("%q: a line of %d characters: %s", args, len(line), line)
			}
		}
	}
}
