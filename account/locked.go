package account

import (
	"context"
	"errors"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/throttle"
)

// lockedMail is how often an owner is told that passwords of the account are being guessed, or codes: once a day each, however
// long it goes on.
var lockedMail = throttle.Limit{Burst: 1, Window: 24 * time.Hour}

type lockedRow struct {
	Account int64
	Lang    string
}

var (
	noteLocked    = db.Exec(schema, "INSERT INTO merlon_locked (account, lang) VALUES ($1, $2) ON CONFLICT DO NOTHING")
	listLocked    = db.Query[lockedRow](schema, "SELECT account, lang FROM merlon_locked ORDER BY account DESC LIMIT 100") // nobody's, below zero, last
	dropLocked    = db.Exec(schema, "DELETE FROM merlon_locked WHERE account = $1")
	dropAllLocked = db.Exec(schema, "DELETE FROM merlon_locked")
)

// noteGuessed notes that too many passwords were tried, for [part.tellGuessed] to tell the owner: with the one that fills the
// limit, since who waits for the next free place is never refused, and with those that it refuses. The request writes one row, also
// for an address without an account, so its time does not tell which of the two it was (AUTH-6). It is called before the request's
// transaction, which a wrong password rolls back.
func (a *part) noteGuessed(r interface {
	asked
	Context() context.Context
}, email string, row userRow, found bool) error {
	account := nobody(email)
	if found {
		account = row.ID
	}
	return a.onceADay(r.Context(), throttle.Own("account-locked", lockedMail, email), func(w *db.Writer) error {
		_, err := noteLocked.Run(w, account, r.Lang())
		return err
	})
}

// tellCodes tells the owner that too many codes were tried, at once: whoever tries codes has shown the password, and knows that
// there is an account.
func (a *part) tellCodes(r interface {
	asked
	Context() context.Context
	Now() time.Time
}, row userRow) error {
	return a.onceADay(r.Context(), throttle.Own("account-codes-tried", lockedMail, row.Email), func(w *db.Writer) error {
		return a.notice(w, r.Lang(), r.Now(), row, "account.mail.codes-tried")
	})
}

// onceADay does something in a transaction of its own, if the bucket has a place. What failed is done the next time.
func (a *part) onceADay(ctx context.Context, bucket throttle.Bucket, do func(*db.Writer) error) error {
	permit, err := a.house.Limits.Reserve(ctx, bucket)
	var limited *throttle.Limited
	if errors.As(err, &limited) {
		return nil // done already
	}
	if err != nil {
		return err
	}
	if err := a.house.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error { return do(w) }); err != nil {
		return errors.Join(err, permit.Return(context.WithoutCancel(ctx)))
	}
	return permit.Spend(permit.Purpose())
}

// tellGuessed is a task: it tells the owners of what [part.noteGuessed] has noted, and forgets the rest. In a copy, where no part's
// task runs, the notes stay.
func (a *part) tellGuessed(ctx context.Context, h *merlon.House) error {
	reader := h.Engine.Read(ctx)
	noted, err := listLocked.All(reader)
	_ = reader.Close()
	if err != nil || len(noted) == 0 {
		return err
	}
	return h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		for _, n := range noted {
			gone, err := dropLocked.Run(w, n.Account)
			if err != nil {
				return err
			}
			if n.Account <= 0 || gone.Rows == 0 { // nobody's, or another process was first
				continue
			}
			row, err := userByID.One(w, n.Account)
			if errors.Is(err, db.ErrNoRow) {
				continue
			}
			if err == nil {
				err = a.notice(w, n.Lang, h.Clock(), row, "account.mail.locked")
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
