package password_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/throttle"
)

const right = "correct horse battery staple"

// quiet is a context whose events go nowhere.
var quiet = event.With(context.Background(), event.RecorderFunc(func(context.Context, event.Event) {}))

var home = password.From{Network: "192.0.2.0/24"}

// site hands out permits of a real limiter over a real database.
type site struct {
	t       testing.TB
	engine  db.Engine
	limiter *throttle.Limiter
	n       atomic.Int64
}

func open(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, engine: sqlite.Engine("site.db")}
	if err := s.engine.Open(context.Background(), t.TempDir(), throttle.Schema()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.engine.Close() })
	if _, err := s.engine.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	var err error
	s.limiter, err = throttle.New(throttle.Config{Store: throttle.NewStore(s.engine), Key: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// permit reserves for an account that nobody tried before.
func (s *site) permit() *throttle.Permit {
	p, err := s.limiter.Reserve(context.Background(), throttle.Account(fmt.Sprint("account ", s.n.Add(1))))
	if err != nil {
		s.t.Error(err)
	}
	return p
}

func hasher(t testing.TB, change func(*password.Config)) *password.Hasher {
	t.Helper()
	c := password.Config{Pepper: keyring.Memory("pepper").For("password"), Clock: time.Now,
		Params: password.Params{Memory: 64, Time: 1}, InsecureCosts: "tests are many"}
	if change != nil {
		change(&c)
	}
	h, err := password.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func hash(t testing.TB, h *password.Hasher, pw string) string {
	t.Helper()
	text, err := h.Hash(context.Background(), secret.New(pw), home)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (s *site) verify(h *password.Hasher, stored, pw string) password.Result {
	s.t.Helper()
	res, err := h.Verify(quiet, s.permit(), stored, secret.New(pw), home)
	if err != nil {
		s.t.Fatal(err)
	}
	return res
}

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range password.Rules() {
		if err := r.Valid(); err != nil || seen[r.ID] || !strings.HasPrefix(r.ID, "MRL-PASSWORD-") || strings.Count(r.Explain(), "\n") > 40 {
			t.Errorf("%s: %v, or twice, or long", r.ID, err)
		}
		seen[r.ID] = true
	}
}

func TestHashAndVerify(t *testing.T) {
	s, h := open(t), hasher(t, nil)
	a, b := hash(t, h, right), hash(t, h, right)
	if a == b {
		t.Error("two hashes of one password are equal: the salt repeats")
	}
	if !strings.HasPrefix(a, "$merlon1$k=1$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("stored as %s", a)
	}
	if got := s.verify(h, a, right); got != (password.Result{OK: true}) {
		t.Errorf("the right password: %+v", got)
	}
	for _, wrong := range []string{right + " ", " " + right, strings.ToUpper(right), "x", right[:len(right)-1], right + "\x00"} {
		if got := s.verify(h, a, wrong); got != (password.Result{}) {
			t.Errorf("%q: %+v", wrong, got)
		}
	}
	for _, odd := range []string{"a\x00b", "päss wörd 密码 🔑", "\xff\xfe", strings.Repeat("x", 1024)} {
		if got := s.verify(h, hash(t, h, odd), odd); !got.OK {
			t.Errorf("%.20q: %+v", odd, got)
		}
	}
	for _, no := range []string{"", strings.Repeat("x", 1025)} {
		if _, err := h.Hash(t.Context(), secret.New(no), home); !errors.Is(err, password.ErrUnwanted) {
			t.Errorf("Hash of %d bytes: %v", len(no), err)
		}
	}
}

func TestAStolenDatabaseAloneCannotBeGuessedAt(t *testing.T) {
	s, h := open(t), hasher(t, nil)
	stored := hash(t, h, right)
	thief := hasher(t, func(c *password.Config) { c.Pepper = keyring.Memory("the thief's").For("password") })
	if got := s.verify(thief, stored, right); got.OK {
		t.Error("the password verifies without the key ring")
	}
	bare := strings.TrimPrefix(stored, "$merlon1$k=1")
	if got := s.verify(thief, bare, right); got.OK {
		t.Error("the hash is one of the bare password")
	}
	other := hasher(t, func(c *password.Config) { c.Pepper = keyring.Memory("pepper").For("another purpose") })
	if got := s.verify(other, stored, right); got.OK {
		t.Error("keys of another purpose verify it")
	}
}

func TestUpgrades(t *testing.T) {
	s, ring := open(t), keyring.Memory("pepper")
	with := func(p password.Params) *password.Hasher {
		return hasher(t, func(c *password.Config) { c.Params, c.Pepper = p, ring.For("password") })
	}
	base := password.Params{Memory: 4096, Time: 2}
	stored := hash(t, with(base), right)
	for _, c := range []struct {
		name   string
		params password.Params
		want   bool
	}{
		{"the same", base, false},
		{"a little more, the noise of a measurement", password.Params{Memory: 5000, Time: 2}, false},
		{"twice as much", password.Params{Memory: 4096, Time: 4}, true},
		{"half as much", password.Params{Memory: 2048, Time: 2}, true},
	} {
		if got := s.verify(with(c.params), stored, right); !got.OK || got.Upgrade != c.want {
			t.Errorf("%s: %+v, want upgrade %v", c.name, got, c.want)
		}
	}
	// As costly as the floor, but with less memory than it.
	if got := s.verify(with(password.Floor), hash(t, with(password.Params{Memory: 15 << 10, Time: 3}), right), right); !got.OK || !got.Upgrade {
		t.Errorf("below the floor: %+v", got)
	}
	if _, err := ring.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	h := with(base)
	if got := s.verify(h, stored, right); !got.OK || !got.Upgrade {
		t.Errorf("after a rotation of the keys: %+v", got)
	}
	if fresh := hash(t, h, right); !strings.HasPrefix(fresh, "$merlon1$k=2$") || s.verify(h, fresh, right) != (password.Result{OK: true}) {
		t.Errorf("a fresh hash: %s", fresh)
	}
	if got := s.verify(h, stored, "wrong"); got.Upgrade {
		t.Error("an upgrade without a match: the wrong password would be stored")
	}
}

func TestWrapHidesFastHashesAtOnce(t *testing.T) {
	s, h := open(t), hasher(t, nil)
	for _, old := range []string{
		"md5$Zc8Wm0o1mRcD2q7y3xKJ5t$d8c25f4e9007529faab7b99f19856ffe",
		"9cc2ae8a1ba7a93da39b46fc1019c481",
		"md5$$9cc2ae8a1ba7a93da39b46fc1019c481",
		"sha1$$abf7aad6438836dbe526aa231abde2d0eef74d42",
	} {
		wrapped, err := h.Wrap(t.Context(), old)
		if err != nil || !strings.HasPrefix(wrapped, "$merlon1$k=1,from=") {
			t.Fatalf("%s: %s, %v", old, wrapped, err)
		}
		digest := old[strings.LastIndex(old, "$")+1:]
		if strings.Contains(wrapped, digest) {
			t.Errorf("the old digest stands in %s", wrapped)
		}
		if got := s.verify(h, wrapped, right); !got.OK || !got.Upgrade {
			t.Errorf("%s: %+v", old, got)
		}
		for _, wrong := range []string{digest, "x", old} {
			if got := s.verify(h, wrapped, wrong); got.OK {
				t.Errorf("%s: %q signs in", old, wrong)
			}
		}
		if info := password.Inspect(wrapped); info.Fast || info.Algorithm != "merlon1" {
			t.Errorf("Inspect: %+v", info)
		}
		if info := password.Inspect(old); !info.Fast {
			t.Errorf("Inspect of the old one: %+v", info)
		}
	}
	for _, other := range []string{hash(t, h, right), "!x", "", "nonsense", "pbkdf2_sha256$1000$x$y"} {
		if got, err := h.Wrap(t.Context(), other); err != nil || got != other {
			t.Errorf("Wrap(%q) = %q, %v", other, got, err)
		}
	}
}

func TestRefusedHashesAreEvents(t *testing.T) {
	s, h := open(t), hasher(t, nil)
	var seen []event.Event
	ctx := event.With(t.Context(), event.RecorderFunc(func(_ context.Context, e event.Event) { seen = append(seen, e) }))
	for _, stored := range []string{"$argon2id$v=19$m=4194304,t=2,p=1$WmM4V20wbzFtUmNEMnE3eTN4S0o1dA$IB8W96ijM5KMv4AAlWqIeZ1zi+HU377tlRtXN0oLMJE", hash(t, h, right)} {
		if _, err := h.Verify(ctx, s.permit(), stored, secret.New("guess"), home); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 1 || seen[0].ID != password.RuleStored.ID || seen[0].Detail[0].Value.String() != "cost" {
		t.Errorf("events: %+v", seen)
	}
}

func TestConfig(t *testing.T) {
	_, err := password.New(password.Config{Params: password.Params{Memory: 64, Time: 1}, Slots: -1})
	var faults check.Faults
	if !errors.As(err, &faults) || len(faults) != 4 {
		t.Errorf("all faults at once: %v", err)
	}
	ring := keyring.Memory("x").For("password")
	for _, p := range []password.Params{{Memory: 19 << 10, Time: 1}, {Memory: 18 << 10, Time: 2}, {Memory: 512 << 10, Time: 2}, {Memory: 64 << 10, Time: 11}, {Memory: 7, Time: 1}} {
		if _, err := password.New(password.Config{Pepper: ring, Clock: time.Now, Params: p}); err == nil {
			t.Errorf("%v was accepted", p)
		}
	}
	for _, p := range []password.Params{{Memory: 7, Time: 1}, {Memory: 64, Time: 0}, {Memory: 0, Time: 1}, {Memory: 512 << 10, Time: 1}, {Memory: 64, Time: 11}} {
		if _, err := password.New(password.Config{Pepper: ring, Clock: time.Now, Params: p, InsecureCosts: "test"}); err == nil {
			t.Errorf("%v was accepted: Argon2 would panic or take for ever", p)
		}
	}
	for _, c := range []password.Config{{Slots: -1}, {Places: -1}, {KnownPlaces: -1}} {
		c.Pepper, c.Clock, c.Params = ring, time.Now, password.Floor
		if _, err := password.New(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
	for _, p := range []password.Params{{Memory: 19 << 10, Time: 2}, {Memory: 46 << 10, Time: 1}} {
		if h, err := password.New(password.Config{Pepper: ring, Clock: time.Now, Params: p}); err != nil || h.Params() != p {
			t.Errorf("%v: %v", p, err)
		}
	}
	if _, err := password.New(password.Config{Pepper: new(keyring.Ring).For("password"), Clock: time.Now}); err == nil {
		t.Error("a pepper without keys was accepted")
	}
	if f := check.Run(t.Context(), hasher(t, nil).Checks()...).Findings(check.Low); len(f) != 1 || f[0].ID != password.RuleCosts.ID {
		t.Errorf("insecure costs: findings %v", f)
	}
}

// Machines of every speed, by a clock of the test's own: a floor hash takes from a tenth of a millisecond to two seconds.
func TestCalibration(t *testing.T) {
	for _, base := range []time.Duration{0, 100 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 21 * time.Millisecond,
		39 * time.Millisecond, 60 * time.Millisecond, 79 * time.Millisecond, 200 * time.Millisecond, 2 * time.Second} {
		now, runs, spent := time.Unix(0, 0), 0, time.Duration(0)
		cost := func(p password.Params) time.Duration {
			return time.Duration(float64(base) * float64(p.Memory) * float64(p.Time) / float64(password.Floor.Memory*password.Floor.Time))
		}
		p, took := password.Calibrate(func() time.Time { return now }, func(p password.Params) {
			runs++
			spent += cost(p)
			now = now.Add(cost(p))
		})
		if p.Memory < 19<<10 || p.Time < 2 || p.Memory > 64<<10 || p.Time > 10 {
			t.Errorf("base %v: %v", base, p)
		}
		if runs > 4 || spent > 200*time.Millisecond+3*base {
			t.Errorf("base %v: measured %d times, %v in all", base, runs, spent)
		}
		if base >= 10*time.Millisecond && base < 40*time.Millisecond && (took < 50*time.Millisecond || took > 100*time.Millisecond) {
			t.Errorf("base %v: %v takes %v, want 60 to 100 ms", base, p, took)
		}
		if base == 21*time.Millisecond && p.Memory < 32<<10 {
			t.Errorf("base %v: %v buys time with passes before memory", base, p)
		}
		if base == 0 && p != password.Floor {
			t.Errorf("a clock that stands still: %v, want the floor", p)
		}
		if base >= 80*time.Millisecond && (p != password.Floor || runs > 3) {
			t.Errorf("base %v: a slow machine got %v, want the floor", base, p)
		}
	}
	// A machine that is slower with more memory than its caches hold.
	now := time.Unix(0, 0)
	slow := func(p password.Params) time.Duration {
		d := time.Duration(p.Memory) * time.Duration(p.Time) * time.Microsecond / 2
		if p.Memory > 19<<10 {
			d *= 3
		}
		return d
	}
	p, _ := password.Calibrate(func() time.Time { return now }, func(p password.Params) { now = now.Add(slow(p)) })
	if p.Memory < 19<<10 || p.Time < 2 || slow(p) > 120*time.Millisecond {
		t.Errorf("%v takes %v", p, slow(p))
	}
	// Something else took the processor during the first measurement.
	first := true
	p, _ = password.Calibrate(func() time.Time { return now }, func(p password.Params) {
		d := time.Duration(p.Memory) * time.Duration(p.Time) * time.Microsecond / 2
		if p == password.Floor && first {
			first, d = false, 20*d
		}
		now = now.Add(d)
	})
	if p == password.Floor {
		t.Error("one slow moment made the site's hashes cheap")
	}
}

func TestNothingPrintsThePassword(t *testing.T) {
	s, h := open(t), hasher(t, nil)
	const canary = "hunter2-canary-long-enough"
	pw := secret.New(canary)
	var out bytes.Buffer
	text, err := h.Hash(t.Context(), pw, home)
	res, err2 := h.Verify(t.Context(), nil, text, pw, home)
	fmt.Fprintf(&out, "%v %v %v %+v %+v %#v", text, err, err2, res, password.Policy{}.Problems(pw, canary), password.Inspect(canary))
	_, err = h.Verify(quiet, s.permit(), canary, pw, home)
	fmt.Fprint(&out, err)
	if strings.Contains(out.String(), canary) {
		t.Errorf("printed: %s", &out)
	}
}

func BenchmarkHash(b *testing.B) {
	h := hasher(b, func(c *password.Config) { c.Params, c.InsecureCosts = password.Floor, "" })
	pw := secret.New(right)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Hash(context.Background(), pw, home); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInspect(b *testing.B) {
	h := hasher(b, nil)
	stored := hash(b, h, right)
	b.ReportAllocs()
	for b.Loop() {
		if password.Inspect(stored).Algorithm == "" {
			b.Fatal("refused")
		}
	}
}
