package account

import (
	"errors"
	"log/slog"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// NotMePage is the data of the page not-me.html.
type NotMePage struct {
	Email string
	Moved bool // the account has another address by now: the old one comes back
}

var (
	notMePage = page.New[NotMePage](pages, "not-me.html")
	undoPage  = page.New[LinkPage](pages, "address-undo.html")
	findUndo  = db.Query[ticketRow](schema, "SELECT hash, kind, \"user\", email, created, expires FROM merlon_ticket WHERE \"user\" = $1 AND kind = 'undo' AND email = $2 AND expires > $3 ORDER BY created LIMIT 1")
	// undo links of earlier changes stay: whoever took an account moves its address twice, and would undo only the second
	voidForNotMe      = db.Exec(schema, "DELETE FROM merlon_ticket WHERE \"user\" = $1 AND kind <> 'undo'")
	voidUndosSince    = db.Exec(schema, "DELETE FROM merlon_ticket WHERE \"user\" = $1 AND kind = 'undo' AND created >= $2")
	dropRecoverySince = db.Exec(schema, "DELETE FROM merlon_recovery WHERE \"user\" = $1 AND created >= $2")
	dropTotpSince     = db.Exec(schema, "DELETE FROM merlon_totp WHERE \"user\" = $1 AND created >= $2")
	noPassword        = db.Exec(schema, "UPDATE merlon_user SET password = '!', chosen = 0 WHERE id = $1")
	voidForUndo       = db.Exec(schema, "DELETE FROM merlon_ticket WHERE \"user\" = $1 AND (kind <> 'undo' OR created >= $2)")
)

func (a *part) showNotMe(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	t, ok, err := showLink(r, notMeTicket)
	if err != nil || !ok {
		return merlon.Gone(), err
	}
	row, ok, err := ticketUser(r.DB, t)
	if err != nil || !ok {
		return merlon.Gone(), err
	}
	_, err = findUndo.One(r.DB, row.ID, t.Email, r.Now().UnixMicro())
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return nil, err
	}
	return merlon.Show(notMePage, NotMePage{t.Email, err == nil && row.Email != t.Email}), nil
}

// notMe ends what somebody else may hold of the account: sessions, devices, links that are under way. A link for a new
// password goes to the address that the notice was sent to; if the account was moved away from it, it comes back first,
// or whoever moved it would ask for the next link.
func (a *part) notMe(w *merlon.Write[Guest], _ form.Form[OneButton]) (*merlon.Response, error) {
	t, used, err := spend(w, notMeTicket)
	if err != nil || !used {
		return merlon.Gone(), err
	}
	row, ok, err := ticketUser(w.DB, t)
	if err != nil || !ok {
		return merlon.Gone(), err
	}
	w.Record(RuleNotMe, event.Done, slog.Int64("account", row.ID))
	moved := false
	if row.Email != t.Email {
		undo, err := findUndo.One(w.DB, row.ID, t.Email, w.Now().UnixMicro())
		if err != nil && !errors.Is(err, db.ErrNoRow) {
			return nil, err
		}
		if moved = err == nil; moved {
			if err := a.bringBack(w, row, undo); err != nil {
				return nil, err
			}
		}
	}
	if !moved {
		if _, err := voidForNotMe.Run(w.DB, row.ID); err != nil {
			return nil, err
		}
		if err := a.rescue(w, row, row.Email, t.Created); err != nil {
			return nil, err
		}
	}
	return merlon.Redirect("/account/reset/sent").Notice("All devices are signed out."), nil
}

// rescue shuts everybody out, takes away the password, which is not the owner's alone any more, and the factors that were
// added since the notice that the owner answers, and mails a link for a new password. Older factors stay: whoever has the
// mailbox alone does not get in.
func (a *part) rescue(w *merlon.Write[Guest], row userRow, address string, since int64) error {
	if err := shutOut(a, w, row.ID); err != nil {
		return err
	}
	if _, err := noPassword.Run(w.DB, row.ID); err != nil {
		return err
	}
	done, err := dropTotpSince.Run(w.DB, row.ID, since)
	if err == nil && done.Rows > 0 {
		_, err = deleteRecovery.Run(w.DB, row.ID)
	}
	if err != nil {
		return err
	}
	if _, err := dropRecoverySince.Run(w.DB, row.ID, since); err != nil { // somebody else has seen them
		return err
	}
	for _, way := range a.ways {
		if way.DeleteSince == nil {
			continue
		}
		if err := way.DeleteSince(w.DB, row.ID, since); err != nil {
			return err
		}
	}
	if row.Leaving != 0 { // what somebody else asked for does not happen
		if _, err := setLeaving.Run(w.DB, row.ID, 0); err != nil {
			return err
		}
		w.Record(RuleStayed, event.Done, slog.Int64("account", row.ID), slog.Bool("by mail", true))
	}
	return a.sendReset(w.DB, w.Lang(), w.Now(), row, address)
}

func (a *part) showUndo(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	t, ok, err := showLink(r, undoTicket)
	if err != nil || !ok {
		return merlon.Gone(), err
	}
	return merlon.Show(undoPage, LinkPage{t.Email}), nil
}

// undo gives the account back the address that it had.
func (a *part) undo(w *merlon.Write[Guest], _ form.Form[OneButton]) (*merlon.Response, error) {
	t, used, err := spend(w, undoTicket)
	if err != nil || !used {
		return merlon.Gone(), err
	}
	row, ok, err := ticketUser(w.DB, t)
	if err != nil || !ok {
		return merlon.Gone(), err
	}
	if err := a.bringBack(w, row, t); err != nil {
		return nil, err
	}
	return merlon.Redirect("/account/reset/sent").Notice("The address is changed back, and all devices are signed out."), nil
}

// bringBack undoes a change of address and all later ones.
func (a *part) bringBack(w *merlon.Write[Guest], row userRow, t ticketRow) error {
	if _, err := voidForUndo.Run(w.DB, row.ID, t.Created); err != nil {
		return err
	}
	moved, err := a.moveTo(w.DB, row, t.Email)
	if err != nil {
		return err
	}
	if moved {
		row.Email = t.Email
	} // else its owner has made a second account with it meanwhile: the link for a new password goes there all the same
	w.Record(RuleUndone, event.Done, slog.Int64("account", row.ID), slog.Bool("moved", moved))
	return a.rescue(w, row, t.Email, t.Created)
}
