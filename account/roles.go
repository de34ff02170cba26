package account

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
)

// SetRoles gives a user other roles and ends all the user's sessions, so that none keeps the old rights, and the trust in the
// user's devices: the new rights are not to be had by the password alone where there is a second factor. Who did it, whose
// roles they are, and what they were before and after is an event of the same transaction, and the user is told by mail. The
// roles that the user has already change nothing.
func SetRoles(h *merlon.House, w *db.Writer, user int64, roles ...string) error {
	return setRoles(h, w, user, roles)
}

// setRoles is SetRoles with more for the event.
func setRoles(h *merlon.House, w *db.Writer, user int64, roles []string, more ...slog.Attr) error {
	if err := checkRoles(roles); err != nil {
		return err
	}
	a, err := of(h)
	if err != nil {
		return err
	}
	row, err := userByID.One(w, user)
	if err != nil {
		return err
	}
	before := row.user().Roles
	if slices.Equal(slices.Sorted(slices.Values(before)), slices.Sorted(slices.Values(roles))) {
		return nil
	}
	if _, err := updateRoles.Run(w, user, strings.Join(roles, ",")); err != nil {
		return err
	}
	if _, err := h.Sessions.EndUser(w, user, "roles changed"); err != nil {
		return err
	}
	if err := distrust(w, user); err != nil {
		return err
	}
	more = append([]slog.Attr{slog.Int64("account", user), slog.String("before", strings.Join(before, ",")), slog.String("after", strings.Join(roles, ","))}, more...)
	e := event.New(RuleRoles, event.Done, more...)
	if !event.Fill(w.Context(), &e) { // a command or a job: nobody who is signed in
		e.Time = h.Clock()
	}
	if err := journal.Append(w, e); err != nil {
		return err
	}
	w.OnRelease(func() { h.Log.LogAttrs(context.Background(), e.Level(), e.Title, e.Attrs()...) })
	return a.notice(w, h.Lang(), h.Clock(), row, "account.mail.roles", listed(before), listed(roles))
}

// listed are roles as a mail names them.
func listed(roles []string) string {
	if len(roles) == 0 {
		return "–"
	}
	return strings.Join(roles, ", ")
}
