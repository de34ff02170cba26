package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/sqlite"
)

// program is a site's own program with backups, in a folder of its own.
type program struct {
	t       testing.TB
	data    string
	schemes []Scheme
}

func newProgram(t testing.TB) *program {
	return &program{t: t, data: filepath.Join(t.TempDir(), "data")}
}

func (p *program) open(env merlon.Env) (*merlon.Site, error) {
	env.Log = slog.New(slog.DiscardHandler)
	return merlon.New(env, merlon.Config{Name: "notes", Engine: sqlite.Engine("notes.db"), Schema: noteSchema, Parts: []merlon.Part{New(Config{Schemes: p.schemes}), {Name: "rights", Powers: powersOfNotes}}})
}

// powersOfNotes has one who decides per row.
func powersOfNotes(q db.Querier) (all []string, err error) {
	n, err := countNotes.One(q)
	for i := range n.N {
		all = append(all, fmt.Sprintf("user %d: admin", i+1))
	}
	return all, err
}

// note writes a row.
func (p *program) note() {
	p.t.Helper()
	site, err := p.open(merlon.Env{Data: p.data, Mode: merlon.Test})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := site.Start(context.Background()); err != nil {
		p.t.Fatal(err)
	}
	(&testSite{t: p.t, site: site}).note(1)
	if err := site.Close(context.Background()); err != nil {
		p.t.Fatal(err)
	}
}

// run runs one command and demands its exit code.
func (p *program) run(code int, args ...string) (out, problems string) {
	p.t.Helper()
	var o, e bytes.Buffer
	if got := cli.Run(context.Background(), p.open, append(args, "--data", p.data), &o, &e); got != code {
		p.t.Fatalf("%q: exit %d, want %d\n%s%s", args, got, code, o.String(), e.String())
	}
	return o.String(), e.String()
}

