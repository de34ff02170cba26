package account

import (
	"crypto/subtle"
	"log/slog"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/secret"
)

// Verify is the form that proves an address. The password is the one that was chosen at sign-up; it is asked for only in
// another browser than the one that signed up.
type Verify struct {
	Password secret.String `form:"password,max=1024" label:"Password" autocomplete:"current-password" help:"The one that you chose when you signed up."`
	Link     string        `form:"max=600,hidden" label:"The mailed link"`
}

// VerifyPage is the data of the page verify.html.
type VerifyPage struct {
	Form  form.Form[Verify]
	Email string
	Ask   bool // for the password
	Link  string
}

var (
	verifyPage = page.New[VerifyPage](pages, "verify.html")
	proveEmail = db.Exec(schema, "UPDATE merlon_user SET verified = $2 WHERE id = $1 AND email = $3 AND verified = 0")
)

// own reports whether the link was opened in the browser that signed up, with the password that the account has now. Whoever
// signs up with an address that is not theirs waits for its owner to press the button, and would then know the password of
// an account with a proven address (pre-hijacking: Sudhodanan and Paverd, USENIX Security 2022): elsewhere it is asked for.
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
	return merlon.Show(verifyPage, VerifyPage{Email: l.Email, Ask: !own(l.held, row), Link: l.text}), nil
}

// tryVerify compares the password where it is asked for, with the limits of every other comparison.
func (a *part) tryVerify(r *merlon.Read[Guest], f form.Form[Verify]) (attempt, error) {
	in, ok := f.Value()
	l, fate, err := a.linkIn(r.DB, r.Now(), f.Raw("Link"), verifyTicket)
	if err != nil || !ok || fate != linkWorks {
		return attempt{}, err
	}
	row, found, err := ticketUser(r.DB, l.ticketRow)
	if err != nil || !found || own(l.held, row) || in.Password.Empty() {
		return attempt{}, err
	}
	return compare(a, r, row.Email, row, true, true, in.Password)
}

// verify says that the address is the user's. Nobody is signed in by it: that is another page, with its second step.
func (a *part) verify(w *merlon.Write[Guest], f form.Form[Verify], tried attempt) (*merlon.Response, error) {
	l, fate, err := spend(a, w, f.Raw("Link"), verifyTicket)
	if err != nil || fate != linkWorks {
		return a.over(w, l, fate, err)
	}
	row, ok, err := ticketUser(w.DB, l.ticketRow)
	if err != nil || !ok || row.Email != l.Email {
		return a.over(w, l, linkVoid, err)
	}
	if !tried.until.IsZero() {
		return merlon.TooMany(tried.until), nil
	}
	if !own(l.held, row) && (!tried.ok || tried.row.Password != row.Password) {
		if !f.Failed() {
			f = f.Reject("Password", say(w, "account.verify.wrong"))
		}
		return merlon.ShowStatus(422, verifyPage, VerifyPage{f, l.Email, true, l.text}), nil // the ticket is not used: this rolls back
	}
	if err := a.prove(w.DB, row, w.Now().UnixMicro()); err != nil {
		return nil, err
	}
	w.Record(RuleVerified, event.Done, slog.Int64("account", row.ID))
	return arrive(w, l, row).Notice("Your address is confirmed. You can sign in now."), nil
}

// prove notes that the account's address is its owner's, once.
func (a *part) prove(w *db.Writer, row userRow, now int64) error {
	done, err := proveEmail.Run(w, row.ID, now, row.Email)
	if err != nil {
		return err
	}
	if err := void(w, row.ID, verifyTicket); err != nil || done.Rows == 0 {
		return err
	}
	return run(a.cfg.Hooks.Verified, w, row.user())
}
