package account

import (
	"context"
	"errors"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/throttle"
)

// lockedMail is how often an owner is told that the account is being guessed: once a day, however long it goes on.
var lockedMail = throttle.Limit{Burst: 1, Window: 24 * time.Hour}

// tellLocked tells the owner that too many passwords were tried. For an address without an account as many rows are written but the
// mail's, and nobody is told. It is called before the request's transaction, which a wrong password rolls back.
func (a *part) tellLocked(r interface {
	asked
	Context() context.Context
	Now() time.Time
}, email string, row userRow, found bool) error {
	permit, err := a.house.Limits.Reserve(r.Context(), throttle.Own("account-locked", lockedMail, email))
	var limited *throttle.Limited
	if errors.As(err, &limited) {
		return nil // told already
	}
	if err != nil {
		return err
	}
	if err := permit.Spend(permit.Purpose()); err != nil {
		return err
	}
	return a.house.Engine.Write(r.Context(), func(_ context.Context, w *db.Writer) error {
		if !found {
			return decoy(w, email, r.Now())
		}
		return a.notice(w, r.Lang(), r.Now(), row, "account.mail.locked")
	})
}
