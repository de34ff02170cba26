// Package throttle limits attempts at secrets, so that passwords, codes and links cannot be guessed, without giving
// strangers a way to lock the owner of an account out.
//
// An attempt takes a place in all its buckets before any secret is compared, in a short transaction of its own that is kept
// even if the process dies right after; what is compared demands the [Permit] that comes of it. A hundred attempts at once
// therefore pass exactly as often as a hundred in a row. Buckets release themselves with time; known devices have buckets
// of their own, which strangers cannot fill.
//
// It does not protect from a password that is guessed within the limit, nor from a flood that fills the network line; and an
// attacker with many networks gets each network's share, up to the account's own limit.
package throttle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
)

// constant is the type of what must be written in the program's source.
type constant string

// Config is what a [Limiter] is made of.
type Config struct {
	// Store keeps the buckets. [NewStore] keeps them in the site's own database.
	Store Store
	// Key is the key under which buckets are named in the store, 32 bytes or more, always the same: the key ring's. With
	// another key all buckets are empty.
	Key []byte
	// Clock tells the time. Nil: [time.Now].
	Clock func() time.Time
	// Limits replaces the limits of kinds, see [Defaults]. A kind that is not in the map keeps its default.
	Limits map[Kind]Limit
	// Memory is how many full buckets are remembered, so that a flood of refusals reaches no database. 0: 32,768, about
	// 2 MB.
	Memory int
	// Shared says that other processes write to the same store. Nothing is then remembered, since another process may
	// release a bucket; and each bucket goes by the clock that is furthest ahead of those that ask for it, so that machines whose
	// clocks differ, by up to an hour, count together. A clock that was set back makes waits longer by as much then, an hour at most.
	Shared bool
	// HalvedUntil is until when each limit takes half of its attempts, one at the least: after a restore, since failures of
	// the lost time are not counted. The zero time: never.
	HalvedUntil time.Time
}

// A Limiter hands out permits for attempts. It is safe for concurrent use.
type Limiter struct {
	store  Store
	key    []byte
	clock  func() time.Time
	limits map[Kind]Limit
	full   *full // nil: nothing is remembered
	shared bool
	alarm  alarm
	halved int64 // until when
}

var errWriting = errors.New("throttle: called within a write transaction: counters are kept even if the request is rolled back, so they have transactions of their own; take the permit before the transaction and settle it before or after")