func has(t testing.TB, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestCommands(t *testing.T) {
	p, target := newProgram(t), t.TempDir()
	kit := filepath.Join(t.TempDir(), "kit.html")
	p.run(cli.ExitDone, "migrate", "up")
	for _, args := range [][]string{{"backup", "run"}, {"backup", "list"}, {"backup", "verify"}} {
		_, problems := p.run(cli.ExitCannot, args...)
		has(t, problems, "backup init")
	}
	_, problems := p.run(cli.ExitRefused, "backup", "init", "--to", "file://"+target)
	has(t, problems, "same disk", "--try")
	_, problems = p.run(cli.ExitUsage, "backup", "init", "--to", "target")
	has(t, problems, "file:///")
	_, problems = p.run(cli.ExitCannot, "backup", "init", "--to", "file:///not/there", "--try")
	has(t, problems, "mkdir")
	_, problems = p.run(cli.ExitUsage, "backup", "init", "--to", "file://"+target, "--try", "--mail", "nobody")
	has(t, problems, "--mail")
	_, problems = p.run(cli.ExitRefused, "backup", "init", "--to", "file://"+target, "--try", "--kit", filepath.Join(p.data, "kit.html"))
	has(t, problems, "who takes the data folder")
	_, problems = p.run(cli.ExitCannot, "backup", "init", "--to", "file://"+target, "--try") // no terminal, no kit
	has(t, problems, "--kit")
	if found, _ := filepath.Glob(filepath.Join(target, "*", "chain", "*")); len(found) > 0 {
		t.Errorf("a chain was begun that nobody has the key of: %q", found)
	}

	out, problems := p.run(cli.ExitDone, "backup", "init", "--to", "file://"+target, "--try", "--kit", kit)
	has(t, out, "fingerprint", "WARN", "delete", "every 15 minutes", "a drill every night")
	has(t, problems, kit, "print it twice")
	_, problems = p.run(cli.ExitRefused, "backup", "init", "--to", "file://"+target, "--try", "--kit", kit+"2")
	has(t, problems, "has backups already")
	text, err := os.ReadFile(strings.TrimSuffix(kit, ".html") + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	printed, err := ParseKit(string(text))
	if err != nil || printed.Target != "file://"+target || len(printed.Site) != 16 || printed.Options != nil {
		t.Fatalf("the kit's text: %+v, %v", printed, err)
	}
	key := printed.Recovery()
	for _, path := range objects(t, p.data) {
		if b, _ := os.ReadFile(path); bytes.Contains(b, []byte(key.Reveal())) {
			t.Errorf("%s holds the recovery key", path)
		}
	}

	out, _ = p.run(cli.ExitDone, "backup", "list")
	has(t, out, "no points yet")
	out, _ = p.run(cli.ExitDone, "backup", "run", "--label", "before the move")
	if !regexp.MustCompile(`^point 1   \S+Z   \d+\.\d KB   encrypted   read back and verified   kept until \d{4}-\d\d-\d\d   \d+\.\d s\nreceipt   1:sha256:[0-9a-f]{64}\n$`).MatchString(out) {
		t.Errorf("run says %q", out)
	}
	_, problems = p.run(cli.ExitUsage, "backup", "run", "--label", "a\nb")
	has(t, problems, "--label")
	out, _ = p.run(cli.ExitDone, "backup", "list")
	has(t, out, "POINT", "monthly", " ago (2", "read", "before the move")
	out, _ = p.run(cli.ExitDone, "backup", "verify")
	has(t, out, "PASS    1 point, 1 of them read")

	for _, args := range [][]string{{"backup", "list"}, {"backup", "verify"}, {"backup", "run", "--label", "x"}} {
		out, _ = p.run(cli.ExitDone, append(args, "--json")...)
		var doc map[string]any
		if err := json.Unmarshal([]byte(out), &doc); err != nil || !strings.HasPrefix(doc["schema"].(string), "merlon/backup-"+args[1]) {
			t.Errorf("%q --json: %v\n%s", args, err, out)
		}
	}
	_, problems = p.run(cli.ExitUsage, "backup", "policy", "file")
	has(t, problems, "no policy")
	proveKey(t, p, key)

	data, _ := filepath.Glob(filepath.Join(target, printed.Site, "h", "00000002", "data-*.age"))
	if len(data) != 1 {
		t.Fatalf("%q", data)
	}
	b, err := os.ReadFile(data[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	write(t, data[0], b)
	out, problems = p.run(cli.ExitFailed, "backup", "verify", "--all")
	has(t, out, "FAIL")
	has(t, problems, "h/00000002/"+filepath.Base(data[0])+" is altered")
	out, _ = p.run(cli.ExitDone, "events", "--id", RuleChain.ID)
	has(t, out, RuleChain.ID)
	_, keyFile := kitFiles(kit)
	_, problems = p.run(cli.ExitFailed, "restore", "2", "--into", filepath.Join(t.TempDir(), "a"), "--key-file", keyFile)
	has(t, problems, "point 2 of", "cannot be restored", "take an older one: restore 1, which is of")
}

// proveKey plays the owner: header, code, five wrong ones.
func proveKey(t *testing.T, p *program, key *Recovery) {
	t.Helper()
	_, problems := p.run(cli.ExitFailed, "backup", "verify", "--proof", "AAAAAAAA")
	has(t, problems, "not the code")
	found, _ := filepath.Glob(filepath.Join(p.data, "backup", headerNames))
	if len(found) != 1 {
		t.Fatalf("header files: %q", found)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	h, err := ParseHeader(text)
	if err != nil {
		t.Fatal(err)
	}
	fileKey, err := h.Open(key.Identity())
	if err != nil {
		t.Fatal(err)
	}
	code := ProofCode(fileKey, h.Manifest.Hash())
	out, _ := p.run(cli.ExitDone, "backup", "verify", "--proof", strings.ToLower(code[:4])+" "+code[4:])
	has(t, out, "PASS    your recovery key opens point 1")
	for range 4 { // one was tried before
		p.run(cli.ExitFailed, "backup", "verify", "--proof", code)
	}
	_, problems = p.run(cli.ExitRefused, "backup", "verify", "--proof", code)
	has(t, problems, "five wrong codes")
	out, _ = p.run(cli.ExitDone, "events")
	has(t, out, RuleProven.ID, RuleWrongCode.ID)
	for _, args := range [][]string{{"2"}, {"latest", "--json"}} {
		file := filepath.Join(t.TempDir(), "header.bin")
		out, _ = p.run(cli.ExitDone, append([]string{"backup", "header", "--out", file}, args...)...)
		has(t, out, file)
		if text, err := os.ReadFile(file); err != nil || parsedHeader(t, text).Manifest.Seq != 2 {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestFiveWrongCodesADay(t *testing.T) {
	now := time.Now()
	salt := []byte("salt")
	s := &state{Codes: []codeHash{{3, salt, sumCode(salt, "AAAABBBB")}}}
	for i := range 5 {
		if _, err := s.tryCode("CCCCDDDD", now.Add(time.Duration(i)*time.Hour)); err != ErrCode {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if _, err := s.tryCode("AAAABBBB", now.Add(23*time.Hour)); err != ErrTries {
		t.Errorf("the sixth, which is right: %v", err)
	}
	if seq, err := s.tryCode("aaaa-bbbb", now.Add(24*time.Hour)); seq != 3 || err != nil {
		t.Errorf("a day after the first: %d, %v", seq, err)
	}
	if _, err := s.tryCode("AAAABBBB", now.Add(25*time.Hour)); err != ErrCode {
		t.Errorf("the same code once more: %v", err)
	}
}

// byHand are the commands that open a point without Merlon, as a text names them.
var byHand = regexp.MustCompile(`(?m)^ *(tr .*)\n *(age .*data-….age.*?)(</code></pre>)?$`)

// TestAnyoneCanOpenAPoint opens a point without Merlon, by age, zstd and tar: with the key as each kit prints it, and the
// commands as that kit and the documentation name them.
func TestAnyoneCanOpenAPoint(t *testing.T) {
	agePath, zstd, tar := need.Peer(t, "age"), need.Program(t, "zstd", "zstd"), need.Program(t, "tar", "tar")
	s := chainOf(t, 1)
	s.note(100)
	s.point()
	p := s.points()[1]
	kit := &Kit{Title: "notes", Site: s.store().site, Target: "file://" + s.target, Made: time.Now(), recovery: s.recovery}
	page, err := kit.HTML()
	if err != nil {
		t.Fatal(err)
	}
	text, err := kit.Text()
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../docs/backups.md")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for name, path := range map[string]string{"age": agePath, "zstd": zstd, "tar": tar} {
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	ciphertext := filepath.Join(s.target, s.store().site, p.Folder(), p.Data.Name)
	printed := regexp.MustCompile(`(?m)^(?:<p class="key">)?(AGE-SECR ET.*?)(?:</p>)?$`)
	for name, by := range map[string]struct{ kit, commands string }{"the page": {string(page), html.UnescapeString(string(page))}, "the text": {string(text), string(text)}, "docs/backups.md": {string(text), string(docs)}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			key, commands := printed.FindStringSubmatch(by.kit), byHand.FindStringSubmatch(by.commands)
			if key == nil || commands == nil {
				t.Fatalf("key %d, commands %q in\n%s", len(key), commands, by.commands)
			}
			write(t, filepath.Join(dir, "typed.txt"), []byte(key[1]+"\n"))
			cmd := exec.Command("sh", "-ec", commands[1]+"\n"+strings.Replace(commands[2], "data-….age", "'"+ciphertext+"'", 1))
			cmd.Dir, cmd.Env = dir, []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			holdsNotes(t, dir, 102)
		})
	}
}

// holdsNotes looks at the files of an unpacked point: its list names them all as they are.
func holdsNotes(t *testing.T, dir string, notes int64) {
	t.Helper()
	var in Inner
	text, err := os.ReadFile(filepath.Join(dir, innerName))
	if err != nil {
		t.Fatal(err)
	}
	if err := decodeInner(text, &in); err != nil || in.Tables["note"] != notes {
		t.Errorf("%+v, %v", in, err)
	}
	for _, f := range in.Files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name))
		if err != nil || "sha256:"+f.SHA256 != hashOf(b) {
			t.Errorf("%s: %d bytes, %v", f.Name, len(b), err)
		}
	}
}
