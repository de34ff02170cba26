package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/page"
)

// Leave is the form with which users delete their account.
type Leave struct {
	Sure bool `form:"required" label:"Yes, delete my account"`
}

// LeavePage is the data of the page account-leave.html.
type LeavePage struct {
	Form form.Form[Leave]
	Days int
	Last bool // the last administrator, who cannot leave
}

var (
	leavePage = page.New[LeavePage](pages, "account-leave.html")

	setLeaving  = db.Exec(schema, "UPDATE merlon_user SET leaving = $2 WHERE id = $1")
	otherAdmins = db.Query[count](schema, "SELECT count(*) AS n FROM merlon_user WHERE id <> $1 AND disabled = 0 AND leaving = 0 AND ',' || roles || ',' LIKE '%,admin,%' LIMIT 1")
	gone        = db.Query[userRow](schema, "SELECT "+userColumns+" FROM merlon_user WHERE leaving > 0 AND leaving <= $1 AND disabled = 0 AND id > $2 ORDER BY id LIMIT $3")
)

// isLast reports whether a user is the only administrator: without one nobody could look after the site.
func isLast(from db.Querier, u User) (bool, error) {
	if !slices.Contains(u.Roles, Admin) {
		return false, nil
	}
	others, err := otherAdmins.One(from, u.ID)
	return err == nil && others.N == 0, err
}

func (a *part) showLeave(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	last, err := isLast(r.DB, r.User)
	return merlon.Show(leavePage, LeavePage{Days: leaveDays, Last: last}), err
}

const leaveDays = int(leaveAfter / (24 * time.Hour))

// leave marks the account: from now on the whole site takes its user for nobody, and after the grace period the sweep deletes
// it. Until then the mailed link, or signing in as ever, leads to one button that calls it back.
func (a *part) leave(w *merlon.Write[User], f form.Form[Leave]) (*merlon.Response, error) {
	row, err := userByID.One(w.DB, w.User.ID)
	if err != nil {
		return nil, err
	}
	last, err := isLast(w.DB, row.user())
	if err != nil {
		return nil, err
	}
	if _, ok := f.Value(); !ok || last {
		return merlon.ShowStatus(422, leavePage, LeavePage{f, leaveDays, last}), nil
	}
	if err := endAsked(w.DB, row.ID); err != nil {
		return nil, err
	}
	until, err := a.beginLeaving(w.DB, w.Lang(), w.Now(), row)
	if err != nil {
		return nil, err
	}
	w.Record(RuleLeaving, event.Done, slog.Int64("account", row.ID), slog.Time("until", until))
	if err := w.Session.EndOthers(row.ID, "account deleted"); err != nil {
		return nil, err
	}
	if err := distrust(w.DB, row.ID); err != nil {
		return nil, err
	}
	if err := w.Session.End("account deleted"); err != nil {
		return nil, err
	}
	return merlon.RedirectLocal(a.home()).Notice("Your account is to be deleted in 14 days. The mail that we sent you has a link that keeps it."), nil
}

// beginLeaving sets the time at which an account is deleted, and mails it with the link that calls the account back.
func (a *part) beginLeaving(w *db.Writer, lang string, now time.Time, row userRow) (until time.Time, err error) {
	until = now.Add(leaveAfter)
	if _, err := setLeaving.Run(w, row.ID, until.UnixMicro()); err != nil {
		return until, err
	}
	code, err := reissue(w, returnTicket, row.ID, row.Email, now)
	if err != nil {
		return until, err
	}
	return until, a.notice(w, lang, now, row, "account.mail.leaving", day(row.speaks(lang), until), a.link(returnTicket, code))
}

// sweepLeaving deletes the accounts whose grace period is over, but those that are disabled, which nobody can call back, each in a transaction of its own: one whose hook fails keeps
// no other waiting, and is tried again.
func (a *part) sweepLeaving(ctx context.Context, h *merlon.House) error {
	var faults []error
	for last := int64(0); ctx.Err() == nil; {
		done := true
		err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
			rows, err := gone.All(w, h.Clock().UnixMicro(), last, 1)
			if err != nil || len(rows) == 0 {
				return err
			}
			done, last = false, rows[0].ID
			e, err := a.endLeaving(w, rows[0])
			if err != nil {
				return err
			}
			e.Time = h.Clock()
			w.OnRelease(func() { h.Log.LogAttrs(ctx, e.Level(), e.Title, e.Attrs()...) })
			return journal.Append(w, e)
		})
		if err != nil {
			faults = append(faults, fmt.Errorf("account: user %d could not be deleted: it is tried again in ten minutes; correct what failed: %w", last, err))
		}
		if done {
			break
		}
	}
	return errors.Join(faults...)
}

// endLeaving deletes an account whose time is over. That of the only administrator stays, for good: the others left or were disabled
// since, and with the mark nobody could ever look after the site again.
func (a *part) endLeaving(w *db.Writer, row userRow) (e event.Event, err error) {
	only, err := isLast(w, row.user())
	if err != nil {
		return e, err
	}
	if !only {
		return event.New(RuleDeleted, event.Done, slog.Int64("account", row.ID), slog.String("reason", "its user left")), a.erase(w, row)
	}
	if err := callBack(w, row.ID); err != nil {
		return e, err
	}
	if _, err := a.house.Sessions.EndUser(w, row.ID, "account stays"); err != nil { // of nobody until now: other rights, another token
		return e, err
	}
	if err := distrust(w, row.ID); err != nil {
		return e, err
	}
	return event.New(RuleStayed, event.Done, slog.Int64("account", row.ID), slog.String("reason", "the only administrator")),
		a.notice(w, a.house.Lang(), a.house.Clock(), row, "account.mail.stayed-last")
}
