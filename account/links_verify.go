package account

import (
	"crypto/subtle"
	"log/slog"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// VerifyPage is the data of the page verify.html. In the browser that signed up it has a button, in another one the form of somebody
// who is invited: the mailbox is proven there, and nothing that was typed elsewhere is known to be its owner's.
type VerifyPage struct {
	Form  form.Form[Invited]
	Email string
	Anew  bool // name and password are chosen here
	Link  string
}

var (
	verifyPage = page.New[VerifyPage](pages, "verify.html")
	proveEmail = db.Exec(schema, "UPDATE merlon_user SET verified = $2 WHERE id = $1 AND email = $3 AND verified = 0")
)

// own reports whether the link was opened in the browser that signed up, with the password that the account has now. Whoever
// signs up with an address that is not theirs waits for its owner to press the button, and would then know the password of
// an account with a proven address (pre-hijacking: Sudhodanan and Paverd, USENIX Security 2022): elsewhere it is void. Asking for
// it there would let strangers keep the owner out, whose sign-up each of theirs takes over.
func own(step held, row userRow) bool {
	return len(step.Proof) > 0 && subtle.ConstantTimeCompare(hashOf(row.Password), step.Proof) == 1
}

func (a *part) showVerify(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	l, fate, err := linkHere(a, r, verifyTicket)
	if err != nil || fate != linkWorks {
		return a.over(r, l, fate, err)
	}
	row, ok, err := ticketUser(r.DB, l.ticketRow)
	if err != nil || !ok {
		return a.over(r, l, linkVoid, err)
	}
	return merlon.Show(verifyPage, VerifyPage{Email: l.Email, Anew: !own(l.held, row), Link: l.text}), nil
}

// toVerify uses up the link that a form carries, and finds its account.
func (a *part) toVerify(w *merlon.Write[Guest], text string) (mailed, userRow, linkFate, error) {
	l, fate, err := spend(a, w, text, verifyTicket)
	if err != nil || fate != linkWorks {
		return l, userRow{}, fate, err
	}
	row, ok, err := ticketUser(w.DB, l.ticketRow)
	if err == nil && (!ok || row.Email != l.Email) {
		fate = linkVoid
	}
	return l, row, fate, err
}

// verify says that the address is the user's, in the browser that signed up. Nobody is signed in by it: that is another page, with
// its second step.
func (a *part) verify(w *merlon.Write[Guest], f form.Form[Press]) (*merlon.Response, error) {
	l, row, fate, err := a.toVerify(w, f.Raw("Link"))
	if err != nil || fate != linkWorks {
		return a.over(w, l, fate, err)
	}
	if !own(l.held, row) {
		return merlon.ShowStatus(422, verifyPage, VerifyPage{Email: l.Email, Anew: true, Link: l.text}), nil // the ticket is not used: this rolls back
	}
	if err := a.prove(w.DB, row, w.Now().UnixMicro()); err != nil {
		return nil, err
	}
	return a.verified(w, l, row)
}

func (a *part) hashVerify(r *merlon.Read[Guest], f form.Form[Invited]) (hashed, error) {
	return a.hashNamed(r, verifyTicket, f)
}

// verifyAnew says that the address is the user's, in another browser: name and password are those that are chosen there.
func (a *part) verifyAnew(w *merlon.Write[Guest], f form.Form[Invited], h hashed) (*merlon.Response, error) {
	l, row, fate, err := a.toVerify(w, f.Raw("Link"))
	if err != nil || fate != linkWorks {
		return a.over(w, l, fate, err)
	}
	if showing(f) {
		return merlon.ShowStatus(422, verifyPage, VerifyPage{f.Reveal("Password"), l.Email, true, l.text}), nil
	}
	in, _ := f.Value()
	f, ok := rejected(f, "Password", h.problems)
	if !ok || h.hash == "" {
		return merlon.ShowStatus(422, verifyPage, VerifyPage{f, l.Email, true, l.text}), nil // the ticket is not used: this rolls back
	}
	row.Name = in.Name
	if err := Rename(w.DB, row.ID, row.Name); err != nil {
		return nil, err
	}
	if err := a.choose(w, row, h.hash); err != nil {
		return nil, err
	}
	return a.verified(w, l, row)
}

// verified ends both: the browser has a limit of its own from now on, since strangers may have filled the account's.
func (a *part) verified(w *merlon.Write[Guest], l mailed, row userRow) (*merlon.Response, error) {
	if _, _, err := remember(w, row.ID, false); err != nil {
		return nil, err
	}
	w.Record(RuleVerified, event.Done, slog.Int64("account", row.ID))
	return arrive(w, l, row).Notice("Your address is confirmed. You can sign in now."), nil
}

// prove notes that the account's address is its owner's, once, and voids the invitations of the address. The row is that of before.
func (a *part) prove(w *db.Writer, row userRow, now int64) error {
	done, err := proveEmail.Run(w, row.ID, now, row.Email)
	if err != nil {
		return err
	}
	if err := void(w, row.ID, verifyTicket); err != nil || done.Rows == 0 {
		return err
	}
	if _, err := voidInvites.Run(w, row.Email); err != nil {
		return err
	}
	if row.waiting() { // until now it was nobody's: see [Hooks]
		if err := run(a.cfg.Hooks.SignedUp, w, row.user()); err != nil {
			return err
		}
	}
	return run(a.cfg.Hooks.Verified, w, row.user())
}
