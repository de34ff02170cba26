package account

import (
	"crypto/subtle"
	"errors"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/throttle"
)

// signedUp is what a browser that signed up remembers, sealed. The proof is the hash of the stored password's text: it says
// that the account as it stands came from this browser, and is made for addresses that have an account too.
type signedUp struct {
	Email string `json:"e"`
	Proof []byte `json:"p"`
	Name  string `json:"n,omitempty"`
	Hash  string `json:"h"` // of the password that was chosen
}

var signUpStep = merlon.NewStep[signedUp]("sign-up", 15*time.Minute)

// SentPage is the data of the page sign-up-sent.html.
type SentPage struct {
	Email string // "": this browser asked for nothing
	Mails string // where the site's mails are read in development: merlon.Read.DevMail
}

// NewEmail is the form of an address that takes the place of another one.
type NewEmail struct {
	Email string `form:"email,required,max=254" label:"E-mail address" autocomplete:"email"`
}

// ChangePage is the data of the page sign-up-change.html.
type ChangePage struct{ Form form.Form[NewEmail] }

var (
	sentPage   = page.New[SentPage](pages, "sign-up-sent.html")
	changePage = page.New[ChangePage](pages, "sign-up-change.html")
	moveEmail  = db.Exec(schema, "UPDATE merlon_user SET email = $2 WHERE id = $1")
)

// noSignUp is the answer to a browser that did not sign up.
func (a *part) noSignUp() *merlon.Response {
	if a.cfg.Closed {
		return merlon.NotFound()
	}
	return merlon.Redirect("/sign-up")
}

func (a *part) showSent(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	step, has := signUpStep.Get(r)
	if !has && a.cfg.Closed {
		return merlon.NotFound(), nil
	}
	return merlon.Show(sentPage, SentPage{step.Email, r.DevMail()}), nil
}

// signedUpHere reports whether this browser signed up with an address a moment ago. Somebody who fails to sign in with it
// is led back to the page that can send the link again, whether there is an account or not.
func (a *part) signedUpHere(w *merlon.Write[Guest], email string) bool {
	step, has := signUpStep.Get(w)
	return has && step.Email == normal(email)
}

func (a *part) askAgain(r *merlon.Read[Guest], _ form.Form[OneButton]) (quota, error) {
	step, has := signUpStep.Get(r)
	if !has {
		return quota{}, nil
	}
	_ = r.DB.Close()
	return a.mayAsk(r, throttle.Mail(step.Email, r.Client()))
}

// sendAgain sends once more what was sent, to whoever has the address by now.
func (a *part) sendAgain(w *merlon.Write[Guest], _ form.Form[OneButton], q quota) (*merlon.Response, error) {
	step, has := signUpStep.Get(w)
	if !has {
		return a.noSignUp(), nil
	}
	if !q.until.IsZero() {
		return merlon.TooMany(q.until), nil
	}
	if !q.full {
		w.Record(RuleAskedAgain, event.Done)
		row, err := userByEmail.One(w.DB, step.Email)
		switch {
		case errors.Is(err, db.ErrNoRow):
			err = a.sendStart(w, step.Email)
		case err == nil && row.Verified == 0 && row.Disabled == 0:
			err = a.sendVerify(w, row)
		case err == nil:
			err = a.sendExists(w, step.Email)
		}
		if err != nil {
			return nil, err
		}
	}
	return merlon.Trade(signUpStep, step, "/sign-up/sent").Notice("Please look into your mailbox once more."), nil
}

// sendStart asks somebody whose sign-up is not known any more to begin once more.
func (a *part) sendStart(w *merlon.Write[Guest], email string) error {
	if err := decoy(w.DB, email, w.Now()); err != nil {
		return err
	}
	return a.mailTo(w.DB, w.Lang(), email, "account.mail.start", a.house.Title, a.house.URL("/sign-up"))
}

func (a *part) showChange(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	step, has := signUpStep.Get(r)
	if !has {
		return a.noSignUp(), nil
	}
	return merlon.Show(changePage, ChangePage{form.New(NewEmail{step.Email})}), nil
}

func (a *part) askChange(r *merlon.Read[Guest], f form.Form[NewEmail]) (quota, error) {
	in, ok := f.Value()
	if _, has := signUpStep.Get(r); !ok || !has {
		return quota{}, nil
	}
	_ = r.DB.Close()
	return a.mayAsk(r, throttle.SignUp(normal(in.Email), r.Client()))
}

// change moves a sign-up that was never proven to another address: the one that was mistyped is free again.
func (a *part) change(w *merlon.Write[Guest], f form.Form[NewEmail], q quota) (*merlon.Response, error) {
	step, has := signUpStep.Get(w)
	if !has {
		return a.noSignUp(), nil
	}
	if !q.until.IsZero() {
		return merlon.TooMany(q.until), nil
	}
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, changePage, ChangePage{f}), nil
	}
	if _, err := mailbox.ParseAddress(in.Email); err != nil {
		return merlon.ShowStatus(422, changePage, ChangePage{f.Reject("Email", say(w, "account.sign-up.unwritable"))}), nil
	}
	email := normal(in.Email)
	w.Record(RuleAskedAgain, event.Done, slog.Bool("changed", true))
	if err := a.changeTo(w, step, email, !q.full); err != nil {
		return nil, err
	}
	return merlon.Trade(signUpStep, signedUp{email, step.Proof, step.Name, step.Hash}, "/sign-up/sent"), nil
}

// changeTo gives the first address up, and signs up with the other one if that has not had its mails (may). The first one is
// given up in any case: a link to it that went on working would tell that others have asked for the other one.
func (a *part) changeTo(w *merlon.Write[Guest], step signedUp, email string, may bool) error {
	if !may && email == step.Email { // nothing is changed, and the link of the mail before is still the one that works
		return a.registerIf(w, false, email, step.Name, step.Hash)
	}
	mine, err := userByEmail.One(w.DB, step.Email)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return err
	}
	// the permit for this comparison was taken by askChange
	if err == nil && mine.waiting() && subtle.ConstantTimeCompare(hashOf(mine.Password), step.Proof) == 1 {
		// Deleted and made again, not moved: what was mailed to the first address would prove the second.
		err = a.erase(w.DB, mine)
	} else {
		// nothing of this browser's is behind the first address, which is nobody's to know: as many statements, for nobody
		err = a.eraseRows(w.DB, noAccount)
	}
	if err != nil {
		return err
	}
	return a.registerIf(w, may, email, step.Name, step.Hash)
}
