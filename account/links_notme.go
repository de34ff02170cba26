package account

import (
	"errors"
	"log/slog"
	"math"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/page"
)

// NotMePage is the data of the page not-me.html.
type NotMePage struct {
	Email    string
	Link     string
	Unproven bool // a sign-up whose address nobody has proven: it is deleted
	Moved    bool // the account has another address by now: the old one comes back
	Added    bool // the mail told of a factor that was added: it is taken away
	Kept     bool // the account is to be deleted: it stays
}

// UndoPage is the data of the page address-undo.html.
type UndoPage struct{ Email, Link string }

var (
	notMePage = page.New[NotMePage](pages, "not-me.html")
	undoPage  = page.New[UndoPage](pages, "address-undo.html")
	findUndo  = db.Query[ticketRow](schema, "SELECT "+ticketColumns+" FROM merlon_ticket WHERE \"user\" = $1 AND kind = 'undo' AND email = $2 AND expires > $3 AND ended = 0 ORDER BY created LIMIT 1")
	// undo links of earlier changes stay: whoever took an account moves its address twice, and would undo only the second;
	// and what takes an added factor away stays: nothing else does
	voidForNotMe  = db.Exec(schema, "UPDATE merlon_ticket SET ended = 3 WHERE \"user\" = $1 AND kind NOT IN ('undo', 'added') AND ended = 0")
	voidForUndo   = db.Exec(schema, "UPDATE merlon_ticket SET ended = 3 WHERE \"user\" = $1 AND (kind NOT IN ('undo', 'added') OR created >= $2) AND ended = 0")
	voidForReturn = db.Exec(schema, "UPDATE merlon_ticket SET ended = 3 WHERE \"user\" = $1 AND created >= $2 AND (kind = 'undo' OR kind IN ('not-me', 'added') AND email <> $3) AND ended = 0")
	dropRecovery  = db.Exec(schema, "DELETE FROM merlon_recovery WHERE \"user\" = $1 AND created >= $2 AND created <= $3")
	dropTotp      = db.Exec(schema, "DELETE FROM merlon_totp WHERE \"user\" = $1 AND created >= $2 AND created <= $3")
	noPassword    = db.Exec(schema, "UPDATE merlon_user SET password = '!', chosen = 0 WHERE id = $1")
)

// claim finds the undo of the change that moved an account away from the address of a notice. The mailbox has no say, false,
// when the account has another address and no such change is young enough: it was between two changes of address.
func claim(q db.Querier, row userRow, t ticketRow, now int64) (undo ticketRow, moved, may bool, err error) {
	if row.Email == t.Email {
		return undo, false, true, nil
	}
	undo, err = findUndo.One(q, row.ID, t.Email, now)
	if errors.Is(err, db.ErrNoRow) {
		return undo, false, false, nil
	}
	return undo, err == nil, err == nil, err
}

func (a *part) showNotMe(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	l, fate, err := linkHere(a, r, notMeTicket, addedTicket)
	if err != nil || fate != linkWorks {
		return a.over(r, l, fate, err)
	}
	row, ok, err := ticketUser(r.DB, l.ticketRow)
	if err != nil || !ok {
		return a.over(r, l, linkVoid, err)
	}
	_, moved, may, err := claim(r.DB, row, l.ticketRow, r.Now().UnixMicro())
	if err != nil || !may {
		return a.over(r, l, linkVoid, err)
	}
	return merlon.Show(notMePage, NotMePage{l.Email, l.text, row.waiting(), moved, l.held.Kind == addedTicket, row.Leaving != 0}), nil
}

// notMe ends what somebody else may hold of the account: sessions, devices, links that are under way. A link for a new
// password goes to the address that the notice was sent to; if the account was moved away from it, it comes back first, or
// whoever moved it would ask for the next link. A sign-up that nobody has proven is deleted: without a password it would keep
// the address, and a name that somebody else typed, for ever.
func (a *part) notMe(w *merlon.Write[Guest], f form.Form[Press]) (*merlon.Response, error) {
	l, fate, err := spend(a, w, f.Raw("Link"), notMeTicket, addedTicket)
	if err != nil || fate != linkWorks {
		return a.over(w, l, fate, err)
	}
	row, ok, err := ticketUser(w.DB, l.ticketRow)
	if err != nil || !ok {
		return a.over(w, l, linkVoid, err)
	}
	undo, moved, may, err := claim(w.DB, row, l.ticketRow, w.Now().UnixMicro())
	if err != nil || !may {
		return a.over(w, l, linkVoid, err)
	}
	w.Record(RuleNotMe, event.Done, slog.Int64("account", row.ID))
	if row.waiting() {
		return merlon.Redirect("/sign-in").Notice("What somebody signed up with your address is deleted."), a.erase(w.DB, row)
	}
	if l.held.Kind == addedTicket {
		if err := a.dropAdded(w.DB, row.ID, l.Created, l.Created); err != nil {
			return nil, err
		}
	}
	if moved {
		moved, err = a.bringBack(w, row, undo)
		return broughtBack(moved), err
	}
	if _, err = voidForNotMe.Run(w.DB, row.ID); err == nil {
		err = a.rescue(w, row, row.Email)
	}
	return merlon.Redirect("/account/reset/sent").Notice("All devices are signed out."), err
}

