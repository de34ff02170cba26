package backup

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/sqlite"
)

// aDemo is a site that runs as serve --demo runs it.
type aDemo struct {
	t    *testing.T
	site *merlon.Site
	log  logged
	said string // by its parts, when it was up
}

// logged is a log that the site's tasks write.
type logged struct {
	sync.Mutex
	b bytes.Buffer
}

// Write implements [io.Writer].
func (l *logged) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.Lock()
	defer l.Unlock()
	return l.b.String()
}

func demoOn(t *testing.T, data string, mode merlon.Mode, filled bool) *aDemo {
	t.Helper()
	d := &aDemo{t: t}
	fill := merlon.Part{Name: "fill", Demo: func(context.Context, *merlon.House) ([][2]string, error) {
		if _, err := os.Stat(filepath.Join(data, "filled")); err == nil || !filled {
			return nil, nil
		}
		return [][2]string{{"try", "it"}}, os.WriteFile(filepath.Join(data, "filled"), nil, 0o600)
	}}
	site, err := merlon.New(merlon.Env{Data: data, Mode: mode, Log: slog.New(slog.NewTextHandler(&d.log, nil))},
		merlon.Config{Name: "notes", Engine: sqlite.Engine("notes.db"), Schema: noteSchema, Parts: []merlon.Part{New(Config{}), fill}})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.site = site
	t.Cleanup(d.stop)
	if _, err := site.Demo(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines, err := site.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		d.said += l[0] + ": " + l[1] + "\n"
	}
	return d
}

func (d *aDemo) stop() { _ = d.site.Close(context.Background()) }

// waits until something is so, or has the test fail.
func (d *aDemo) waits(what string, is func() bool) {
	d.t.Helper()
	for until := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			d.t.Fatalf("not within 30 seconds: %s\n%s%s", what, d.said, d.log.String())
		}
	}
}

func points(data string) int64 {
	s, err := homeOf(data).readState()
	if err != nil {
		return -1
	}
	return s.Seq
}

// A demo begins a chain by itself, once, says where it lies, and the key is in the kit alone.
func TestDemoBegins(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	place := demoPlaceOf(data)
	page, kit := place.kit()
	d := demoOn(t, data, merlon.Development, true)
	has(t, d.said, "backups: "+place.folder+"   every 15 minutes; a demo, on the disk of the data", "recovery kit: "+kit+" and .html ")
	d.waits("a point", func() bool { return points(data) == 1 })
	text, err := os.ReadFile(kit)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseKit(string(text))
	if err != nil || parsed.Target != "file://"+place.folder {
		t.Fatalf("the kit: %+v, %v", parsed, err)
	}
	key := parsed.recovery
	for path, mode := range map[string]os.FileMode{kit: 0o600, page: 0o600, place.kits: 0o700, place.folder: 0o700, filepath.Join(place.folder, ".gitignore"): 0o600, filepath.Join(place.kits, ".gitignore"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want mode %v", path, info, err, mode)
		}
	}
	has(t, checkIDs(d.site), RuleSameDisk.ID, RuleKeyBeside.ID)
	d.stop()
	secret := key.Reveal()[len(recoveryPrefix):]
	for what, text := range map[string]string{"serve": d.said, "the log": d.log.String()} {
		if strings.Contains(text, secret) || strings.Contains(text, groups(key.Reveal(), 8)) {
			t.Errorf("%s shows the key:\n%s", what, text)
		}
	}
	for _, path := range append(objects(t, data), objects(t, place.folder)...) {
		if b, _ := os.ReadFile(path); bytes.Contains(b, []byte(secret)) {
			t.Errorf("%s holds the recovery key", path)
		}
	}
	if made, _ := filepath.Glob(filepath.Join(data, "drills", "*")); len(made) > 0 {
		t.Errorf("the start of a demo has drilled: %v", made)
	}

	if err := os.Remove(kit); err != nil { // taken elsewhere
		t.Fatal(err)
	}
	before, err := os.ReadFile(homeOf(data).path(settingsFile))
	if err != nil {
		t.Fatal(err)
	}
	again := demoOn(t, data, merlon.Development, true)
	has(t, again.said, "backups: "+place.folder+" ", "recovery kit: not at "+kit+" any more")
	again.stop()
	if after, err := os.ReadFile(homeOf(data).path(settingsFile)); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the second start has begun another chain: %v", err)
	}
	if err := begin(t.Context(), homeOf(data), nil, &Setup{}, key, time.Time{}); err == nil || !strings.Contains(err.Error(), "has backups already") {
		t.Errorf("a second chain: %v", err)
	}
}

