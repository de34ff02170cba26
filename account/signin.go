package account

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/throttle"
)

// SignIn is what the sign-in form binds.
type SignIn struct {
	Email    string        `form:"email,required,max=254" label:"E-mail address" autocomplete:"username"`
	Password secret.String `form:"password,required,max=1024" label:"Password" autocomplete:"current-password"`
	Next     string        `form:"max=2048,hidden" label:"Where to go next"`
	Tries    int           `form:"min=0,max=1000,hidden" label:"Tries so far"`
}

// SignInPage is the data of the page sign-in.html.
type SignInPage struct {
	Form   form.Form[SignIn]
	Next   string
	Tries  int    // wrong passwords so far, on this page
	SignUp bool   // visitors may sign up
	Ask    Ask    // for shared/ways.html
	Lost   string // why a session ended that this browser had, in words
	Detail string // development only: that a limit is on, which looks like a wrong password
}

// SignInInput is what the sign-in page takes from its address.
type SignInInput struct {
	Next  string `query:"next,max=2048"`
	Again string `query:"again,max=1"`
}

// SignOut is the form of the sign-out button: it has no fields.
type SignOut struct{}

var signInPage = page.New[SignInPage](pages, "sign-in.html")

func (a *part) showSignIn(r *merlon.Read[Guest], in SignInInput) (*merlon.Response, error) {
	next, _ := r.Local(in.Next)
	switch {
	case r.User.SignedIn && in.Again != "":
		return merlon.Redirect("/sign-in/again?ask={ask}&next={next}", in.Again, next), nil
	case r.User.SignedIn:
		return merlon.RedirectLocal(next), nil
	}
	if back, err := isLeaving(r.DB, r.Session.User()); err != nil || back {
		return merlon.Redirect("/account/stay"), err
	}
	return merlon.Show(signInPage, SignInPage{Form: arrived(r), Next: next.String(), SignUp: !a.cfg.Closed, Ask: a.ask(r), Lost: lost(r, r.Session)}), nil
}

// tryPassword compares what was typed, for known and unknown addresses alike.
func (a *part) tryPassword(r *merlon.Read[Guest], f form.Form[SignIn]) (attempt, error) {
	in, ok := f.Value()
	if !ok {
		return attempt{}, nil
	}
	email := normal(in.Email)
	row, err := userByEmail.One(r.DB, email)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return attempt{}, err
	}
	found := err == nil && row.Disabled == 0
	stolen := row
	hash, void := strings.CutPrefix(row.Password, voidPassword)
	if void {
		stolen.Password = hash
	}
	t, err := compare(a, r, email, stolen, found, row.Verified != 0, in.Password)
	if err != nil || !t.ok || !void {
		return t, err
	}
	t.row, t.void, t.upgrade = row, true, ""
	t.quota, err = a.mayAsk(r, throttle.ResetMail(email, r.Client()))
	return t, err
}

// wrong is said for a wrong password, an unknown address, and one that is locked: nobody learns which.
const wrong = "account.sign-in.wrong"

// pauseAfter is the try from which on it is said that a pause helps. The page itself counts, whatever the limits do, so that
// nothing can be learnt from it; and its first word to somebody who has mistyped is no threat.
const pauseAfter = 3

// mistaken is what is said of a wrong password, with the pause once there were a few.
func mistaken(r asked, words string, tries int) string {
	if tries < pauseAfter {
		return say(r, words)
	}
	return say(r, words) + " " + say(r, "account.sign-in.pause")
}

// triedBefore reads how many wrong passwords the page of a form has counted. A value that it did not write counts as none.
func triedBefore(raw string) int {
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 || n >= 1000 {
		return 0
	}
	return n
}

// refuseSignIn shows the sign-in page again.
func (a *part) refuseSignIn(w *merlon.Write[Guest], f form.Form[SignIn], t attempt) *merlon.Response {
	tries := triedBefore(f.Raw("Tries"))
	if !f.Failed() {
		tries++
		f = f.Reject("", mistaken(w, wrong, tries))
	}
	return merlon.ShowStatus(422, signInPage, SignInPage{Form: f, Next: f.Raw("Next"), Tries: tries, SignUp: !a.cfg.Closed, Ask: a.ask(w), Detail: a.limitInside(t, f.Raw("Email"))})
}

// limitInside says in development what a visitor must not learn: that nothing was compared, until when, and what ends it.
func (a *part) limitInside(t attempt, email string) string {
	if a.house.Mode != merlon.Development || t.limited == nil {
		return ""
	}
	do := "wait: this limit is not of an account"
	if kind := t.limited.Bucket.Kind(); kind == throttle.KindAccount || kind == throttle.KindDevice {
		do = "user unlock " + event.Clean(normal(email)) + " --reason WHY, if the address has an account"
	}
	return fmt.Sprintf("cause    the password was not looked at: a limit on attempts (%s) is on until %s UTC; to visitors it looks like a wrong password\ndo       %s\nmore     explain %s\n",
		t.limited.Bucket.Kind(), t.limited.Until.UTC().Format("15:04:05"), do, RuleLimited.ID)
}

func (a *part) signIn(w *merlon.Write[Guest], f form.Form[SignIn], t attempt) (*merlon.Response, error) {
	if !t.until.IsZero() {
		return merlon.TooMany(t.until), nil
	}
	if !t.ok {
		if in, typed := f.Value(); typed && a.signedUpHere(w, in.Email) {
			return merlon.Redirect("/sign-up/sent"), nil
		}
		return a.refuseSignIn(w, f, t), nil
	}
	// what was compared before the transaction must still hold in it
	now, err := userByID.One(w.DB, t.row.ID)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return nil, err
	}
	if err != nil || !now.mayEnter() || now.Password != t.row.Password {
		return nil, merlon.ErrSignIn
	}
	t.row = now
	if t.void { // whoever stole the data may know it: only the owner's mailbox helps
		w.Record(RuleResetAsked, event.Done, slog.Int64("account", now.ID))
		if !t.quota.full && t.quota.until.IsZero() {
			if err := a.sendReset(w.DB, w.Lang(), w.Now(), now, now.Email); err != nil {
				return nil, err
			}
		}
		return merlon.Redirect("/account/reset/sent"), nil
	}
	if t.upgrade != "" {
		if _, err := updateHash.Run(w.DB, t.row.ID, t.upgrade, t.row.Password); err != nil {
			return nil, err
		}
		t.row.Password = t.upgrade
	}
	in, _ := f.Value()
	return letIn(a, w, t.row, proof{factors: 1}, a.next(w, in.Next))
}

// next is where a visitor goes on: to the page that was asked for, if it is one of this site.
func (a *part) next(w interface {
	Local(...string) (merlon.Local, bool)
}, asked string) merlon.Local {
	if next, ok := w.Local(asked); ok {
		return next
	}
	return a.home()
}

func (a *part) signOut(w *merlon.Write[Guest], _ form.Form[SignOut]) (*merlon.Response, error) {
	if w.User.SignedIn {
		w.Record(RuleSignedOut, event.Done, slog.Int64("account", w.User.User.ID))
	}
	if err := w.Session.End("signed out"); err != nil {
		return nil, err
	}
	return merlon.RedirectLocal(a.home()).Notice("You are signed out."), nil
}

// home is where a visitor goes without another way.
func (a *part) home() merlon.Local {
	home, _ := a.house.Page(string(a.cfg.Home))
	return home
}
