package throttle

import (
	"fmt"
	"slices"
	"time"

	"github.com/merlon-web/merlon/check"
)

// Limited is the error of an attempt that a bucket did not take. Nothing was compared and nothing counted: whoever goes on
// trying waits no longer for it.
//
// To a visitor who is unknown a limit looks like a wrong password (OWASP ASVS 6.3.8); a known device is told the time.
type Limited struct {
	Until  time.Time // when the next attempt may pass
	Bucket Bucket    // the one that is full, of several the one that is full for longest
	Closed bool      // too many in a row: strangers wait for days; a known device, a passkey or a mailed link works

	full []Kind // of all that are full
}

// Full reports whether a bucket of one of these kinds is full, be it the one that is full for longest or not: who fills that of
// their own network does not hide that an account's is full.
func (e *Limited) Full(kinds ...Kind) bool { return anyOf(e.full, kinds) }

func anyOf(of, kinds []Kind) bool {
	return slices.ContainsFunc(of, func(k Kind) bool { return slices.Contains(kinds, k) })
}

// Error says which kind of bucket is full and until when.
func (e *Limited) Error() string {
	why := "that many attempts were made"
	if e.Closed {
		why = "too many attempts in a row were made"
	}
	return fmt.Sprintf("throttle: the limit of bucket %q is reached: %s; wait until %s", string(e.Bucket.kind), why, e.Until.UTC().Format(time.RFC3339))
}

// Rule returns the rule that refused.
func (e *Limited) Rule() check.Rule { return RuleLimited }

// Wait returns how long to wait from now, at least a second, whole seconds: a Retry-After.
func (e *Limited) Wait(now time.Time) time.Duration {
	d := e.Until.Sub(now)
	if r := d % time.Second; r > 0 {
		d += time.Second - r
	}
	return max(d, time.Second)
}
