package checks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/check/asvs"
	"github.com/merlon-web/merlon/check/build"
	"github.com/merlon-web/merlon/check/host"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/internal/e2e/checks/unlisted"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/passkey"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/throttle"
)

// A row is a check, the broken site that it finds something in, and a piece of the finding's place or words.
type row struct{ id, site, part string }

// broken are the sites, each the sound one with one thing, or one kind of thing, spoilt.
var broken = map[string]func(c *try){
	"pages": func(c *try) {
		c.cfg.Pages, c.cfg.Routes = brokenPages, append(config().Routes, merlon.Post("/delete", merlon.Public(), addNote))
	},
	"page files": func(c *try) { c.cfg.Pages = wrongAttrs },
	"routes":     func(c *try) { c.cfg.Routes = brokenRoutes() },
	"page's roles": func(c *try) {
		c.cfg.Pages, c.cfg.Routes = rolePages, append(config().Routes, merlon.Get("/shelf", account.HasRole("librarian"), member))
	},
	"like roles": func(c *try) {
		c.cfg.Routes = append(config().Routes, merlon.Get("/shelf", account.HasRole("librarian"), member), merlon.Get("/desk", account.HasRole("libarian"), member),
			merlon.Get("/quay", account.HasRole("crew"), member))
	},
	"nobody's name": func(c *try) {
		c.tested = true // beside its Go files, which say which page a handler shows
		c.cfg.Routes = []merlon.Route{merlon.Get("/", merlon.Public(), showNotes), merlon.Post("/", merlon.Public(), addNote)}
	},
	"role name": func(c *try) {
		c.cfg.Routes = append(config().Routes, merlon.Get("/shelf", account.HasRole("Chief Librarian"), member))
	},
	"opened": func(c *try) { c.cfg.Routes = openRoutes() },
	"statements": func(c *try) {
		c.cfg.Schema, c.cfg.Routes = brokenSchema, append(config().Routes, merlon.Post("/row", merlon.Public(), act[rowForm]))
	},
	"little room": func(c *try) {
		c.set.Uploads.User, c.cfg.Routes = 1_000_000, append(config().Routes, merlon.Post("/films", merlon.Public(), act[hoarding]))
	},
	"schema name": func(c *try) { c.cfg.Schema = twiceSchema },
	"migration":   func(c *try) { c.cfg.Schema = badSchema },
	"lax":         func(c *try) { c.cfg.Schema = laxSchema },
	"called":      func(c *try) { c.cfg.Schema, c.tested = calledSchema, true },
	"no limit":    func(c *try) { c.cfg.Schema = noneLimited },
	"files":       func(c *try) { c.cfg.Static = badStatic },
	"no files":    func(c *try) { c.cfg.Static = noStatic },
	"two parts":   func(c *try) { c.cfg.Parts = append(c.cfg.Parts, account.New(account.Config{})) },
	"lone part":   func(c *try) { c.cfg.Parts = []merlon.Part{passkey.New(passkey.Config{})} },
	"unlisted":    func(c *try) { c.cfg.Routes = append(c.cfg.Routes, unlisted.Route) },
	"forgotten":   func(c *try) { c.cfg.Static = nil },
	"texts":       func(c *try) { c.cfg.Texts = badTexts },
	"name":        func(c *try) { c.cfg.Name = "My Shop" },
	"nameless":    func(c *try) { c.cfg.Name = "" },
	"language":    func(c *try) { c.cfg.Lang = "xx" },
	"hosts":       func(c *try) { c.set.Hosts = []string{"*.merlon-web.org"} },
	"proxies":     func(c *try) { c.set.Proxies = []string{"0.0.0.0/0"} },
	"header":      func(c *try) { c.set.ClientHeader = "Host" },
	"no origin":   func(c *try) { c.set.Origin = "" },
	"plain":       func(c *try) { c.set.Origin = "http://shop.merlon-web.org" },
	"other host":  func(c *try) { c.set.Hosts = []string{"www.merlon-web.org"} },
	"local host":  func(c *try) { c.set.Hosts = append(c.set.Hosts, "shop.local") },
	"number": func(c *try) {
		c.set.Origin, c.set.Hosts, c.cfg.Parts = "https://192.0.2.7", []string{"192.0.2.7"}, c.cfg.Parts[:1] // without passkeys, which refuse it
	},
	"sender":        func(c *try) { c.set.Mail.From = "shop@mail.example.net" },
	"wide proxies":  func(c *try) { c.set.Proxies = []string{"10.0.0.0/8"} },
	"no mail":       func(c *try) { c.set.Mail = merlon.MailSettings{} },
	"mail server":   func(c *try) { c.set.Mail.Address = "mail.example.org" },
	"mail plain":    func(c *try) { c.set.Mail.Address = "smtp+plain://mail.example.org:25" },
	"mail from":     func(c *try) { c.set.Mail.From = "shop" },
	"mail password": func(c *try) { c.set.Mail.Address = "smtp://user:word@mail.example.org:587" },
	"no contact":    func(c *try) { c.cfg.Parts = []merlon.Part{account.New(account.Config{})} },
	"no hooks":      func(c *try) { c.cfg.Parts = accounts(password.Params{Memory: 19 << 10, Time: 2}) },
	"cheap hashes":  func(c *try) { c.cfg.Parts, c.refused = accounts(password.Params{Memory: 19 << 10, Time: 1}), true },
	"slow machine":  func(c *try) { c.cfg.Parts, c.clock = accounts(password.Params{}), slowClock() },
	"no admin":      func(c *try) { c.spoil = nil },
	"admins": func(c *try) {
		c.spoil = sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 7)
			INSERT INTO merlon_user (email, name, password, roles, created, verified, chosen) SELECT i || '@example.org', 'x', '', 'admin', 1, 1, 1 FROM n`)
	},
	"users": func(c *try) {
		c.spoil = sql(`INSERT INTO merlon_user (email, name, password, roles, created, chosen) VALUES ('bob@example.org', 'Bob', 'md5$abcd$d8c25f4e9007529faab7b99f19856ffe', 'bord', 1, 1)`)
	},
	"silent list": func(c *try) {
		c.cfg.Parts = []merlon.Part{account.New(account.Config{SecurityContact: "mailto:security@example.org", Hashing: password.Params{Memory: 19 << 10, Time: 2}, Breaches: silentList()})}
		c.spoil = signUpOnce
	},
	"jobs": func(c *try) {
		c.spoil = sql(`INSERT INTO merlon_job (name, state, created, due, argument) VALUES ('gone', 'given up', 1, 1, x''), ('gone', 'waiting', 1, 1, x'')`)
	},
	"mails": func(c *try) {
		c.spoil = sql(`INSERT INTO merlon_mail (recipient, kind, state, created, next_try, content) VALUES ('a@example.org', 'x', 'held', 1, 1, x'')`)
	},
	"chain": func(c *try) {
		c.spoil = sql(`UPDATE merlon_event_chain SET head_link = 3, head_hash = x'00'`)
	},
	"orphan": func(c *try) {
		c.spoil = sql(`PRAGMA foreign_keys = OFF; CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a INTEGER REFERENCES a (id)); INSERT INTO b VALUES (7)`)
	},
	"tail":              func(c *try) { c.spoil = tail },
	"damage":            func(c *try) { c.before = damage },
	"alarm":             func(c *try) { c.spoil = alarm },
	"forwarded":         func(c *try) { c.spoil = forwarded },
	"nameless visitors": func(c *try) { c.spoil = fromHere },
	"folder mode":       func(c *try) { c.spoil = mode("", 0o777) },
	"key mode":          func(c *try) { c.spoil = mode("keys", 0o644) },
	"key text": func(c *try) {
		c.spoil = func(t *testing.T, _ *merlon.Site, d string) { write(t, filepath.Join(d, "keys"), "x\n") }
	},
	"key link": func(c *try) { c.spoil = linkKeys },
	"demo": func(c *try) {
		c.spoil = func(t *testing.T, _ *merlon.Site, d string) { write(t, filepath.Join(d, "demo.json"), "[]\n") }
	},
	"key gone": func(c *try) {
		c.spoil = func(t *testing.T, _ *merlon.Site, d string) { os.Remove(filepath.Join(d, "keys")) }
	},
	"key in git": func(c *try) { c.spoil = trackKeys },
	"key age":    func(c *try) { c.before = oldKeys },
	"root":       fact(func(f *host.Facts) { f.UID, f.Umask = 0, 0o022 }),
	"process":    fact(func(f *host.Facts) { f.Core, f.Files, f.Limit, f.NoNew, f.Ptrace = 1<<20, 256, host.Unlimited, 0, 0 }),
	"caps":       fact(func(f *host.Facts) { f.Caps = 1<<10 | 1<<1 }),
	"limit":      fact(func(f *host.Facts) { f.Limit = 4 << 30 }),
	"environment": fact(func(f *host.Facts) {
		f.Env = []string{"GOTRACEBACK=crash", "GODEBUG=tls10server=1", "LD_PRELOAD=/x.so", "MAIL_PASSWORD=x"}
	}),
	"program":     fact(func(f *host.Facts) { f.Mode, f.Folder = 0o777, 0o777 }),
	"disk":        fact(func(f *host.Facts) { f.Data.Free, f.Data.Inodes, f.Data.Closed = 1<<20, 10, true }),
	"memory disk": fact(func(f *host.Facts) { f.Data.Kind = "tmpfs" }),
	"layer":       fact(func(f *host.Facts) { f.Data.Kind = "overlay" }),
	"network":     fact(func(f *host.Facts) { f.Data.Kind = "nfs" }),
	"open files":  fact(func(f *host.Facts) { f.Data.Open = []string{"shop.db (0644)"} }),
	"clock":       fact(func(f *host.Facts) { f.Synced, f.Now = 0, time.Unix(0, 0) }),
	"swap":        fact(func(f *host.Facts) { f.Swap = "/dev/sda2" }),
	"old go":      built(func(i *build.Info) { i.Go = "go1.22.4" }),
	"old modules": built(func(i *build.Info) {
		i.Build.Deps = []*debug.Module{{Path: "golang.org/x/net", Version: "v0.1.0", Replace: nil}, {Path: "x", Replace: &debug.Module{Path: "../x"}}}
	}),
	"old list": built(func(i *build.Info) { i.Now = build.Known().Add(61 * 24 * time.Hour) }),
	"build": built(func(i *build.Info) {
		i.Build.Settings = []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, {Key: "-race", Value: "true"}, {Key: "-gcflags", Value: "all=-N -l"}, {Key: "CGO_ENABLED", Value: "1"}, {Key: "DefaultGODEBUG", Value: "tls3des=1"}}
	}),
	"certificate name": func(c *try) {
		c.set.Origin, c.set.Hosts = "https://other.merlon-web.org", []string{"other.merlon-web.org"}
	},
	"further host":        func(c *try) { c.set.Hosts = append(c.set.Hosts, "www.merlon-web.org") },
	"certificate missing": func(c *try) { c.asks = true },
	"certificate due":     func(c *try) { c.left = 25 * 24 * time.Hour },
	"certificate late":    func(c *try) { c.left = 6 * 24 * time.Hour },
	"certificate ended":   func(c *try) { c.left = -time.Hour },
	"nothing known":       built(func(i *build.Info) { i.Build = nil }),
}

func fact(change func(*host.Facts)) func(*try) { return func(c *try) { change(&c.facts) } }

func built(change func(*build.Info)) func(*try) { return func(c *try) { change(&c.build) } }

func accounts(p password.Params) []merlon.Part {
	return []merlon.Part{account.New(account.Config{Hashing: p, SecurityContact: "mailto:security@example.org"})}
}

func sql(text string) func(*testing.T, *merlon.Site, string) {
	return func(t *testing.T, _ *merlon.Site, data string) { raw(t, data, text) }
}

func mode(file string, m os.FileMode) func(*testing.T, *merlon.Site, string) {
	return func(t *testing.T, _ *merlon.Site, data string) {
		if err := os.Chmod(filepath.Join(data, file), m); err != nil {
			t.Fatal(err)
		}
	}
}

// damage makes the site's database, with a table that is larger than all else, and overwrites a part of that table.
func damage(t *testing.T, data string) {
	env := merlon.Env{Data: data, Mode: merlon.Test}
	s, err := merlon.New(env, config())
	if err == nil {
		err = s.Start(t.Context())
	}
	if err == nil {
		err = s.Close(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	raw(t, data, `CREATE TABLE large (x TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO large SELECT hex(randomblob(300)) FROM n;
		PRAGMA wal_checkpoint(TRUNCATE)`)
	file := filepath.Join(data, "sound.db")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[len(b)-40960:], bytes.Repeat([]byte{0xff}, 4096))
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// alarm fails more often in one minute than is usual.
func alarm(t *testing.T, s *merlon.Site, _ string) {
	for i := range 25 {
		p, err := s.House().Limits.Reserve(t.Context(), throttle.SignIn(fmt.Sprintf("user%d", i), "", netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}))...)
		if err == nil {
			err = p.Spend(throttle.ForPassword)
		}
		if err == nil {
			err = p.Settle(t.Context(), false)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// forwarded sends a forwarding header as somebody who is no trusted proxy.
func forwarded(t *testing.T, s *merlon.Site, _ string) {
	r := httptest.NewRequest(http.MethodGet, "https://shop.merlon-web.org/", nil)
	r.RemoteAddr = "203.0.113.7:4000"
	r.Header.Set("X-Forwarded-For", "198.51.100.1")
	s.ServeHTTP(httptest.NewRecorder(), r)
}

// fromHere asks a hundred times as a proxy on this machine does that names nobody.
func fromHere(_ *testing.T, s *merlon.Site, _ string) {
	for range 100 {
		r := httptest.NewRequest(http.MethodGet, "https://shop.merlon-web.org/", nil)
		r.RemoteAddr = "127.0.0.1:4000"
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func linkKeys(t *testing.T, _ *merlon.Site, data string) {
	keys := filepath.Join(data, "keys")
	if err := os.Rename(keys, keys+"2"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(keys+"2", keys); err != nil {
		t.Fatal(err)
	}
}

func trackKeys(t *testing.T, _ *merlon.Site, data string) {
	need.Program(t, "git", "git")
	for _, args := range [][]string{{"init", "-q"}, {"add", "-f", "keys"}} {
		if out, err := exec.Command("git", append([]string{"-C", data}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
	}
}

// slowClock passes 400 ms between two looks: what is measured by it takes that long.
func slowClock() func() time.Time {
	var looks atomic.Int64
	began := time.Now()
	return func() time.Time { return began.Add(time.Duration(looks.Add(1)) * 400 * time.Millisecond) }
}

// oldKeys makes the key ring two years before the site starts, behind the empty file that a first start makes before it.
func oldKeys(t *testing.T, data string) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(data, "sound.db"), "")
	if _, err := keyring.Create(filepath.Join(data, "keys"), time.Now().AddDate(-2, 0, 0)); err != nil {
		t.Fatal(err)
	}
}

// tail leaves an event of long ago without its link. The site's own chainer runs each second and would link it, so another
// writer holds the file meanwhile.
func tail(t *testing.T, _ *merlon.Site, data string) {
	c, err := sqlite3.Open(filepath.Join(data, "sound.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := errors.Join(c.BusyTimeout(5*time.Second), c.Exec(`BEGIN IMMEDIATE;
		INSERT INTO merlon_event (at, id, property, outcome, title, request, method, route, client, user_id, detail) VALUES (1, 'x', 'x', 'x', 'x', '', '', '', '', 0, '{}'); COMMIT; BEGIN IMMEDIATE`)); err != nil {
		t.Fatal(err)
	}
}

// TestEveryCheckFindsAndPasses holds each check against a broken site and the sound one, and the table against the checks.
func TestEveryCheckFindsAndPasses(t *testing.T) {
	need.Time(t, "starts a site for each check")
	reports := map[string]check.Report{}
	for name, spoil := range broken {
		c := sound()
		spoil(&c)
		reports[name] = c.report(t)
	}
	reports["script cookie"] = otherProgram(t, "./scriptcookie", header.RuleScriptCookie)
	good := sound().report(t)
	passes := map[string]bool{}
	for _, r := range good {
		if len(r.Findings) > 0 {
			t.Errorf("the sound site has findings: %v", r.Findings)
		}
		passes[r.Rule.ID] = len(r.Findings) == 0
	}
	tested := sound()
	tested.tested = true
	for _, r := range tested.report(t) { // in production the Go files are not looked at
		if r.Rule.ID == db.RuleCalled.ID {
			passes[r.Rule.ID] = len(r.Findings) == 0
		}
	}
	for _, r := range asvs.Rows() {
		if r.State == asvs.Checked && !passes[r.Proof] {
			t.Errorf("ASVS %s is said to be checked by %s, which is no check", r.ID, r.Proof)
		}
	}
	has := map[string]bool{}
	for _, row := range rows() {
		has[row.id] = true
		if reports[row.site] == nil {
			t.Errorf("%s: there is no site %q", row.id, row.site)
			continue
		}
		found := slices.ContainsFunc(reports[row.site].Findings(check.Low), func(f check.Finding) bool {
			return f.ID == row.id && strings.Contains(f.Where+" "+f.What, row.part)
		})
		if !found {
			t.Errorf("%s is not found in %q with %q: %v", row.id, row.site, row.part, about(reports[row.site], row.id))
		}
		if !passes[row.id] {
			t.Errorf("%s: the sound site does not pass it, or is not asked", row.id)
		}
	}
	for name, report := range reports {
		for _, r := range report {
			if !has[r.Rule.ID] {
				t.Errorf("check %s of site %q has no row: nobody has seen that it can fail", r.Rule.ID, name)
				has[r.Rule.ID] = true
			}
		}
	}
	t.Logf("%d checks", len(good))
	if len(good) < 70 {
		t.Errorf("%d checks, want at least 70", len(good))
	}
}

// otherProgram has a program report on its own site: what is declared for a whole program.
func otherProgram(t *testing.T, program string, rule check.Rule) check.Report {
	t.Helper()
	out, err := exec.Command("go", "run", program, "check", "--data", filepath.Join(t.TempDir(), "data"), "--only", rule.ID, "--json").Output()
	var doc struct{ Findings []check.Finding }
	if jsonErr := json.Unmarshal(out, &doc); err != nil || jsonErr != nil {
		t.Fatalf("%s: %v, %v: %s", program, err, jsonErr, out)
	}
	return check.Report{{Rule: rule, Findings: doc.Findings}}
}

// about is what a report has of one rule.
func about(r check.Report, id string) check.Report {
	return slices.DeleteFunc(slices.Clone(r), func(one check.Result) bool { return one.Rule.ID != id })
}
