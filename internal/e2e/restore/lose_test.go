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
	found, err := filepath.Glob(filepath.Join(l.target, "*", "*", "*", "data-*.age"))
	if err != nil || len(found) < 2 {
		t.Fatal(found, err)
	}
	slices.SortFunc(found, func(a, b string) int {
		return strings.Compare(filepath.Base(filepath.Dir(a)), filepath.Base(filepath.Dir(b)))
	})
	newest := found[len(found)-1]
	whole, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, len(whole))
	_, _ = rand.Read(noise)
	for name, content := range map[string][]byte{"noise": noise, "one bit": flipped(whole), "cut": whole[:len(whole)-1]} {
		if err := os.WriteFile(newest, content, 0o600); err != nil {
			t.Fatal(err)
		}
		number := filepath.Base(filepath.Dir(newest)) // 00000002
		for _, args := range [][]string{{"drill"}, {"backup", "verify", "--all"}, {"restore", "2", "--key-file", l.kit}} {
			out, errOut := l.home.run(1, args...)
			if both := out + errOut; !strings.Contains(both, number) && !strings.Contains(both, "point 2") {
				t.Errorf("%s: %v does not name the point: %s", name, args, both)
			}
		}
	}
	evidence, err := filepath.Glob(filepath.Join(l.home.data(), "drills", "*.json"))
	if err != nil || len(evidence) != 3 {
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

func flipped(b []byte) []byte {
	b = slices.Clone(b)
	b[len(b)/2] ^= 1
	return b
}

// The set-up page of a new site gets the old one back, as the command does.
func TestSetUpPageRestores(t *testing.T) {
	setUpPageRestores(t, loseClub(t), newHome(t))
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
	setUpPageRestores(t, loseTo(t, h, server.Address("club-points", "base"), "--set", "credentials="+s3peer.Keys(t, s3peer.Owner, s3peer.OwnerSecret)["credentials"]), other)
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
	if status := v.submit("/_merlon/setup/from-backup", l.typed(keyOf(string(kit)))); status != 200 {
		t.Fatalf("the right key: %d %s", status, v.Text())
	}
	until := time.Now().Add(2 * time.Minute)
	for v.Path() != "/sign-in" {
		if time.Now().After(until) {
			t.Fatalf("the site is not back: %s at %s", v.Text(), v.Path())
		}
		time.Sleep(200 * time.Millisecond)
		_, _ = v.Get(t.Context(), "/_merlon/setup/from-backup") // for a moment nobody listens
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