// checkIDs are the rules of the findings of all checks.
func checkIDs(s *merlon.Site) (ids string) {
	for _, c := range s.Checks() {
		for _, f := range c.Run(context.Background()) {
			ids += f.ID + " "
		}
	}
	return ids
}

// What is there of other data is kept: the site runs without backups, and says why and what to do.
func TestDemoOverOlder(t *testing.T) {
	for _, ending := range []string{"-backups", "-recovery-kit"} {
		data := filepath.Join(t.TempDir(), "data")
		older := located(data) + ending
		if err := os.WriteFile(older, []byte("older\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, kit := demoPlaceOf(data).kit()
		d := demoOn(t, data, merlon.Development, true)
		has(t, d.said, "backups: none: "+older+" is there already", "nothing is written over", "restore latest --live --confirm-site notes --key-file "+kit)
		if d.site.House() == nil {
			t.Error("the site is down")
		}
		d.stop()
		if beside, _ := filepath.Glob(located(data) + "-*"); len(beside) != 1 {
			t.Errorf("beside the data lie %v", beside)
		}
		if _, err := ReadSetup(data); !errors.Is(err, ErrNotSetUp) {
			t.Errorf("a chain was begun: %v", err)
		}
		if text, err := os.ReadFile(older); err != nil || string(text) != "older\n" {
			t.Errorf("%s is %q, %v", older, text, err)
		}
	}
}

// A start that is cut off, or fails, leaves nothing that the next would take for another's.
func TestDemoCutOff(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	d := demoOn(t, data, merlon.Test, true) // begins none by itself
	over, cancel := context.WithCancel(t.Context())
	cancel()
	unlock, err := homeOf(data).lock()
	if err != nil {
		t.Fatal(err)
	}
	for what, ctx := range map[string]context.Context{"its time is over": over, "another begins one": t.Context()} { // the latter is seen when the kit is written
		if err := beginDemo(ctx, d.site.House()); err == nil {
			t.Errorf("%s: it begins a chain", what)
		}
		if beside, _ := filepath.Glob(located(data) + "-*"); len(beside) != 0 {
			t.Errorf("%s: beside the data lie %v", what, beside)
		}
	}
	unlock()
	if err := beginDemo(t.Context(), d.site.House()); err != nil {
		t.Errorf("the next try: %v", err)
	}
	if err := beginDemo(t.Context(), d.site.House()); err == nil {
		t.Error("a second one is begun")
	}
	_, kit := demoPlaceOf(data).kit()
	if _, err := os.Stat(kit); err != nil {
		t.Errorf("the second one took the kit away: %v", err)
	}
}

// Backups begin by themselves for data to try in development alone.
func TestDemoOfOwnData(t *testing.T) {
	for _, c := range []struct {
		mode   merlon.Mode
		filled bool
	}{{merlon.Development, false}, {merlon.Test, true}} {
		data := filepath.Join(t.TempDir(), "data")
		d := demoOn(t, data, c.mode, c.filled)
		d.stop()
		if beside, _ := filepath.Glob(located(data) + "-*"); d.said != "" || len(beside) != 0 {
			t.Errorf("%+v: %q, %v", c, d.said, beside)
		}
	}
}
