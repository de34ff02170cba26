package password

import (
	"context"
	"time"
)

// Calibrate runs the calibration with a machine of the test's own.
func Calibrate(clock func() time.Time, run func(Params)) (Params, time.Duration) {
	return calibrate(clock, run)
}

// Floor is the least cost.
var Floor = floor

// Probe has do run in the slot before each hash.
func (h *Hasher) Probe(do func()) { h.probe = do }

// A Pool is the pool alone.
type Pool struct{ *pool }

// NewPool returns a pool.
func NewPool(slots, places, known int) Pool {
	return Pool{newPool(slots, places, known, 80*time.Millisecond)}
}

// Enter waits for a slot.
func (p Pool) Enter(ctx context.Context, from From) error { return p.enter(ctx, from) }

// Leave gives a slot back.
func (p Pool) Leave() { p.leave(0) }

// Waiting counts who waits.
func (p Pool) Waiting() (strangers, known, networks int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.strangers.waiting, p.known.waiting, len(p.strangers.networks) + len(p.known.networks)
}

// Free counts the free slots.
func (p Pool) Free() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.free
}

// Costs returns what a stored hash asks for: memory in KiB, and all numbers that bound its time.
func Costs(text string) (memory, work uint64, reason Reason) {
	s, reason := parse(text)
	if reason != "" {
		return 0, 0, reason
	}
	switch s.algorithm {
	case merlon1, argon2id, argon2i:
		return uint64(s.memory), uint64(s.time) * uint64(s.memory), ""
	case scryptAlg:
		return uint64(s.n) * uint64(s.r) / 8, uint64(s.n) * uint64(s.r) * uint64(s.p), ""
	case pbkdf2SHA256, pbkdf2SHA1:
		return 0, uint64(s.n), ""
	case bcryptAlg, bcryptSHA256:
		return 4, 1 << s.n, ""
	}
	return 0, 1, ""
}
