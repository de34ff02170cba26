package account

import (
	"log/slog"
	"slices"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/session"
)

// A proof is how a user showed who it is.
type proof struct {
	factors int    // 1: a password; 2: a second factor too, or a passkey that asked for finger, face or code
	way     string // for the event: "password", "password+totp", "password+code", "passkey"; empty: password
	first   bool   // the account was made a moment ago in this browser: nobody needs to be told of a new device
	trust   bool   // the visitor asked for the second step to be skipped on this device
}

// enter is every sign-in: a new session in the place of the old one, the device remembered, the owner told of a new one.
func enter[U any](a *part, w *merlon.Write[U], row userRow, how proof) error {
	class := session.Ordinary
	if slices.Contains(row.user().Roles, Admin) {
		class = session.Administrator
	}
	if err := w.Session.Rotate(session.Level{User: row.ID, Factors: how.factors, Recent: w.Now(), Class: class}); err != nil {
		return err
	}
	id, unknown, err := remember(w, row.ID)
	if err != nil {
		return err
	}
	if how.trust {
		if _, err := trustDevice.Run(w.DB, id, row.ID, w.Now().Add(trustLife).UnixMicro()); err != nil {
			return err
		}
	}
	if unknown && !how.first {
		if err := a.notice(w.DB, w.Lang(), w.Now(), row, "account.mail.new-device", w.Device()); err != nil {
			return err
		}
	}
	way := how.way
	if way == "" {
		way = "password"
	}
	w.Record(RuleSignedIn, event.Done, slog.Int64("account", row.ID), slog.String("by", way), slog.Bool("new device", unknown), slog.String("browser", w.Device()))
	return nil
}
