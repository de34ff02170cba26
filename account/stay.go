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

// Stay is the form of one button that calls a leaving account back: that of the link, without one that of the session.
type Stay struct {
	Link string `form:"max=600,hidden" label:"The mailed link"`
}

// StayPage is the data of the page account-stay.html.
type StayPage struct {
	Name     string
	Until    string
	SignedIn bool
	Link     string
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

// leaver finds an account that may be called back. The time is that of the request: an account whose time is over only waits
// for the sweep.
func leaver(from db.Querier, user int64, now time.Time) (row userRow, ok bool, err error) {
	row, err = userByID.One(from, user)
	if errors.Is(err, db.ErrNoRow) {
		return row, false, nil
	}
	return row, err == nil && row.Disabled == 0 && row.Leaving > now.UnixMicro(), err
}

// showStay asks about the account of the session, which proves as much as every sign-in, or else about that of the mailed link.
func (a *part) showStay(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	row, ok, err := leaver(r.DB, r.Session.User(), r.Now())
	if err != nil {
		return nil, err
	}
	var l mailed
	if !ok {
		var fate linkFate
		if l, fate, err = linkHere(a, r, returnTicket); err != nil || fate != linkWorks {
			return a.over(r, l, fate, err)
		}
		if row, ok, err = leaver(r.DB, l.User, r.Now()); err != nil || !ok {
			return a.over(r, l, linkVoid, err)
		}
	}
	return merlon.Show(stayPage, StayPage{row.Name, day(r.Lang(), time.UnixMicro(row.Leaving)), l.text == "", l.text}), nil
}

// callBack takes the mark away, and with it the link that does.
func callBack(w *db.Writer, user int64) error {
	if _, err := setLeaving.Run(w, user, 0); err != nil {
		return err
	}
	return void(w, user, returnTicket)
}

// stay takes the mark away. By the link nobody is signed in: it proves the mailbox, not the user.
func (a *part) stay(w *merlon.Write[Guest], f form.Form[Stay]) (*merlon.Response, error) {
	user, byLink := w.Session.User(), f.Raw("Link") != ""
	l := mailed{held: held{Kind: returnTicket}}
	if byLink {
		var fate linkFate
		var err error
		if l, fate, err = spend(a, w, f.Raw("Link"), returnTicket); err != nil || fate != linkWorks {
			return a.over(w, l, fate, err)
		}
		user = l.User
	}
	row, ok, err := leaver(w.DB, user, w.Now())
	if err != nil || !ok {
		return a.over(w, l, linkVoid, err)
	}
	if err := callBack(w.DB, row.ID); err != nil {
		return nil, err
	}
	if err := a.notice(w.DB, w.Lang(), w.Now(), row, "account.mail.stayed"); err != nil {
		return nil, err
	}
	w.Record(RuleStayed, event.Done, slog.Int64("account", row.ID), slog.Bool("by mail", byLink))
	if w.Session.User() != row.ID {
		return merlon.Redirect("/sign-in").Notice("Your account stays."), nil
	}
	if err := w.Session.Rotate(w.Session.Level()); err != nil { // from nobody to a user: other rights, another token
		return nil, err
	}
	return merlon.Redirect("/account").Notice("Your account stays."), nil
}