// New returns the limiter of a configuration. The error is a [check.Faults]: all that is wrong at once.
func New(c Config) (*Limiter, error) {
	var faults check.Faults
	fault := func(where, what, do string) { faults = append(faults, RuleConfig.Finding(where, what, do)) }
	l := &Limiter{store: c.Store, key: append([]byte(nil), c.Key...), clock: c.Clock, limits: map[Kind]Limit{}, shared: c.Shared}
	if l.store == nil {
		fault("Config.Store", "throttle: no store", "give throttle.NewStore(engine)")
	}
	if len(l.key) < 32 {
		fault("Config.Key", fmt.Sprintf("throttle: a key of %d bytes", len(l.key)), "give 32 bytes or more of the key ring")
	}
	if l.clock == nil {
		l.clock = time.Now
	}
	if !c.HalvedUntil.IsZero() {
		l.halved = c.HalvedUntil.UnixMicro()
	}
	for kind, limit := range Defaults() {
		l.limits[kind] = limit
	}
	for kind, limit := range c.Limits {
		if _, known := l.limits[kind]; !known {
			fault("Config.Limits", fmt.Sprintf("throttle: no kind %q", string(kind)), "the kinds are the constants of this package")
		}
		if why := limit.fault(); why != "" {
			fault("Config.Limits["+string(kind)+"]", "throttle: "+why, "give Burst 1 to 10,000, Window 1 s to 24 h, Total 0 or at least Burst")
		}
		l.limits[kind] = limit
	}
	if c.Memory < 0 || c.Memory > 1<<22 {
		fault("Config.Memory", fmt.Sprintf("throttle: Memory is %d", c.Memory), "give 1 to 4,194,304, or 0 for 32,768")
	} else if !c.Shared {
		if c.Memory == 0 {
			c.Memory = 32 << 10
		}
		l.full = newFull(c.Memory)
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Limiter) now() int64 { return l.clock().UnixMicro() }

// Reserve takes one place in every bucket, or in none: then the error is a *[Limited] with the time to wait for, and an
// event is recorded. The places are taken for good when Reserve returns; they count as failures until the permit is settled.
//
// All buckets must be of one purpose. ctx must not be that of a write transaction.
func (l *Limiter) Reserve(ctx context.Context, buckets ...Bucket) (*Permit, error) {
	if db.InWrite(ctx) {
		return nil, errWriting
	}
	if len(buckets) == 0 || len(buckets) > maxBuckets {
		return nil, fmt.Errorf("throttle: an attempt with %d buckets: it would be limited by none, or by too many; give 1 to %d", len(buckets), maxBuckets)
	}
	asks := make([]Ask, len(buckets))
	for i, b := range buckets {
		ask, err := l.ask(b)
		if err != nil {
			return nil, err
		}
		if b.purpose != buckets[0].purpose {
			return nil, fmt.Errorf("throttle: buckets of purposes %q and %q in one attempt: its permit would be good for only one of them; reserve twice", buckets[0].purpose, b.purpose)
		}
		asks[i] = ask
	}
	now := l.now()
	if l.full != nil {
		var known []Refusal
		for i := range asks {
			if until := l.full.until(&asks[i].Key, now); until > 0 {
				known = append(known, Refusal{Ask: i, Until: until})
			}
		}
		if len(known) > 0 {
			return nil, l.refuse(ctx, buckets, known)
		}
	}
	var mark [maxBuckets]uint32
	if l.full != nil {
		for i := range asks {
			mark[i] = l.full.mark(&asks[i].Key)
		}
	}
	got, err := l.store.Reserve(ctx, now, asks)
	if err != nil {
		return nil, fmt.Errorf("throttle: %w", err)
	}
	if !got.Granted {
		if len(got.Refused) == 0 {
			return nil, errors.New("throttle: the store refused an attempt and names no bucket: it is broken; prove it with throttletest")
		}
		for _, r := range got.Refused {
			if r.Ask < 0 || r.Ask >= len(asks) {
				return nil, fmt.Errorf("throttle: the store refused bucket %d of %d: it is broken; prove it with throttletest", r.Ask, len(asks))
			}
			if l.full != nil {
				// Never for longer than an hour: what is closed for days is looked at again.
				l.full.add(&asks[r.Ask].Key, min(r.Until, now+maxBack.Microseconds()), now, mark[r.Ask])
			}
		}
		return nil, l.refuse(ctx, buckets, got.Refused)
	}
	if len(got.Places) != len(asks) {
		return nil, fmt.Errorf("throttle: the store took %d places for %d buckets: it is broken; prove it with throttletest", len(got.Places), len(asks))
	}
	p := &Permit{l: l, purpose: buckets[0].purpose, places: got.Places}
	for i := range got.Places {
		if got.Places[i].Last {
			p.filled = append(p.filled, buckets[i].kind)
		}
	}
	return p, nil
}

// refuse names the bucket that is full for longest, and the kinds of all.
func (l *Limiter) refuse(ctx context.Context, buckets []Bucket, refused []Refusal) error {
	worst := refused[0]
	kinds := make([]Kind, len(refused))
	for i, r := range refused {
		kinds[i] = buckets[r.Ask].kind
		if r.Until > worst.Until {
			worst = r
		}
	}
	e := &Limited{Until: time.UnixMicro(worst.Until), Bucket: buckets[worst.Ask], Closed: worst.Closed, full: kinds}
	event.Record(ctx, RuleLimited, event.Refused, slog.String("bucket", string(e.Bucket.kind)), slog.Time("until", e.Until.UTC().Truncate(time.Second)))
	return e
}

func (l *Limiter) ask(b Bucket) (Ask, error) {
	limit := l.limits[b.kind]
	if b.own != nil {
		limit = *b.own
	}
	if b.purpose == "" || b.kind == "" {
		return Ask{}, errors.New("throttle: the zero Bucket counts nothing: the attempt would not be limited; make buckets with the constructors of this package")
	}
	if why := limit.fault(); why != "" {
		return Ask{}, fmt.Errorf("throttle: bucket %q: %s: the attempt would not be limited as meant; give Burst 1 to 10,000 and Window 1 s to 24 h", b.kind, why)
	}
	if l.now() < l.halved {
		limit.Burst = max(limit.Burst/2, 1)
	}
	limit.shared = l.shared
	return Ask{Key: l.keyOf(b), Kind: string(b.kind), Limit: limit}, nil
}

// A Status is what a bucket holds.
type Status struct {
	Attempts int       // in a row, or within the window, without a success
	Until    time.Time // when the next attempt may pass; zero: now
	Closed   bool      // shut to strangers for days: only a known device, a passkey or a mailed link works
}

// Inspect tells what a bucket holds. It changes nothing.
func (l *Limiter) Inspect(ctx context.Context, b Bucket) (Status, error) {
	ask, err := l.ask(b)
	if err != nil {
		return Status{}, err
	}
	s, err := l.store.Inspect(ctx, ask.Key)
	if err != nil {
		return Status{}, fmt.Errorf("throttle: %w", err)
	}
	return s.status(&ask.Limit, l.now()), nil
}

// Release empties buckets: the act of an administrator who unlocks an account, or of the account's owner who proved to be
// it by other means. The reason is recorded; it must not be empty.
func (l *Limiter) Release(ctx context.Context, reason string, buckets ...Bucket) error {
	if db.InWrite(ctx) {
		return errWriting
	}
	if strings.TrimSpace(reason) == "" {
		return errors.New("throttle: a release without a reason: nobody could tell later why the lock was opened; give one")
	}
	keys, kinds := make([]Key, len(buckets)), make([]string, len(buckets))
	for i, b := range buckets {
		ask, err := l.ask(b)
		if err != nil {
			return err
		}
		keys[i], kinds[i] = ask.Key, string(b.kind)
	}
	if err := l.store.Release(ctx, keys); err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	l.freed(keys)
	event.Record(ctx, RuleReleased, event.Done, slog.String("buckets", strings.Join(kinds, " ")), slog.String("reason", reason))
	return nil
}

func (l *Limiter) freed(keys []Key) {
	if l.full == nil {
		return
	}
	for i := range keys {
		l.full.drop(&keys[i])
	}
}

// Sweep removes buckets that are empty by now. A task calls it now and then. Where processes share a store those are left alone that
// may not be empty by another's clock, which is behind.
func (l *Limiter) Sweep(ctx context.Context) error {
	now := l.now()
	if l.shared {
		now -= maxSkew.Microseconds()
	}
	if err := l.store.Sweep(ctx, now); err != nil {
		return fmt.Errorf("throttle: %w", err)
	}
	return nil
}

// Alarmed reports whether failed attempts on the whole site run at five times their usual rate or more: a reason to ask
// untrusted clients for patience, never known devices.
func (l *Limiter) Alarmed() bool { return l.alarm.on(l.now()) }

// Numbers returns the limits in force, a line each, as the command `session limits` prints them: OWASP ASVS 6.1.1 asks that
// it be documented how attempts are limited, and how an account is not locked by strangers.
func (l *Limiter) Numbers() []string {
	lines := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		lines = append(lines, fmt.Sprintf("attempts, %s: %s", kind, l.limits[kind]))
	}
	return lines
}
