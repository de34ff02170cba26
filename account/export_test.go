package account

import (
	"context"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// Hashed returns how many hashes the site has computed.
func Hashed(h *merlon.House) uint64 {
	a, err := of(h)
	if err != nil {
		panic(err)
	}
	return a.hasher.Stats().Hashed
}

// Invite mails an invitation.
func Invite(h *merlon.House, w *db.Writer, email string, now time.Time) error {
	a, err := of(h)
	if err != nil {
		return err
	}
	return a.invite(w, h.Lang(), email, now)
}

// Enrolment makes the link for a first password.
func Enrolment(h *merlon.House, w *db.Writer, user int64, email string, now time.Time) (string, error) {
	a, err := of(h)
	if err != nil {
		return "", err
	}
	return a.enrolment(w, user, email, now)
}

// Sweep deletes what is over.
func Sweep(h *merlon.House) error {
	a, err := of(h)
	if err != nil {
		return err
	}
	return a.sweep(context.Background(), h)
}

// Unprove makes an account one whose address was never proven.
func Unprove(w *db.Writer, email string) error {
	_, err := unprove.Run(w, email)
	return err
}

var unprove = db.Exec(schema, "UPDATE merlon_user SET verified = 0 WHERE email = $1")
