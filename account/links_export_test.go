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

// SweepNow deletes what is over.
func SweepNow(h *merlon.House) error {
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

// TrustAll has the second step skipped on every device of a user.
func TrustAll(w *db.Writer, user int64, until time.Time) error {
	_, err := trustAll.Run(w, user, until.UnixMicro())
	return err
}

// Trusted counts a user's trusted devices.
func Trusted(h *merlon.House, user int64, now time.Time) (n int) {
	r := h.Engine.Read(context.Background())
	defer r.Close()
	all, err := listDevices.All(r, user, maxDevices)
	if err != nil {
		panic(err)
	}
	for _, d := range all {
		if d.Trusted > now.UnixMicro() {
			n++
		}
	}
	return n
}

var trustAll = db.Exec(schema, "UPDATE merlon_device SET trusted = $2 WHERE \"user\" = $1")

// A Trace is how many tickets of one user, kind and life there are.
type Trace struct {
	Life  int64 // microseconds
	Ended int64 // what became of them, 0: they work
	Count int64
}

// Traces lists the tickets about an address, by life.
func Traces(r *db.Reader, email string) ([]Trace, error) { return traces.All(r, email) }

var traces = db.Query[Trace](schema, "SELECT expires - created AS life, ended, count(*) AS count FROM merlon_ticket WHERE email = $1 GROUP BY user, kind, life, ended ORDER BY life, ended LIMIT 100")

// MarkEntered notes that a user has signed in.
func MarkEntered(w *db.Writer, email string, now time.Time) error {
	row, err := userByEmail.One(w, email)
	if err == nil {
		_, err = markEntered.Run(w, row.ID, now.UnixMicro())
	}
	return err
}
