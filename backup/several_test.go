package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/sqlite"
)

// twoChains is a site that began its backups anew at the same place, as one does whose sheet was lost: the first chain has a point
// of one note, the second two points, of two notes and of three.
type twoChains struct {
	p     *program
	at    string
	kits  [2]string // texts
	keys  [2]string // files with the recovery key alone, as it is typed
	sites [2]string
	key   string // a file with the key of the first point of the second chain
	known string // its receipt
}

func newTwoChains(t *testing.T) *twoChains {
	t.Helper()
	dir := t.TempDir()
	c := &twoChains{p: newProgram(t), at: "file://" + t.TempDir()}
	c.p.run(cli.ExitDone, "migrate", "up")
	for i := range 2 {
		kit := filepath.Join(dir, "kit"+string(rune('1'+i))+".html")
		c.p.run(cli.ExitDone, "backup", "init", "--to", c.at, "--try", "--kit", kit)
		_, c.kits[i] = kitFiles(kit)
		r := recoveryOfKit(t, c.kits[i])
		c.keys[i] = filepath.Join(dir, "typed"+string(rune('1'+i)))
		write(t, c.keys[i], []byte(groups(r.Reveal(), 8)))
		setup, err := ReadSetup(c.p.data)
		if err != nil {
			t.Fatal(err)
		}
		c.sites[i] = setup.Site
		c.p.note()
		out, _ := c.p.run(cli.ExitDone, "backup", "run")
		if i == 0 {
			if err := os.Rename(filepath.Join(c.p.data, "backup"), filepath.Join(dir, "backup.old")); err != nil {
				t.Fatal(err)
			}
			continue
		}
		c.known = receiptOf(t, out)
		header := filepath.Join(dir, "header")
		c.p.run(cli.ExitDone, "backup", "header", "1", "--out", header)
		text, err := os.ReadFile(header)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := parsedHeader(t, text).Open(r.Identity())
		if err != nil {
			t.Fatal(err)
		}
		c.key = filepath.Join(dir, "point")
		write(t, c.key, []byte(FormatPointKey(opened)))
		c.p.note()
		c.p.run(cli.ExitDone, "backup", "run")
	}
	return c
}

