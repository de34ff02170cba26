package password

import (
	"bytes"
	"context"
	"fmt"

	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/throttle"
)

// Kind names what a stored hash costs to verify, where that is not what the hasher's own cost: its algorithm with its costs,
// of another program, or of this one from before the costs were changed. Two of one kind take the same time. It is "" for
// what takes as long as a hash of the hasher's own: those, fast ones, which are evened out, and what can match nothing.
func (h *Hasher) Kind(storedHash string) string {
	s, reason := parse(storedHash)
	if reason != "" {
		return ""
	}
	return h.kind(s)
}

func (h *Hasher) kind(s *stored) string {
	if s.algorithm == merlon1 {
		if s.lanes == 1 && s.memory == h.params.Memory && s.time == h.params.Time {
			return ""
		}
		return fmt.Sprintf("%s m=%d t=%d p=%d", s.algorithm, s.memory, s.time, s.lanes)
	}
	return s.kind()
}

func (s *stored) kind() string {
	switch s.algorithm {
	case argon2id, argon2i:
		return fmt.Sprintf("%s m=%d t=%d p=%d", s.algorithm, s.memory, s.time, s.lanes)
	case pbkdf2SHA256, pbkdf2SHA1:
		return fmt.Sprintf("%s %d", s.algorithm, s.n)
	case scryptAlg:
		return fmt.Sprintf("%s %d %d %d", s.algorithm, s.n, s.r, s.p)
	case bcryptAlg, bcryptSHA256:
		return fmt.Sprintf("%s %d", s.algorithm, s.n)
	}
	return ""
}

// VerifyNobodyLike is [Hasher.VerifyNobody] with the work of a stored hash of other costs: like is one of the kind that
// the address would have if it had an account. It never matches, whatever it is. With "", or a hash of no [Hasher.Kind], it is
// VerifyNobody.
//
// It is for sites that have imported accounts. If half of them have PBKDF2 with a million rounds, then half of the addresses
// without an account must take as long, always the same ones, or time tells who has an account: the caller chooses by a
// keyed hash of the address. What it cannot hide: an account whose owner signs in for the first time changes its kind at
// that moment, which an address without one does only when the shares change; whoever watches an address over weeks learns
// from that.
func (h *Hasher) VerifyNobodyLike(ctx context.Context, permit *throttle.Permit, like string, password secret.String, from From) (Result, error) {
	s, reason := parse(like)
	if reason != "" || h.kind(s) == "" {
		return h.VerifyNobody(ctx, permit, password, from)
	}
	if err := admit(ctx, permit); err != nil {
		return Result{}, err
	}
	text := []byte(password.Reveal())
	switch {
	case len(text) == 0 || len(text) > MaxBytes:
		reason = PasswordLength
	case s.algorithm == bcryptAlg && bytes.IndexByte(text, 0) >= 0:
		reason = PasswordNUL // as Verify
	}
	if reason != "" {
		return Result{Reason: reason}, permit.Spend(throttle.ForPassword)
	}
	return Result{}, h.slot(ctx, permit, from, func() {
		h.foreign.Add(1)
		_ = s.matches(text, nil)
	})
}
