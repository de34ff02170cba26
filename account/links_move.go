package account

import (
	"errors"
	"log/slog"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/throttle"
)

// MovePage is the data of the page address.html.
type MovePage struct {
	Form  form.Form[NewEmail]
	Email string // the account's address now
}

// ConfirmPage is the data of the page address-confirm.html.
type ConfirmPage struct {
	Form          form.Form[Press]
	Before, Email string
	Link          string
}

var (
	movePage    = page.New[MovePage](pages, "address.html")
	confirmPage = page.New[ConfirmPage](pages, "address-confirm.html")
)

func (a *part) showMove(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	return merlon.Show(movePage, MovePage{Email: r.User.Email}), nil
}

func (a *part) limitMove(r *merlon.Read[User], f form.Form[NewEmail]) (quota, error) {
	in, ok := f.Value()
	if !ok {
		return quota{}, nil
	}
	_ = r.DB.Close()
	return a.mayAsk(r, throttle.Mail(normal(in.Email), r.Client()))
}

// askMove mails the new address, and changes nothing yet. The answer is the same whether that address is another account's:
// users are strangers to each other.
func (a *part) askMove(w *merlon.Write[User], f form.Form[NewEmail], q quota) (*merlon.Response, error) {
	in, ok := f.Value()
	if !q.until.IsZero() {
		return merlon.TooMany(q.until), nil
	}
	if !ok {
		return merlon.ShowStatus(422, movePage, MovePage{f, w.User.Email}), nil
	}
	email := normal(in.Email)
	if _, err := mailbox.ParseAddress(email); err != nil {
		return merlon.ShowStatus(422, movePage, MovePage{f.Reject("Email", say(w, "account.sign-up.unwritable")), w.User.Email}), nil
	}
	if email == w.User.Email {
		return merlon.ShowStatus(422, movePage, MovePage{f.Reject("Email", say(w, "account.address.same")), w.User.Email}), nil
	}
	if err := a.sendMove(w, email, !q.full); err != nil {
		return nil, err
	}
	return merlon.Redirect("/account/address").Notice("We sent a mail to the new address. The link in it makes the change. At most three mails an hour go to one address."), nil
}

// voidOtherMoves ends the links to other addresses than the one that is asked for now.
var voidOtherMoves = db.Exec(schema, "UPDATE merlon_ticket SET ended = 3 WHERE \"user\" = $1 AND kind = 'move' AND email <> $2 AND ended = 0")

// sendMove mails the new address, if that has not had its mails (may). The user's links to other addresses end in any case:
// one that went on working would tell its user that this address is taken, or that others have asked for it.
func (a *part) sendMove(w *merlon.Write[User], email string, may bool) error {
	if _, err := voidOtherMoves.Run(w.DB, w.User.ID, email); err != nil {
		return err
	}
	w.Record(RuleMoveAsked, event.Done, slog.Int64("account", w.User.ID))
	there, err := userByEmail.One(w.DB, email)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return err
	}
	taken := err == nil && !there.waiting()
	code := ""
	if !may || taken {
		err = decoy(w.DB, email, w.Now())
	} else {
		code, err = reissue(w.DB, moveTicket, w.User.ID, email, w.Now())
	}
	if err != nil {
		return err
	}
	switch {
	case !may:
		return nil
	case taken:
		return a.mailTo(w.DB, w.Lang(), email, "account.mail.exists", a.house.URL("/sign-in"), a.house.URL("/account/reset/ask"))
	}
	return a.mailTo(w.DB, w.Lang(), email, "account.mail.move", a.house.Title, a.link(moveTicket, code))
}

// showMoved asks for the account's own session too: a link that went to a mistyped address is worth nothing there.
func (a *part) showMoved(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	l, fate, err := linkHere(a, r, moveTicket)
	if fate == linkWorks && l.User != r.User.ID {
		fate = linkOthers
	}
	if err != nil || fate != linkWorks {
		return a.over(r, l, fate, err)
	}
	return merlon.Show(confirmPage, ConfirmPage{Before: r.User.Email, Email: l.Email, Link: l.text}), nil
}

// move changes the address and tells the old one, which can undo it for seven days.
func (a *part) move(w *merlon.Write[User], f form.Form[Press]) (*merlon.Response, error) {
	t, fate, err := spend(a, w, f.Raw("Link"), moveTicket)
	if fate == linkWorks && t.User != w.User.ID {
		fate = linkOthers
	}
	if err != nil || fate != linkWorks {
		return a.over(w, t, fate, err)
	}
	row, ok, err := ticketUser(w.DB, t.ticketRow)
	if err != nil || !ok {
		return a.over(w, t, linkVoid, err)
	}
	before := row.Email
	moved, err := a.moveTo(w.DB, row, t.Email)
	if err != nil {
		return nil, err
	}
	if !moved {
		f = f.Reject("", say(w, "account.address.taken"))
		return merlon.ShowStatus(422, confirmPage, ConfirmPage{f, before, t.Email, t.text}), nil
	}
	if err := endAsked(w.DB, row.ID); err != nil { // those that went to the old one
		return nil, err
	}
	if err := a.tellMoved(w, row, before, t.Email); err != nil {
		return nil, err
	}
	w.Record(RuleMoved, event.Done, slog.Int64("account", row.ID))
	return merlon.Redirect("/account/address").Notice("Your address is changed."), nil
}

// tellMoved tells the address that the account had, with a link that undoes the change. An account that comes back to an
// address from which it was taken within the week gets no link to the one between, and that one's links are void: whoever
// took it would undo the owner's own return, or shut the owner out by "that was not me".
func (a *part) tellMoved(w *merlon.Write[User], row userRow, before, now string) error {
	first, err := findUndo.One(w.DB, row.ID, now, w.Now().UnixMicro())
	switch {
	case err == nil:
		if _, err := voidForReturn.Run(w.DB, row.ID, first.Created, now); err != nil {
			return err
		}
		return a.mailTo(w.DB, row.speaks(w.Lang()), before, "account.mail.moved-back", before, now)
	case !errors.Is(err, db.ErrNoRow):
		return err
	}
	code, err := issue(w.DB, undoTicket, row.ID, before, w.Now()) // earlier ones stay, see voidForUndo
	if err != nil {
		return err
	}
	return a.noticeTo(w.DB, w.Lang(), w.Now(), row, before, "account.mail.moved", now, a.link(undoTicket, code))
}

// moveTo gives an account another address, whose owner has proven it. A sign-up that waits there is deleted, so that nobody
// keeps an address that is not theirs; false when a real account has it.
func (a *part) moveTo(w *db.Writer, row userRow, email string) (bool, error) {
	if row.Email == email {
		return true, nil
	}
	if taken, err := a.vacate(w, email); err != nil || taken {
		return false, err
	}
	if _, err := moveEmail.Run(w, row.ID, email); err != nil {
		if db.IsUnique(err) { // on an engine with several writers another one was faster
			return false, nil
		}
		return false, err
	}
	if _, err := voidInvites.Run(w, email); err != nil {
		return false, err
	}
	before := row.Email
	row.Email = email
	if hook := a.cfg.Hooks.Moved; hook != nil {
		return true, hook(w.Context(), w, row.user(), before)
	}
	return true, nil
}
