package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/merlon-web/merlon/backup"
)

// header writes a header file of a made-up point that a key opens, and returns its path and the point's key.
func header(t *testing.T, key *backup.Recovery) (path string, fileKey []byte) {
	t.Helper()
	to, err := age.ParseHybridRecipient(key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	h, err := age.ExtractHeader(&sealed)
	if err != nil {
		t.Fatal(err)
	}
	if fileKey, err = age.DecryptHeader(h, key.Identity()); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "header.bin")
	text := "merlon-header 1\n0123456789abcdef 42 sha256:" + strings.Repeat("ab", 32) + "\n" + string(h)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, fileKey
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
	path, fileKey := header(t, key)
	want := backup.ProofCode(fileKey, "sha256:"+strings.Repeat("ab", 32))
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
