package restore_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/examples/club/site/sitetest"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/s3peer"
)

// lost is a club with a point, and what a visitor of it remembers.
type lost struct {
	home   *home
	target string
	kit    string
	place  map[string]string // of the set-up page's form
	pasted bool              // the whole kit is, in the place of the key
	cookie []string
	reset  string
	photo  string // where the upload of a member is,
	pixels string // and what it is
}

// loseClub runs a club, has a visitor use it, and makes a point.
func loseClub(t *testing.T) *lost {
	t.Helper()
	target := t.TempDir()
	if err := os.Chmod(target, 0o700); err != nil {
		t.Fatal(err)
	}
	l := loseTo(t, newHome(t), "file://"+target)
	l.target = target
	return l
}

// photos are the addresses of members' photos.
var photos = regexp.MustCompile(`/members/[0-9]+/photo`)

// loseTo has the point at an address, with settings of init.
func loseTo(t *testing.T, h *home, address string, settings ...string) *lost {
	t.Helper()
	l := &lost{home: h, kit: filepath.Join(t.TempDir(), "kit.html"), place: map[string]string{"Address": address}}
	if len(settings) == 2 {
		l.place["Settings"] = settings[1]
	}
	if err := os.Mkdir(l.home.data()+"-backups", 0o700); err != nil { // a demo begins no chain of its own then: see TestLoseDemo
		t.Fatal(err)
	}
	s := l.home.serve("--demo")
	ann := s.visitor()
	ann.signIn("ann@club.example")
	ann.get("/news/1")
	if ann.submit("/news/1/comments", map[string]string{"Text": said}) != 200 || !ann.Has(said) {
		t.Fatalf("the comment is not there: %s", ann.Text())
	}
	ann.get("/profile")
	if status := ann.attach("/profile/photo", "Photo", sitetest.Photo(t)); status != 303 {
		t.Fatalf("the photo: %d", status)
	}
	ann.get("/profile")
	if l.photo = photos.FindString(ann.Body()); l.photo == "" || ann.get(l.photo) != 200 {
		t.Fatalf("the photo is not there: %q", l.photo)
	}
	l.pixels = ann.Body()
	l.cookie = ann.Cookies()
	anybody := s.visitor()
	anybody.get("/account/reset/ask")
	anybody.submit("/account/reset/ask", map[string]string{"Email": "ben@club.example"})
	l.reset = anybody.link("A new password")
	if s.visitor().get(l.reset) != 200 {
		t.Fatal("the link does not work before the loss")
	}
	l.home.run(0, append([]string{"backup", "init", "--to", address, "--try", "--kit", l.kit}, settings...)...)
	l.kit = strings.TrimSuffix(l.kit, ".html") + ".txt"
	out, _ := l.home.run(0, "backup", "run")
	if !strings.Contains(out, "read back and verified") {
		t.Fatalf("the point: %s", out)
	}
	s.stop()
	return l
}

