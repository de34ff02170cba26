package backup

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/secret"
)

// A kit's code holds the settings as long as it can be read by a camera; one without them, as older programs made it, is a kit too.
func TestKitCode(t *testing.T) {
	r := known(t)
	kit := &Kit{Title: "notes", Site: "4f1c9a2be07d6633", Target: "s3://bucket/site", Made: time.Now(), recovery: r}
	old := "merlon-recovery 1\n" + r.Reveal() + "\n" + kit.Target + "\n" + kit.Site + "\n"
	if kit.Code() != old {
		t.Errorf("without settings it is %q", kit.Code())
	}
	if got, err := ParseKit(old); err != nil || got.Target != kit.Target || got.Site != kit.Site || got.Options != nil {
		t.Errorf("an older code: %+v, %v", got, err)
	}
	kit.Options = Settings{"credentials": "/etc/site/s3"}
	if kit.Code() != old+"setting   credentials=/etc/site/s3\n" {
		t.Errorf("with settings it is %q", kit.Code())
	}
	for _, folded := range []string{kit.Code(), func() string { text, _ := kit.Text(); return string(text) }()} { // as a browser's field of one line has it
		got, err := ParseKit(strings.ReplaceAll(folded, "\n", ""))
		if err != nil || got.Target != kit.Target || got.Site != kit.Site || !maps.Equal(got.Options, kit.Options) {
			t.Errorf("in one line: %+v, %v", got, err)
		}
	}
	if got, err := ParseKit(strings.ReplaceAll(old, "\n", "")); err != nil || got.Target != kit.Target || got.Site != kit.Site {
		t.Errorf("an older code in one line: %+v, %v", got, err)
	}
	page, err := kit.HTML()
	if err != nil || strings.Contains(string(page), "without the settings") {
		t.Errorf("%v: %s", err, page)
	}
	kit.Options["ca-file"] = "/" + strings.Repeat("x", maxCode)
	if kit.Code() != old {
		t.Errorf("with more than fits it is %q", kit.Code())
	}
	page, err = kit.HTML()
	if err != nil {
		t.Fatal(err)
	}
	has(t, string(page), "without the settings", "ca-file=/xxx", "credentials=/etc/site/s3")
	if text, err := kit.Text(); err != nil || !strings.Contains(string(text), "setting   ca-file=/xxx") {
		t.Errorf("%v: %s", err, text)
	}
}

// What a kit's setting cannot be is told by the number of its line, and its words are not repeated.
func TestKitLines(t *testing.T) {
	r := known(t)
	kit := func(lines ...string) string {
		return "RECOVERY KIT OF notes\n\n" + groups(r.Reveal(), 8) + "\n\ntarget    s3://bucket/site\n" + strings.Join(lines, "\n") + "\nsite      4f1c9a2be07d6633\n"
	}
	for _, c := range []struct {
		line, want string
		at         int
	}{
		{"setting   credentials", "no =", 6},
		{"setting", "no =", 6},
		{"setting   =hunter2", "the name of a setting", 6},
		{"setting   a b=hunter2", "the name of a setting", 6},
		{"setting   x=hunter2\a", "cannot be printed", 6},
		{"setting   x=\xff", "cannot be printed", 6},
		{"setting   x=1\nsetting   x=hunter2", "twice", 7},
		{"setting   password=hunter2", "would be a secret", 6},
		{"setting   secret-key=hunter2", "would be a secret", 6},
		{"setting   AWS_SECRET_ACCESS_KEY=hunter2", "would be a secret", 6},
		{"setting   session_token=hunter2", "would be a secret", 6},
	} {
		got, err := ParseKit(kit(c.line))
		var line *KitLineError
		if got != nil || !errors.As(err, &line) || line.Line != c.at || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %+v, %v", c.line, got, err)
		}
	}
	got, err := ParseKit(strings.ReplaceAll(kit("Setting\tcredentials = /etc/site/s3  ", "setting   key-file=", "setting   token-file=/etc/token"), "\n", "\r\n"))
	if err != nil || !maps.Equal(got.Options, Settings{"credentials": "/etc/site/s3", "key-file": "", "token-file": "/etc/token"}) || got.Target != "s3://bucket/site" || got.Site != "4f1c9a2be07d6633" {
		t.Errorf("%+v, %v", got, err)
	}
	page, err := (&Kit{Title: "notes", Target: "s3://bucket/site?a=b&region=x", Site: "4f1c9a2be07d6633", Options: Settings{"host-key": `SHA256:a+b "x" <y>`}, recovery: r}).HTML()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseKit(string(page)); err != nil || got.Target != "s3://bucket/site?a=b&region=x" || got.Site != "4f1c9a2be07d6633" || !maps.Equal(got.Options, Settings{"host-key": `SHA256:a+b "x" <y>`}) {
		t.Errorf("the page: %+v, %v", got, err)
	}
	for name, options := range map[string]Settings{"a secret": {"secret-key": "hunter2"}, "a line": {"x": "a\nsite      0000000000000000"}, "a space": {"x": " a"}} {
		kit := &Kit{Title: "notes", Site: "4f1c9a2be07d6633", Target: "s3://bucket/site", Options: options, recovery: r}
		if text, err := kit.Text(); err == nil || text != nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s is written: %v: %s", name, err, text)
		}
	}
}

