package account

import (
	"errors"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// Stay is the form of one button that calls a leaving account back.
type Stay struct{}

// StayPage is the data of the page account-stay.html.
type StayPage struct {
	Name     string
	Until    string
	SignedIn bool
}

var stayPage = page.New[StayPage](pages, "account-stay.html")

// isLeaving reports whether the user of a session has an account that is to be deleted.
func isLeaving(from db.Querier, user int64) (bool, error) {
	if user == 0 {
		return false, nil
	}
	row, err := userByID.One(from, user)
	if errors.Is(err, db.ErrNoRow) {
		return false, nil
	}
	return err == nil && row.Disabled == 0 && row.Leaving != 0, err
}

// leaver finds the account that a visitor may call back: that of the session, which proves as much as every sign-in, or that
// of the mailed link. The time is that of the request: an account whose time is over only waits for the sweep.
func leaver(from db.Querier, user int64, step held, has bool, now time.Time) (row userRow, byLink, ok bool, err error) {
	if user == 0 {
		var t ticketRow
		if !has || step.Kind != returnTicket {
			return row, false, false, nil
		}
		if t, byLink, err = peek(from, returnTicket, step.Hash, now); err != nil || !byLink {
			return row, false, false, err
		}
		user = t.User
	}
	row, err = userByID.One(from, user)
	if errors.Is(err, db.ErrNoRow) {
		return row, byLink, false, nil
	}
	return row, byLink, err == nil && row.Disabled == 0 && row.Leaving > now.UnixMicro(), err
}

func (a *part) showStay(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	step, has := ticketStep.Get(r)
	row, byLink, ok, err := leaver(r.DB, r.Session.User(), step, has, r.Now())
	if err != nil || !ok {
		return merlon.Gone(), err
	}
	return merlon.Show(stayPage, StayPage{row.Name, day(r.Lang(), time.UnixMicro(row.Leaving)), !byLink}), nil
}

// stay takes the mark away. By the link nobody is signed in: it proves the mailbox, not the user.
func (a *part) stay(w *merlon.Write[Guest], _ form.Form[Stay]) (*merlon.Response, error) {
	step, has := ticketStep.Get(w)
	row, byLink, ok, err := leaver(w.DB, w.Session.User(), step, has, w.Now())
	if err != nil || !ok {
		return merlon.Gone(), err
	}
	if _, err := setLeaving.Run(w.DB, row.ID, 0); err != nil {
		return nil, err
	}
	if err := void(w.DB, row.ID, returnTicket); err != nil {
		return nil, err
	}
	w.Record(RuleStayed, event.Done, slog.Int64("account", row.ID), slog.Bool("by mail", byLink))
	if byLink {
		ticketStep.End(w)
		return merlon.Redirect("/sign-in").Notice("Your account stays."), nil
	}
	if err := w.Session.Rotate(w.Session.Level()); err != nil { // from nobody to a user: other rights, another token
		return nil, err
	}
	return merlon.Redirect("/account").Notice("Your account stays."), nil
}