func recoveryOfKit(t *testing.T, path string) *Recovery {
	t.Helper()
	kit, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseRecovery(string(kit))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A point key tells no chain: where two lie the owner names one, and the refusal says how.
func TestPointKeyWhereTwoChainsLie(t *testing.T) {
	c, other := newTwoChains(t), newProgram(t)
	into := func(name string) string { return filepath.Join(filepath.Dir(other.data), name) }
	restore := func(name string, more ...string) []string {
		return append([]string{"restore", "1", "--from", c.at, "--receipt", c.known, "--into", into(name), "--key-file", c.key}, more...)
	}
	_, problems := other.run(cli.ExitFailed, restore("a")...)
	has(t, problems, "2 sites have backups at "+c.at, "nothing was restored", "--site "+c.sites[0]+"   newest point put 20", "--site "+c.sites[1]+"   newest point put 20", "prove nothing")
	if strings.Index(problems, c.sites[1]) > strings.Index(problems, c.sites[0]) {
		t.Errorf("the chain that had a point last is not the first: %s", problems)
	}
	out, problems := other.run(cli.ExitDone, restore("a", "--site", c.sites[1])...)
	has(t, out, "note 2")
	has(t, problems, "a point key cannot tell who began the chain")
	_, problems = other.run(cli.ExitRefused, restore("b", "--site", c.sites[0])...) // which has another point 1
	has(t, problems, "your receipt names point 1")
	_, problems = other.run(cli.ExitUsage, restore("b", "--site", "shop")...)
	has(t, problems, "--site takes the id of a site", `"shop" is none`)
	_, problems = other.run(cli.ExitCannot, restore("b", "--site", "0123456789abcdef")...)
	has(t, problems, "the site 0123456789abcdef has no backups")

	// On the server itself a point key is of the chain in the settings, unless another one is named.
	out, _ = c.p.run(cli.ExitDone, "restore", "1", "--into", into("c"), "--key-file", c.key)
	has(t, out, "note 2")
	_, problems = c.p.run(cli.ExitFailed, "restore", "1", "--into", into("d"), "--key-file", c.key, "--site", c.sites[0])
	has(t, problems, "WARN    this site makes its backups as "+c.sites[1]+"; what is restored is the chain of "+c.sites[0], "a point key cannot tell who began the chain", "the point key is another point's")

	// What is named goes before the kit, and that is told.
	_, problems = other.run(cli.ExitFailed, "restore", "--into", into("e"), "--key-file", c.kits[1], "--site", c.sites[0])
	has(t, problems, "WARN    the site "+c.sites[0]+" is used, as --site says; the kit is that of "+c.sites[1], "another recovery key began it")
}

// The kit of the chain before opens that one, whatever the settings say: alone, and on the server too.
func TestTheKitFromBefore(t *testing.T) {
	c := newTwoChains(t)
	into := func(name string) string { return filepath.Join(filepath.Dir(c.p.data), name) }
	for name, args := range map[string][]string{
		"typed": {"--key-file", c.keys[0]}, "typed-from": {"--key-file", c.keys[0], "--from", c.at}, "kit": {"--key-file", c.kits[0]}, "named": {"--key-file", c.keys[0], "--site", c.sites[0]},
	} {
		out, problems := c.p.run(cli.ExitDone, append([]string{"restore", "1", "--into", into(name)}, args...)...)
		has(t, out, "note 1")
		has(t, problems, "WARN    this site makes its backups as "+c.sites[1]+"; what is restored is the chain of "+c.sites[0])
		if strings.Contains(problems, "foreign") || strings.Contains(problems, "sealed to the key that was given") {
			t.Errorf("%s: %s", name, problems)
		}
	}
	out, problems := c.p.run(cli.ExitDone, "restore", "--into", into("new"), "--key-file", c.keys[1])
	has(t, out, "note 3")
	if strings.Contains(problems, "WARN") {
		t.Errorf("the key of the settings' chain: %s", problems)
	}
	// The kit's own place is meant, where the settings are of another chain at another one.
	elsewhere := newProgram(t)
	elsewhere.run(cli.ExitDone, "migrate", "up")
	elsewhere.run(cli.ExitDone, "backup", "init", "--to", "file://"+t.TempDir(), "--try", "--kit", filepath.Join(t.TempDir(), "kit.html"))
	out, _ = elsewhere.run(cli.ExitDone, "restore", "--into", filepath.Join(t.TempDir(), "x"), "--key-file", c.kits[0])
	has(t, out, "note 1")
	// A point that only the chain before has is no reason to ask for no key.
	_, problems = c.p.run(cli.ExitCannot, "restore", "9", "--into", into("y"))
	has(t, problems, "WARN    the chain that this site goes on with, "+c.sites[1]+", has no point 9", "recovery key")
	_, problems = c.p.run(cli.ExitFailed, "restore", "9", "--into", into("y"), "--site", c.sites[1])
	has(t, problems, "there is no point 9 here")

	out, problems = c.p.run(cli.ExitDone, "restore", "--live", "--confirm-site", "notes", "--key-file", c.keys[0])
	has(t, out, "note 1", "backups go on to "+c.at)
	has(t, problems, "sealed to the key that was given")
	if setup, err := ReadSetup(c.p.data); err != nil || setup.Site != c.sites[0] {
		t.Errorf("%+v, %v", setup, err)
	}
	c.p.note()
	c.p.run(cli.ExitDone, "backup", "run")
}

// The page on which a site is got back tells the sites that can be chosen, and takes the one that is named.
func TestTheSetUpPageWhereTwoChainsLie(t *testing.T) {
	c := newTwoChains(t)
	r := &rescue{p: &part{}}
	find := func(file, site string) (f *fetching, said merlon.Said, warned string) {
		t.Helper()
		key, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, beside, err := r.find(t.Context(), merlon.RescueWish{Address: c.at, Site: site, Key: secret.New(string(key))})
		if err != nil {
			return nil, saidOf(err), ""
		}
		t.Cleanup(func() { _ = f.store.target.Close() })
		if len(beside.faults) > 0 {
			t.Errorf("what is no fault is told as one: %v", beside.faults)
		}
		for _, w := range beside.notes {
			warned += w.ID + " "
		}
		return f, merlon.Said{}, warned
	}
	_, said, _ := find(c.key, "")
	if said.ID != "backup.back.several" || len(said.Lines) != 2 || said.Lines[0].Args[0] != c.sites[1] || !strings.Contains(said.Lines[1].Error(), c.sites[0]+": its newest backup came there on 20") {
		t.Errorf("%+v", said)
	}
	if f, said, warned := find(c.key, c.sites[1]); f == nil || f.store.site != c.sites[1] || warned != "backup.back.unsure " {
		t.Errorf("%+v, %+v, %s", f, said, warned)
	}
	if f, said, _ := find(c.keys[0], ""); f == nil || f.store.site != c.sites[0] {
		t.Errorf("the key that began one of them: %+v, %+v", f, said)
	}
	if _, said, _ := find(c.kits[0], c.sites[1]); said.ID != "backup.back.unproven" {
		t.Errorf("another one than the kit's: %+v", said)
	}
	if _, said, _ := find(c.key, "98DD"); said.ID != "backup.back.site" {
		t.Errorf("no id: %+v", said)
	}
	if _, said, _ := find(c.key, "0123456789abcdef"); said.ID != "backup.back.site-nothing" {
		t.Errorf("a site that is not there: %+v", said)
	}
	stranger, err := NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	typed := filepath.Join(t.TempDir(), "typed")
	write(t, typed, []byte(stranger.Reveal()))
	if _, said, _ := find(typed, ""); said.ID != "backup.back.several-none" || len(said.Lines) != 2 {
		t.Errorf("a key that began none: %+v", said)
	}
	for _, id := range []string{"several", "several-none", "several-one", "several-empty", "several-more", "site", "site-nothing", "site-differs", "inner"} {
		for _, lang := range []string{"en", "de"} {
			if _, ok := text.Own().Message(lang, "backup.back."+id); !ok {
				t.Errorf("%s has no words in %s", id, lang)
			}
		}
	}
}

// Many sites at a place make no long message of it.
func TestManySitesAreToldInShort(t *testing.T) {
	e := &severalError{target: "file:///x", none: true, looked: 20}
	for range 2 * mostTold {
		e.sites = append(e.sites, siteHere{id: newSite()})
	}
	has(t, e.Error(), "and 10 more", "no point yet")
	if n := len(e.said().Lines); n != mostTold+1 {
		t.Errorf("%d lines", n)
	}
	e.looked = 5
	has(t, e.Error(), "none of the 5 that were looked at")
}

// broken panics when data is fetched.
type broken struct{ Target }

func (b broken) Get(ctx context.Context, o Object) (io.ReadCloser, error) {
	if strings.HasSuffix(o.Name, ".age") {
		panic("a mistake in the program")
	}
	return b.Target.Get(ctx, o)
}

func brokenScheme(from func(Target) Target) Scheme {
	return Scheme{Name: "broken", Example: "broken:///x", Open: func(ctx context.Context, u *url.URL, _ Settings) (Target, error) {
		t, err := OpenTarget(ctx, "file://"+u.Path, nil, nil)
		if err != nil {
			return nil, err
		}
		return from(t), nil
	}}
}

// A mistake of the program ends the getting back of a site, and neither the new site nor the page.
func TestAPanicEndsTheRescueAlone(t *testing.T) {
	c := newTwoChains(t)
	key, err := os.ReadFile(c.kits[1])
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]func(Target) Target{
		"fetching": func(t Target) Target { return broken{t} },
		"looking":  func(Target) Target { panic("a mistake in the program") },
	} {
		var log bytes.Buffer
		p, site := newHomeless(t, Config{Schemes: []Scheme{brokenScheme(from)}}, &log)
		data := site.House().Data
		r := &rescue{p: p}
		err = r.begin(t.Context(), site.House(), merlon.RescueWish{Address: "broken://" + strings.TrimPrefix(c.at, "file://"), Key: secret.New(string(key))})
		var said merlon.Said
		if name == "looking" && (!errors.As(err, &said) || said.ID != "backup.back.inner") || name != "looking" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for until := time.Now().Add(30 * time.Second); r.state().Running; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("%s: it is still said to run", name)
			}
		}
		if at := r.state(); at.Problem.ID != "backup.back.inner" {
			t.Errorf("%s: %+v", name, at)
		}
		if err := site.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		has(t, log.String(), "a mistake in the program", "several_test.go")
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(data), ".*restore*")); len(left) > 0 {
			t.Errorf("%s: a copy of the data is left: %q", name, left)
		}
	}
}

// newHomeless is a site without data that is up, and can be replaced by one that comes from a backup.
func newHomeless(t *testing.T, cfg Config, log io.Writer) (*part, *merlon.Site) {
	t.Helper()
	p, part := newPart(cfg)
	part.Tasks = nil
	var open func(env merlon.Env) (*merlon.Site, error)
	open = func(env merlon.Env) (*merlon.Site, error) {
		env.Log = slog.New(slog.NewTextHandler(log, nil))
		env.Again = func(data string, mode merlon.Mode) (*merlon.Site, error) {
			return open(merlon.Env{Data: data, Mode: mode})
		}
		return merlon.New(env, merlon.Config{Name: "notes", Engine: sqlite.Engine("notes.db"), Schema: noteSchema, Parts: []merlon.Part{part}})
	}
	site, err := open(merlon.Env{Data: filepath.Join(t.TempDir(), "data"), Mode: merlon.Test})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p, site
}