// With the kit alone, on a machine that never saw the site, users are back, and what must not come back is not.
func TestLoseEverything(t *testing.T) {
	need.Time(t, "loses a club and gets it back on another machine")
	l := loseClub(t)
	if out, _ := l.home.run(0, "drill"); !strings.Contains(out, "PASS") || !strings.Contains(out, "keys, 1 upload, sign-in of") || !strings.Contains(out, " pages, a post;") {
		t.Fatalf("the drill: %s", out)
	}
	if err := os.RemoveAll(l.home.data()); err != nil {
		t.Fatal(err)
	}
	other := newHome(t)
	for _, wrong := range [][]string{{"--live"}, {"--live", "--confirm-site", "shop"}} {
		if _, errOut := other.run(4, append([]string{"restore", "latest", "--key-file", l.kit}, wrong...)...); !strings.Contains(errOut, "--confirm-site club") {
			t.Errorf("%v: %s", wrong, errOut)
		}
	}
	out, errOut := other.run(0, "restore", "latest", "--live", "--confirm-site", "club", "--key-file", l.kit)
	for _, want := range []string{"site is back: 50 users", "comment 11", "All sessions were ended", "mail", "lost: what happened after", "took"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	if !strings.Contains(errOut, "newest here is point") {
		t.Errorf("progress: %s", errOut)
	}

	s := other.serve()
	l.comeBack(t, s)
	mailsHeld(t, other)
	// the site that is running is refused, and named
	if _, errOut := other.run(3, "restore", "--live", "--confirm-site", "club", "--key-file", l.kit); !strings.Contains(errOut, "running") {
		t.Errorf("over a running site: %s", errOut)
	}
	// its chain goes on
	if out, _ := other.run(0, "backup", "run"); !strings.Contains(out, "point") {
		t.Errorf("the next point: %s", out)
	}
	other.run(0, "backup", "verify", "--all")
	s.stop()
	out, _ = other.run(0, "restore", "--key-file", l.kit)
	at := strings.TrimSuffix(strings.Fields(out)[2], ":")
	if _, err := os.Stat(filepath.Join(other.path, at, "club.db")); err != nil || !strings.HasPrefix(at, "data.restored-") {
		t.Errorf("without --live: %s, %v", out, err)
	}
}

// A newest point of noise fails drill, verify and restore, and is named; an older one is restored.
func TestNoise(t *testing.T) {
	need.Time(t, "loses and restores a whole club a second time")
	l := loseClub(t)
	l.home.run(0, "backup", "run", "--label", "the newest")
	contents := map[string]func(whole []byte) []byte{
		"noise": func(whole []byte) []byte {
			noise := make([]byte, len(whole))
			_, _ = rand.Read(noise)
			return noise
		},
		"one bit": flipped,
		"cut":     func(whole []byte) []byte { return whole[:len(whole)-1] },
	}
	spoiled := 0
	for name, content := range contents {
		newest, folder := l.newest(t) // each drill makes a point
		number := strings.TrimLeft(folder, "0")
		whole, err := os.ReadFile(newest)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(newest, content(whole), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"drill"}, {"backup", "verify", "--all"}, {"restore", number, "--key-file", l.kit}} {
			out, errOut := l.home.run(1, args...)
			if both := out + errOut; !strings.Contains(both, folder) && !strings.Contains(both, "point "+number+" ") {
				t.Errorf("%s: %v does not name the point %s: %s", name, args, number, both)
			}
		}
		if after, _ := l.newest(t); after == newest {
			t.Errorf("%s: the drill has made no point of its own", name)
		}
		if name == "cut" { // the chain itself tells, each time
			if err := os.WriteFile(newest, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		spoiled++
	}
	if out, _ := l.home.run(0, "drill"); !strings.Contains(out, "PASS") { // the newest is whole again; the others are known
		t.Errorf("the drill after: %s", out)
	}
	if found := backupFindings(t, l.home); !slices.Contains(found, "MRL-BACK-027") {
		t.Errorf("check finds %v", found)
	}
	l.home.run(1, "backup", "verify", "--all") // reads the one that is whole again too
	if out, _ := l.home.run(0, "backup", "list"); strings.Count(out, "(damaged)") != spoiled {
		t.Errorf("of %d damaged points list says %s", spoiled, out)
	}
	evidence, err := filepath.Glob(filepath.Join(l.home.data(), "drills", "*.json"))
	if err != nil || len(evidence) != 4 {
		t.Fatalf("evidence: %v, %v", evidence, err)
	}
	text, err := os.ReadFile(evidence[2])
	if err != nil || !bytes.Contains(text, []byte(`"outcome": "fail"`)) || !bytes.Contains(text, []byte(`"prev": "sha256:`)) {
		t.Errorf("the evidence: %s, %v", text, err)
	}
	if out, _ := l.home.run(0, "events", "--id", "MRL-BACK-022"); !strings.Contains(out, "a drill failed") {
		t.Errorf("no event of it: %s", out)
	}
	l.home.run(0, "restore", "1", "--into", "older", "--key-file", l.kit)
	if left, _ := filepath.Glob(filepath.Join(l.home.path, ".*restore-*")); len(left) != 0 {
		t.Errorf("plain copies are left: %v", left)
	}
}

// newest is the file of the newest point's data, and the number in its name.
func (l *lost) newest(t *testing.T) (path, number string) {
	t.Helper()
	for _, one := range glob(t, l.target, "*/*/*/data-*.age") {
		if n := filepath.Base(filepath.Dir(one)); n > number {
			path, number = one, n
		}
	}
	if path == "" {
		t.Fatal("there is no point")
	}
	return path, number
}

func flipped(b []byte) []byte {
	b = slices.Clone(b)
	b[len(b)/2] ^= 1
	return b
}

// The set-up page of a new site gets the old one back, as the command does.
func TestSetUpPageRestores(t *testing.T) {
	l := loseClub(t)
	l.later(t)
	setUpPageRestores(t, l, newHome(t))
}

// later makes an hourly point, which leaves the upload to the one before it.
func (l *lost) later(t *testing.T) {
	t.Helper()
	l.home.run(0, "backup", "run", "--label", "later")
	out, _ := l.home.run(0, "backup", "list", "--json")
	if !regexp.MustCompile(`"base": *"1:sha256:`).MatchString(out) {
		t.Fatalf("the newest point has no base: %s", out)
	}
}

// comeBack looks at a restored site as those who knew it: cookies and links from before are void, rows are there. It returns a
// member who has signed in.
func (l *lost) comeBack(t *testing.T, s *served) *visitor {
	t.Helper()
	thief := s.visitor()
	for _, c := range l.cookie {
		thief.SetCookie(c)
	}
	if thief.get("/profile"); thief.Path() == "/profile" {
		t.Error("the cookie from before opens the profile")
	}
	if status := s.visitor().get(l.reset); status != 410 {
		t.Errorf("the reset link from before answers %d", status)
	}
	ann := s.visitor()
	ann.signIn("ann@club.example")
	if ann.get("/news/1") != 200 || !ann.Has(said) {
		t.Error("the comment is gone")
	}
	if ann.get(l.photo) != 200 || ann.Body() != l.pixels {
		t.Error("the upload is gone, or another")
	}
	return ann
}

// mailsHeld demands that what waited is held, and that the mail with the reset link is dropped.
func mailsHeld(t *testing.T, h *home) {
	t.Helper()
	mails, _ := h.run(0, "mail", "list", "--json")
	var list struct {
		Mails []struct{ Kind, State string }
	}
	if err := json.Unmarshal([]byte(mails), &list); err != nil {
		t.Fatal(err)
	}
	states := map[string]int{}
	for _, m := range list.Mails {
		states[m.Kind+" "+m.State]++
	}
	if states["account held"] == 0 || states["account link failed"] != 1 || states["account link queued"]+states["account link held"] != 0 {
		t.Errorf("mails: %v, want the reset mail dropped and what was queued before held", states)
	}
}

// The same of a site whose backups lie where the site needs a file to get in.
func TestSetUpPageRestoresFromABucket(t *testing.T) {
	need.Time(t, "loses a club that backs up to a bucket, and restores it by the page")
	server := s3peer.Start(t)
	server.Bucket("club-points", true)
	h, other := newHome(t), newHome(t)
	h.program = need.Built(t, "internal/e2e/restore/bucketclub")
	other.program = h.program
	keys := s3peer.Keys(t, s3peer.Owner, s3peer.OwnerSecret)["credentials"]
	l := loseTo(t, h, server.Address("club-points", "base"), "--set", "credentials="+keys)
	l.later(t)
	// A machine that never saw the site needs the kit alone, and the file that it names.
	third := newHome(t)
	third.program = h.program
	if _, errOut := third.run(0, "restore", "--into", "by-the-kit", "--key-file", l.kit); !strings.Contains(errOut, "by the kit  credentials="+keys) {
		t.Errorf("by the kit: %s", errOut)
	}
	// Where that file is not, it is said what named it; the credentials may come from the environment.
	gone := keys + "-gone"
	if err := os.Rename(keys, gone); err != nil {
		t.Fatal(err)
	}
	if _, errOut := third.run(2, "restore", "--into", "by-nothing", "--key-file", l.kit); !strings.Contains(errOut, "from the kit: credentials="+keys) {
		t.Errorf("without the file: %s", errOut)
	}
	third.env = []string{"AWS_ACCESS_KEY_ID=" + s3peer.Owner, "AWS_SECRET_ACCESS_KEY=" + s3peer.OwnerSecret}
	if _, errOut := third.run(0, "restore", "--into", "by-the-environment", "--key-file", l.kit, "--set", "credentials="); !strings.Contains(errOut, "no credentials is used; the kit says credentials="+keys) {
		t.Errorf("by the environment: %s", errOut)
	}
	if err := os.Rename(gone, keys); err != nil {
		t.Fatal(err)
	}
	l.place, l.pasted = map[string]string{}, true
	setUpPageRestores(t, l, other)
	if out, _ := other.run(0, "backup", "run", "--label", "after"); !strings.Contains(out, "read back and verified") { // its chain goes on, by the same settings
		t.Errorf("the next point: %s", out)
	}
}

// typed is what is typed into the set-up page: the place, as the kit has it, and a key.
func (l *lost) typed(key string) map[string]string {
	values := maps.Clone(l.place)
	values["Key"] = key
	return values
}

func setUpPageRestores(t *testing.T, l *lost, other *home) {
	kit, err := os.ReadFile(l.kit)
	if err != nil {
		t.Fatal(err)
	}
	s := other.serve()
	setup := ""
	for _, line := range s.lines {
		if at := strings.Index(line, "/_merlon/setup/"); at >= 0 {
			setup = strings.Fields(line[at:])[0]
		}
	}
	if status := s.visitor().get("/_merlon/setup/from-backup"); status != 410 {
		t.Errorf("without the link the page answers %d", status)
	}
	v := s.visitor()
	if v.get(setup) != 200 || !slices.Contains(v.Links(), "/_merlon/setup/from-backup") {
		t.Fatalf("the set-up page offers nothing: %s", v.Text())
	}
	v.get("/_merlon/setup/from-backup")
	if status := v.submit("/_merlon/setup/from-backup", l.typed("something else")); status != 422 || !v.Has("neither a recovery key") {
		t.Errorf("a wrong key: %d %s", status, v.Text())
	}
	key := keyOf(string(kit))
	if l.pasted { // into a field of one line
		key = strings.ReplaceAll(string(kit), "\n", "")
	}
	if status := v.submit("/_merlon/setup/from-backup", l.typed(key)); status != 200 {
		t.Fatalf("the right key: %d %s", status, v.Text())
	}
	until := time.Now().Add(2 * time.Minute)
	for !v.Has("The site is back") {
		if time.Now().After(until) {
			t.Fatalf("the site is not back: %s at %s", v.Text(), v.Path())
		}
		time.Sleep(200 * time.Millisecond)
		_, _ = v.Get(t.Context(), "/_merlon/setup/from-backup") // for a moment nobody listens
	}
	if !v.Has("What happened after that is lost") || !v.Has("mail release") || !slices.Contains(v.Links(), "/sign-in") {
		t.Errorf("the page of what came of it: %s", v.Text())
	}
	l.comeBack(t, s)
	mailsHeld(t, other)
	if out, _ := other.run(0, "events", "--id", "MRL-RST-001", "--json"); !strings.Contains(out, "set-up page") {
		t.Errorf("the record: %s", out)
	}
	if kept := glob(t, other.path, "data.before-restore-*"); len(kept) != 1 {
		t.Errorf("the new site's data is not kept: %v", kept)
	}
}

// keyOf is the recovery key of a kit's text.
func keyOf(kit string) string {
	for line := range strings.Lines(kit) {
		if strings.HasPrefix(line, "AGE-SECR") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
