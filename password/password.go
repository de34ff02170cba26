// Package password stores passwords as peppered Argon2id hashes, verifies them and those of Django, and bounds what hashing
// costs: how many at a time, how many wait, and how much memory a stored hash may ask for.
//
// A comparison demands a [throttle.Permit]: there is no way to guess past the limits. The package does not protect from a
// thief who has the key ring as well as the database; then only the password's own strength counts.
package password

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/throttle"
)

// MaxBytes is the longest password, in bytes of UTF-8 as received: nothing is normalised or cut.
const MaxBytes = 1024

// A Pepper is the keys that are mixed into passwords: ring.For("…") of room keyring is one. A key must stay available as
// long as a hash names it.
type Pepper interface {
	Newest() uint32                     // the id of the key for new hashes
	Key(id uint32) (secret.Bytes, bool) // false: no such key
}

// Config of a [Hasher].
type Config struct {
	Pepper Pepper           // required
	Clock  func() time.Time // required: measures how long a hash takes

	// Params fixes the costs. Zero: New measures this machine and takes what needs 60 to 100 ms, at least 19 MiB and 2 passes.
	Params Params
	// Slots is how many hashes are computed at a time. Zero: half of the processors that Go may use, at least one.
	// Memory for hashing is at most Slots × 256 MiB, usually Slots × 32.
	Slots int
	// Places is how many strangers may wait. Zero: 64.
	Places int
	// KnownPlaces is how many known devices may wait, in a line of their own. Zero: 16.
	KnownPlaces int

	// InsecureCosts lets Params be below the floor, for tests; it is the reason, and a finding of check.
	InsecureCosts string
}

// A Hasher hashes and verifies. It is safe for concurrent use.
type Hasher struct {
	pepper   Pepper
	clock    func() time.Time
	params   Params
	took     time.Duration
	insecure string
	pool     *pool
	salt     []byte // of the dummy hash
	hashed   atomic.Uint64
	foreign  atomic.Uint64
	probe    func() // tests only: runs in the slot before the hash
}

var (
	// ErrInWrite is returned inside a write transaction: hashing there would hold every other writer (measured: 3.7 s).
	ErrInWrite error = RuleInWrite.Finding("", "a password was to be hashed inside a write transaction",
		"hash before the transaction: in the first function of a PostAfter route, or before Engine.Write")
	// ErrBusy is what a [BusyError] is.
	ErrBusy = errors.New("password: too many passwords are being checked: the line is full; answer 503 with Retry-After")
	// ErrUnwanted is returned by Hash for a password that is empty or longer than [MaxBytes].
	ErrUnwanted = fmt.Errorf("password: a password to store is empty or longer than %d bytes: check it with a Policy first", MaxBytes)
)

// A BusyError says that the line is full. It is [ErrBusy].
type BusyError struct{ RetryAfter time.Duration } // whole seconds, 1 to 60

// Error says when to come again.
func (e *BusyError) Error() string { return fmt.Sprintf("%v: %v", ErrBusy, e.RetryAfter) }

// Unwrap makes errors.Is(err, ErrBusy) true.
func (e *BusyError) Unwrap() error { return ErrBusy }

