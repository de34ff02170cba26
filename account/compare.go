package account

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/throttle"
)

// attempt is what a comparison of a password found, outside of the transaction.
type attempt struct {
	row     userRow
	ok      bool
	known   bool
	device  string            // names the known device's own limit
	until   time.Time         // the known device must wait
	limited *throttle.Limited // nothing was compared; what is said of it, in development, tells the developer alone
	upgrade string            // a new hash of the same password
	void    bool              // it was the right one, and may not be used since a theft: see voidPassword
	quota   quota             // of the mail that is sent then
}

// guessedKinds are the limits by which one account is guessed.
var guessedKinds = []throttle.Kind{throttle.KindAccount, throttle.KindDevice, throttle.KindSession}

// compare counts an attempt at the password of an address, then compares: the count is kept before the first hash, whatever
// becomes of the request. Where nothing can match, the work is that for an address without an account, of the kind that falls to
// the address: without a row (found is false), of an account that has no password, and where the password opens nothing yet (may
// is false: the address is not proven). There the right one counts as a wrong one, or who signed up with somebody's address would
// learn from a limit that is not reached, or from the time of another kind's hash, that the account is new. The request's reader
// is closed.
func compare[U any](a *part, r *merlon.Read[U], email string, row userRow, found, may bool, typed secret.String) (attempt, error) {
	var t attempt
	if cookie, has := deviceCookie.Get(r); has && found {
		d, known, err := knownDevice(cookie, has, r.DB, row.ID, r.Now())
		if err != nil {
			return t, err
		}
		if t.known = known; known {
			t.device = d.name()
		}
	}
	inside := found && r.Session.User() == row.ID // nobody signs in: the password is asked for once more
	buckets := throttle.SignIn(email, t.device, r.Client())
	if inside && !t.known {
		buckets = throttle.Again(email, decimal(r.Session.ID()))
	}
	_ = r.DB.Close() // the hash takes long: no transaction is held open for it
	permit, err := a.house.Limits.Reserve(r.Context(), buckets...)
	var limited *throttle.Limited
	if errors.As(err, &limited) {
		r.Record(RuleLimited, event.Refused, slog.Bool("known", t.known))
		t.limited = limited
		if t.known || inside {
			t.until = limited.Until
		}
		if limited.Full(guessedKinds...) {
			return t, a.noteGuessed(r, email, row, found)
		}
		return t, nil
	}
	if err != nil {
		return t, err
	}
	from := password.From{Network: networkFor(r), Known: t.known}
	var result password.Result
	real := found && may && row.hasPassword()
	if real {
		result, err = a.hasher.Verify(r.Context(), permit, row.Password, typed, from)
	} else {
		result, err = a.hasher.VerifyNobodyLike(r.Context(), permit, a.likeFor(email), typed, from)
	}
	if err != nil { // nothing was compared (the line is full, the visitor has gone): the attempt is given back, if it is unspent
		_ = permit.Return(context.WithoutCancel(r.Context()))
		return t, err
	}
	right := result.OK && real
	if err := permit.Settle(r.Context(), right); err != nil {
		return t, err
	}
	if !right && permit.Filled(guessedKinds...) {
		if err := a.noteGuessed(r, email, row, found); err != nil {
			return t, err
		}
	}
	if t.ok = right; t.ok {
		t.row = row
		if result.Upgrade {
			// the next sign-in tries again when there is no room for a second hash now
			t.upgrade, _ = a.hasher.Hash(r.Context(), typed, from)
		}
	} else if found && !may {
		r.Record(RuleUnverified, event.Refused, slog.Int64("account", row.ID))
	} else {
		var whose []slog.Attr // the owner finds it in the log of the account
		if found {
			whose = append(whose, slog.Int64("account", row.ID))
		}
		rule := RuleFailed
		if inside {
			rule = RuleWrongAgain
		}
		r.Record(rule, event.Failed, whose...)
	}
	return t, nil
}