// What was given now goes before the settings of a data folder, and these before those of the kit, which are of one address.
func TestWhichSettingsHold(t *testing.T) {
	k := key{target: "s3://a", options: Settings{"credentials": "kit", "ca-file": "kit"}}
	for _, c := range []struct {
		name           string
		address        string
		given, own     Settings
		options, named Settings
		kit            string
		differ         int
		unused         bool
	}{
		{name: "the kit alone", address: "s3://a", options: k.options, named: k.options, kit: "ca-file=kit credentials=kit"},
		{name: "one is given", address: "s3://a", given: Settings{"ca-file": "now"}, options: Settings{"credentials": "kit", "ca-file": "now"}, named: Settings{"credentials": "kit", "ca-file": "now"}, kit: "credentials=kit", differ: 1},
		{name: "the same is given", address: "s3://a", given: Settings{"ca-file": "kit"}, options: k.options, named: k.options, kit: "credentials=kit"},
		{name: "one is taken away", address: "s3://a", given: Settings{"ca-file": ""}, options: Settings{"credentials": "kit"}, named: Settings{"credentials": "kit"}, kit: "credentials=kit", differ: 1},
		{name: "another place", address: "s3://b", unused: true},
		{name: "another place, given", address: "s3://b", given: Settings{"x": "now"}, options: Settings{"x": "now"}, named: Settings{"x": "now"}, unused: true},
		{name: "the folder's", address: "s3://a", own: Settings{"credentials": "own"}, options: Settings{"credentials": "own"}, named: k.options, differ: 2},
		{name: "the folder has none", address: "s3://a", own: Settings{}, options: nil, named: k.options, differ: 2},
		{name: "the folder's, given", address: "s3://a", given: Settings{"ca-file": "now"}, own: Settings{"credentials": "own"}, options: Settings{"credentials": "own", "ca-file": "now"}, named: Settings{"credentials": "kit", "ca-file": "now"}, differ: 2},
	} {
		got := k.with(c.address, c.given, c.own)
		if !maps.Equal(got.options, c.options) || !maps.Equal(got.named, c.named) || got.kit.line() != c.kit || len(got.differ) != c.differ || got.unused != c.unused {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	if got := (key{}).with("s3://a", nil, nil); got.options != nil || got.named != nil {
		t.Errorf("without a kit: %+v", got)
	}
}

// guarded is a kind of target that opens with the right setting only: a folder behind it.
var guarded = Scheme{Name: "guarded", Example: "guarded:///x", Options: []Option{{Name: "pass-file", Needed: true}}, Open: func(_ context.Context, u *url.URL, s Settings) (Target, error) {
	if _, err := os.Stat(s["pass-file"]); err != nil {
		return nil, &TargetError{Op: "open", Target: u.String(), Kind: ErrAddress, Err: err}
	}
	t, err := openFile(&url.URL{Scheme: "file", Path: u.Path})
	return elsewhere{t, u.String()}, err
}}

type elsewhere struct {
	Target
	address string
}

func (e elsewhere) String() string { return e.address }

// With the kit alone a machine that never saw the site has the settings of the place too; what is given goes before them.
func TestRestoreByTheSettingsOfTheKit(t *testing.T) {
	place, pass := t.TempDir(), filepath.Join(t.TempDir(), "pass")
	write(t, pass, nil)
	p, other := newProgram(t), newProgram(t)
	p.schemes, other.schemes = []Scheme{guarded}, []Scheme{guarded}
	kit := filepath.Join(t.TempDir(), "kit.txt")
	p.run(cli.ExitDone, "migrate", "up")
	_, problems := p.run(cli.ExitUsage, "backup", "init", "--to", "guarded://"+place, "--try", "--kit", kit, "--set", "secret-key=hunter2")
	has(t, problems, "would be a secret")
	p.run(cli.ExitDone, "backup", "init", "--to", "guarded://"+place, "--try", "--kit", kit, "--set", "pass-file="+pass)
	p.note()
	p.run(cli.ExitDone, "backup", "run")

	into := func(name string) string { return filepath.Join(t.TempDir(), name) }
	_, problems = other.run(cli.ExitDone, "restore", "--into", into("a"), "--key-file", kit)
	has(t, problems, "by the kit  pass-file="+pass)
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(pass, moved); err != nil {
		t.Fatal(err)
	}
	_, problems = other.run(cli.ExitUsage, "restore", "--into", into("b"), "--key-file", kit)
	has(t, problems, "from the kit: pass-file="+pass, "--set NAME=VALUE")
	_, problems = other.run(cli.ExitDone, "restore", "--into", into("c"), "--key-file", kit, "--set", "pass-file="+moved)
	has(t, problems, "pass-file="+moved+" is used; the kit says pass-file="+pass)

	text, err := os.ReadFile(kit)
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.txt")
	write(t, broken, bytes.Replace(text, []byte("setting   pass-file="), []byte("setting   pass-file "), 1))
	_, problems = other.run(cli.ExitUsage, "restore", "--into", into("d"), "--key-file", broken)
	has(t, problems, "line 11 of the kit")

	// The page of a new site does the same with what is sent to it.
	r := &rescue{p: &part{cfg: Config{Schemes: []Scheme{guarded}}}}
	find := func(key []byte, settings string) (*fetching, []merlon.Said, error) {
		f, beside, err := r.find(t.Context(), merlon.RescueWish{Settings: settings, Key: secret.New(string(key))})
		if f != nil {
			_ = f.store.target.Close()
		}
		return f, beside.notes, err
	}
	if f, warnings, err := find(text, "pass-file="+moved); err != nil || f.options["pass-file"] != moved || len(warnings) != 1 || warnings[0].ID != "backup.back.kit-differs" {
		t.Errorf("%+v, %v, %v", f, warnings, err)
	}
	if _, _, err := find(text, ""); saidOf(err).ID != "backup.back.address" || !strings.Contains(saidOf(err).Detail, "from the kit") {
		t.Errorf("a setting of the kit that is another here: %v", err)
	}
	write(t, pass, nil)
	if f, warnings, err := find(text, ""); err != nil || f.options["pass-file"] != pass || len(warnings) != 0 {
		t.Errorf("%+v, %v, %v", f, warnings, err)
	}
	if broken, err = "", os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	if _, _, err := find(bytes.Replace(text, []byte("pass-file="), []byte("pass-file "), 1), ""); saidOf(err).ID != "backup.back.kit-line" {
		t.Errorf("a line that cannot be read: %v", err)
	}
}