// New returns a hasher. Without fixed Params it measures the machine, which takes about a fifth of a second and at most one
// on a slow one. The error is [check.Faults].
func New(c Config) (*Hasher, error) {
	var faults check.Faults
	wrong := func(what, do string) { faults = append(faults, RuleConfig.Finding("password.Config", what, do)) }
	if c.Pepper == nil {
		wrong("Pepper is nil", "give it the key ring's keys: ring.For(…)")
	} else if _, ok := c.Pepper.Key(c.Pepper.Newest()); !ok {
		wrong("the pepper has no key", "open the site's key file first")
	}
	if c.Clock == nil {
		wrong("Clock is nil", "give it the site's clock, or time.Now")
	}
	if c.Slots < 0 || c.Places < 0 || c.KnownPlaces < 0 {
		wrong("Slots, Places or KnownPlaces is negative", "leave it zero for the default")
	}
	fixed := c.Params != (Params{})
	if fixed && !c.Params.within() {
		wrong("Params "+c.Params.String()+" are not possible", "memory 8 KiB to 256 MiB, 1 to 10 passes")
	} else if fixed && !c.Params.meetsFloor() && c.InsecureCosts == "" {
		faults = append(faults, RuleCosts.Finding("password.Config", "Params "+c.Params.String()+" are below the floor "+floor.String(), "leave Params zero; in a test give InsecureCosts a reason"))
	}
	if len(faults) > 0 {
		return nil, faults
	}
	h := &Hasher{pepper: c.Pepper, clock: c.Clock, params: c.Params, insecure: c.InsecureCosts, salt: []byte(dummyBytes)}
	if !fixed {
		h.params, h.took = calibrate(c.Clock, func(p Params) { p.sum([]byte(dummyBytes), h.salt) })
	}
	average := h.took
	if average <= 0 {
		average = aim
	}
	h.pool = newPool(or(c.Slots, max(1, runtime.GOMAXPROCS(0)/2)), or(c.Places, 64), or(c.KnownPlaces, 16), average)
	return h, nil
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// Params returns the costs of new hashes.
func (h *Hasher) Params() Params { return h.params }

// Stats are counts since the start, for check, attack and tests.
type Stats struct {
	Hashed  uint64 // hashes computed, dummy ones too
	Foreign uint64 // of these the ones of an imported kind, see [Kind]
	Refused uint64 // turned away because the line was full
	Working int    // in a slot now
	Waiting int
}

// Stats returns the counts.
func (h *Hasher) Stats() Stats {
	h.pool.mu.Lock()
	defer h.pool.mu.Unlock()
	return Stats{h.hashed.Load(), h.foreign.Load(), h.pool.refused, h.pool.slots - h.pool.free, h.pool.strangers.waiting + h.pool.known.waiting}
}

// Hash returns the text to store for a password. It waits for a slot; it refuses the context of a write transaction
// ([ErrInWrite]) and answers a [BusyError] when the line is full. It judges no strength: see [Policy].
func (h *Hasher) Hash(ctx context.Context, password secret.String, from From) (string, error) {
	text := []byte(password.Reveal())
	if len(text) == 0 || len(text) > MaxBytes {
		return "", ErrUnwanted
	}
	return h.make(ctx, text, "", from)
}

// Wrap returns the text to store in the place of an imported fast hash (Django's md5 and sha1), without the password:
// Argon2id over the old hash. Run it over the whole table when data is imported; the first sign-in replaces it. Other
// hashes are returned as they are.
func (h *Hasher) Wrap(ctx context.Context, storedHash string) (string, error) {
	s, reason := parse(storedHash)
	if reason != "" || !s.fast() {
		return storedHash, nil
	}
	head := ",from=" + string(s.algorithm) + ",salt=" + base64.RawStdEncoding.EncodeToString(s.salt)
	return h.make(ctx, wrapSum(s.algorithm, s.sum), head, From{Network: "import"})
}

func (h *Hasher) make(ctx context.Context, text []byte, head string, from From) (string, error) {
	if db.InWrite(ctx) {
		return "", ErrInWrite
	}
	id := h.pepper.Newest()
	key, ok := h.pepper.Key(id)
	if !ok {
		return "", RuleConfig.Finding("", "the pepper has no key", "open the site's key file")
	}
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	var sum []byte
	if err := h.slot(ctx, nil, from, func() { sum = h.params.sum(peppered(key.Reveal(), text), salt) }); err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$merlon1$k=%d%s$argon2id$v=19$%s$%s$%s", id, head, h.params, b64(salt), b64(sum)), nil
}

// slot runs work with a slot of the pool, after it spent the permit, if there is one to spend.
func (h *Hasher) slot(ctx context.Context, permit *throttle.Permit, from From, work func()) error {
	if err := h.pool.enter(ctx, from); err != nil {
		return err
	}
	var took time.Duration
	defer func() { h.pool.leave(took) }()
	if permit != nil {
		if err := permit.Spend(throttle.ForPassword); err != nil {
			return err
		}
	}
	if h.probe != nil {
		h.probe()
	}
	h.hashed.Add(1)
	process.enter(int64(h.pool.slots) * int64(h.params.Memory) << 10)
	defer process.leave()
	start := h.clock()
	work()
	took = h.clock().Sub(start)
	if h.params.Memory<<10 >= worth/2 { // the floor and more: all but the costs of tests
		tidy()
	}
	return nil
}

// A Result of a verification. Look at OK; to the visitor everything else is the same wrong password.
type Result struct {
	OK      bool
	Upgrade bool   // after OK: store what Hash returns now, in the place of the old hash
	Reason  Reason // why no hash was compared, "" otherwise; for logs
}

// Verify compares a password with a stored hash. It demands a permit for passwords and spends it before it hashes or refuses
// anything; with none, or one that was spent, it answers throttle's error. After a Result settle the permit. It waits for a
// slot; it refuses the context of a write transaction ([ErrInWrite]) and answers a [BusyError] when the line is full, or the
// context's error when the visitor left: then the permit is unspent, and is to be returned.
//
// A stored hash that is malformed, unknown or over the caps costs no hash and never matches; it is recorded as an event.
// Until their first sign-in, imported hashes cost what they cost: [Hasher.VerifyNobodyLike] does as much for addresses without
// an account.
func (h *Hasher) Verify(ctx context.Context, permit *throttle.Permit, storedHash string, password secret.String, from From) (Result, error) {
	if err := admit(ctx, permit); err != nil {
		return Result{}, err
	}
	s, pepper, reason := h.read(storedHash)
	text := []byte(password.Reveal())
	switch {
	case reason != "":
		event.Record(ctx, RuleStored, event.Failed, slog.String("reason", string(reason)))
	case len(text) == 0 || len(text) > MaxBytes: // first, as VerifyNobody: at no account does it cost a hash
		reason = PasswordLength
	case s.algorithm == unusableAlg:
		return Result{Reason: Unusable}, h.nobody(ctx, permit, text, from)
	case s.algorithm == bcryptAlg && bytes.IndexByte(text, 0) >= 0:
		reason = PasswordNUL // bcrypt repeats key and NUL: "ab\0ab" would match "ab"
	}
	if reason != "" {
		return Result{Reason: reason}, permit.Spend(throttle.ForPassword)
	}
	var ok bool
	err := h.slot(ctx, permit, from, func() {
		if h.kind(s) != "" {
			h.foreign.Add(1)
		}
		ok = s.matches(text, pepper.Reveal())
		if s.fast() { // the same time as for everybody else
			h.params.sum(text, h.salt)
		}
	})
	if err != nil {
		return Result{}, err
	}
	return Result{OK: ok, Upgrade: ok && h.stale(s)}, nil
}

// read parses a stored hash and finds its pepper.
func (h *Hasher) read(storedHash string) (*stored, secret.Bytes, Reason) {
	s, reason := parse(storedHash)
	if reason != "" || s.algorithm != merlon1 {
		return s, secret.Bytes{}, reason
	}
	pepper, ok := h.pepper.Key(s.key)
	if !ok {
		return nil, secret.Bytes{}, UnknownKey
	}
	return s, pepper, ""
}

// VerifyNobody does the work of Verify for an account that does not exist, and never matches: neither time nor the count of
// hashes tells whether there is one. A length that Verify refuses is refused here as well.
func (h *Hasher) VerifyNobody(ctx context.Context, permit *throttle.Permit, password secret.String, from From) (Result, error) {
	if err := admit(ctx, permit); err != nil {
		return Result{}, err
	}
	text := []byte(password.Reveal())
	if len(text) == 0 || len(text) > MaxBytes {
		return Result{Reason: PasswordLength}, permit.Spend(throttle.ForPassword)
	}
	return Result{}, h.nobody(ctx, permit, text, from)
}

// nobody computes a hash that is compared with nothing.
func (h *Hasher) nobody(ctx context.Context, permit *throttle.Permit, text []byte, from From) error {
	key, _ := h.pepper.Key(h.pepper.Newest())
	return h.slot(ctx, permit, from, func() {
		h.params.sum(peppered(key.Reveal(), text), h.salt)
	})
}

// admit is what comes before any look at the password. The permit is spent later, in the slot, so that an attempt that found
// the line full can be given back.
func admit(ctx context.Context, permit *throttle.Permit) error {
	if db.InWrite(ctx) {
		return ErrInWrite
	}
	if permit.Purpose() != throttle.ForPassword {
		return permit.Spend(throttle.ForPassword) // none, or of another purpose: it says so
	}
	return nil
}

// stale reports whether a hash that matched should be replaced: another form, an older pepper, or costs that are not
// those of today. A quarter up or down is the noise of two measurements.
func (h *Hasher) stale(s *stored) bool {
	if s.algorithm != merlon1 || s.from != "" || s.key != h.pepper.Newest() || s.lanes != 1 || len(s.sum) != sumSize {
		return true
	}
	was := Params{Memory: s.memory, Time: s.time}
	if !was.meetsFloor() && h.params.meetsFloor() {
		return true
	}
	return was.cost()*4 < h.params.cost()*3 || was.cost()*3 > h.params.cost()*4
}

// An Info tells what kind a stored hash is.
type Info struct {
	Algorithm string // merlon1, argon2id, pbkdf2_sha256 …; "" when it cannot be verified
	Reason    Reason // why it cannot
	Fast      bool   // md5, sha1: run [Hasher.Wrap] over the table
	Costs     Params // of Argon2
	Key       uint32 // of the pepper, 0 without
}

// Inspect tells what kind a stored hash is, without a password and without hashing: for import and for checks that count.
func Inspect(storedHash string) Info {
	s, reason := parse(storedHash)
	if reason != "" {
		return Info{Reason: reason}
	}
	if s.algorithm == unusableAlg {
		return Info{Reason: Unusable}
	}
	return Info{Algorithm: string(s.algorithm), Fast: s.fast(), Costs: Params{s.memory, s.time}, Key: s.key}
}