// dropAdded takes away the factors that were added between two times, both included, in Unix microseconds. A notice of an
// added factor was written in the same transaction, so that it has the same time. Only such a notice takes a factor away, and
// only its own: one that is older would let whoever has the mailbox alone in.
func (a *part) dropAdded(w *db.Writer, user, from, to int64) error {
	if _, err := dropTotp.Run(w, user, from, to); err != nil {
		return err
	}
	if _, err := dropRecovery.Run(w, user, from, to); err != nil { // somebody else has seen them
		return err
	}
	for _, way := range a.ways {
		if way.DeleteAdded == nil {
			continue
		}
		if err := way.DeleteAdded(w, user, from, to); err != nil {
			return err
		}
	}
	_, any, err := a.standIn(w, user)
	if err == nil && !any { // codes that somebody else made later stand in for nothing, and would for the next factor
		_, err = deleteRecovery.Run(w, user)
	}
	return err
}

// rescue shuts everybody out, takes away the password, which is not the owner's alone any more, and mails a link for a new
// one. Factors stay, since whoever has the mailbox alone does not get in; the mail says which, and what takes them away.
func (a *part) rescue(w *merlon.Write[Guest], row userRow, address string) error {
	if err := shutOut(a, w, row.ID); err != nil {
		return err
	}
	if _, err := noPassword.Run(w.DB, row.ID); err != nil {
		return err
	}
	if row.Leaving != 0 { // what somebody else asked for does not happen
		if _, err := setLeaving.Run(w.DB, row.ID, 0); err != nil {
			return err
		}
		w.Record(RuleStayed, event.Done, slog.Int64("account", row.ID), slog.Bool("by mail", true))
	}
	staying, err := a.staying(w.DB, row, w.Lang())
	if err != nil {
		return err
	}
	code, err := reissue(w.DB, resetTicket, row.ID, address, w.Now())
	if err != nil {
		return err
	}
	return a.noticeWith(w.DB, w.Lang(), w.Now(), row, notMeTicket, address, staying, "account.mail.reset", a.link(resetTicket, code))
}

// staying says for a mail which factors an account keeps, "" if it has none.
func (a *part) staying(q db.Querier, row userRow, lang string) (string, error) {
	all, lang := text.Own(), row.speaks(lang)
	var has []string
	app, any, err := a.standIn(q, row.ID)
	if err != nil || !any {
		return "", err
	}
	if app {
		has = append(has, all.Format(lang, "account.app.title"))
	}
	for _, way := range a.ways {
		n := 0
		if way.Count != nil {
			if n, err = way.Count(q, row.ID); err != nil {
				return "", err
			}
		}
		if n > 0 {
			has = append(has, all.Format(lang, way.Title)+" ("+decimal(int64(n))+")")
		}
	}
	return all.Format(lang, "account.mail.staying.line", strings.Join(has, ", ")) + "\n", nil
}

func (a *part) showUndo(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	l, fate, err := linkHere(a, r, undoTicket)
	if err != nil || fate != linkWorks {
		return a.over(r, l, fate, err)
	}
	return merlon.Show(undoPage, UndoPage{l.Email, l.text}), nil
}

// undo gives the account back the address that it had. The link is not used up as long as it cannot.
func (a *part) undo(w *merlon.Write[Guest], f form.Form[Press]) (*merlon.Response, error) {
	l, fate, err := spend(a, w, f.Raw("Link"), undoTicket)
	if err != nil || fate != linkWorks {
		return a.over(w, l, fate, err)
	}
	row, ok, err := ticketUser(w.DB, l.ticketRow)
	if err != nil || !ok {
		return a.over(w, l, linkVoid, err)
	}
	moved, err := a.bringBack(w, row, l.ticketRow)
	if err == nil && !moved {
		_, err = unuseTicket.Run(w.DB, l.Hash)
	}
	return broughtBack(moved), err
}

// bringBack undoes a change of address and all later ones, and takes away the factors that were added since: the account's
// own mailbox was told of none of them. It is false where the address has another account: whoever lost this one has signed up
// again, mostly. Everybody is shut out all the same, but the undo stays: whoever took the account reads the mail of its
// present address, and would ask for the next password there.
func (a *part) bringBack(w *merlon.Write[Guest], row userRow, t ticketRow) (moved bool, err error) {
	if moved, err = a.moveTo(w.DB, row, t.Email); err != nil {
		return false, err
	}
	since := t.Created
	if moved {
		row.Email = t.Email
	} else {
		since++
	}
	if _, err := voidForUndo.Run(w.DB, row.ID, since); err != nil {
		return moved, err
	}
	w.Record(RuleUndone, event.Done, slog.Int64("account", row.ID), slog.Bool("moved", moved))
	if err := a.dropAdded(w.DB, row.ID, t.Created, math.MaxInt64); err != nil {
		return moved, err
	}
	return moved, a.rescue(w, row, t.Email)
}

// broughtBack is the answer to who undid a change of address.
func broughtBack(moved bool) *merlon.Response {
	sent := merlon.Redirect("/account/reset/sent")
	if moved {
		return sent.Notice("The address is changed back, and all devices are signed out.")
	}
	return sent.Notice("All devices are signed out. Your address has a second account by now: give that one another address, then open the link of the mail that told you of the change once more.")
}
