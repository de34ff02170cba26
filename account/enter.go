package account

import (
	"errors"
	"log/slog"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/session"
)

// A proof is how a user showed who it is.
type proof struct {
	factors int    // 1: a password; 2: a second factor too, or a passkey that asked for finger, face or code
	way     string // for the event: one of the below, or the name of a [Way]; empty: password
	first   bool   // the account was made a moment ago in this browser: nobody needs to be told of a new device
	trust   bool   // the visitor asked for the second step to be skipped on this device
}

// The ways of account itself.
const (
	byPassword = "password"
	byTOTP     = "password+totp"
	byCode     = "password+code"
	byTrusted  = "password+trusted device"
)

// shown is what a sign-in leaves in its session for [NeedRecentAll].
func (p proof) shown(now int64) shown {
	switch {
	case p.way == byTOTP, p.way == byCode:
		return shown{Password: now, Code: now}
	case p.factors < 2, p.way == byTrusted:
		return shown{Password: now}
	}
	return shown{Way: now}
}

var markEntered = db.Exec(schema, "UPDATE merlon_user SET entered = $2 WHERE id = $1 AND entered = 0")

var errSkipped = errors.New("account: a sign-in by one factor of a user who has a second one: the second step would be skipped; call letIn, which asks for it")

// letIn signs a user in who has shown the password, or asks for the second step first.
func letIn[U any](a *part, w *merlon.Write[U], row userRow, how proof, next merlon.Local) (*merlon.Response, error) {
	on, _, _, err := totpState(w.DB, row.ID)
	if err != nil {
		return nil, err
	}
	if on {
		trusted, err := trustedHere(w, row)
		if err != nil {
			return nil, err
		}
		if !trusted {
			return toSecond(w, row, next)
		}
		how.factors, how.way = 2, byTrusted
	}
	if err := enter(a, w, row, how); err != nil {
		return nil, err
	}
	if how.factors < 2 && isAdmin(row) && row.Leaving == 0 {
		return merlon.Redirect("/sign-in/again?ask={ask}&next={next}", askFactor, next), nil
	}
	return landing(row, next), nil
}

// landing is where a sign-in leads: to the page that was asked for, or to the one that calls a leaving account back.
func landing(row userRow, next merlon.Local) *merlon.Response {
	if row.Leaving != 0 {
		return merlon.Redirect("/account/stay")
	}
	return merlon.RedirectLocal(next)
}

// enter is every sign-in: a new session in the place of the old one, the device remembered, the owner told of a new one.
func enter[U any](a *part, w *merlon.Write[U], row userRow, how proof) error {
	if how.factors < 2 {
		if on, _, _, err := totpState(w.DB, row.ID); err != nil || on {
			return errors.Join(errSkipped, err)
		}
	}
	class := session.Ordinary
	if isAdmin(row) {
		class = session.Administrator
	}
	way := how.way
	if way == "" {
		way = byPassword
	}
	if err := w.Session.Rotate(session.Level{User: row.ID, Factors: how.factors, Recent: w.Now(), Class: class, How: way}); err != nil {
		return err
	}
	seen := how.shown(w.Now().UnixMicro())
	if how.factors < 2 {
		var err error
		if seen.Weak, err = a.hasWay(w.DB, row.ID); err != nil {
			return err
		}
	}
	shownKey.Set(w.Session, seen)
	forgetArrival(w)
	id, unknown, err := remember(w, row.ID, true)
	if err != nil {
		return err
	}
	if how.trust {
		if _, err := trustDevice.Run(w.DB, id, row.ID, w.Now().Add(trustLife).UnixMicro()); err != nil {
			return err
		}
		w.Record(RuleTrusted, event.Done, slog.Int64("account", row.ID), slog.Int64("device", id))
	}
	came, err := markEntered.Run(w.DB, row.ID, w.Now().UnixMicro())
	if err != nil {
		return err
	}
	if unknown && !how.first && came.Rows == 0 { // the first sign-in of all is on a device that nobody knows
		if err := a.notice(w.DB, w.Lang(), w.Now(), row, "account.mail.new-device", browserIn(row.speaks(w.Lang()), w.Device())); err != nil {
			return err
		}
	}
	w.Record(RuleSignedIn, event.Done, slog.Int64("account", row.ID), slog.String("by", way), slog.Bool("new device", unknown), slog.String("browser", w.Device()))
	return run(a.cfg.Hooks.SignedIn, w.DB, row.user())
}
