package account

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/throttle"
)

// SignIn is what the sign-in form binds.
type SignIn struct {
	Email    string        `form:"email,required,max=254" label:"E-mail address" autocomplete:"username"`
	Password secret.String `form:"password,required,max=1024" label:"Password" autocomplete:"current-password"`
	Next     string        `form:"max=2048" label:"Where to go next"`
}

// SignInPage is the data of the page sign-in.html.
type SignInPage struct {
	Form   form.Form[SignIn]
	Next   string
	Again  bool // signed in already, asked once more
	SignUp bool // visitors may sign up
	Ask    Ask  // for shared/ways.html
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
	if r.User.SignedIn && in.Again == "" {
		return merlon.RedirectLocal(next), nil
	}
	return merlon.Show(signInPage, SignInPage{Next: next.String(), Again: r.User.SignedIn, SignUp: !a.cfg.Closed, Ask: a.ask(r)}), nil
}

// attempt is what tryPassword found, outside of the transaction.
type attempt struct {
	row     userRow
	ok      bool
	known   bool
	trusted bool      // the second step is skipped on this device
	device  string    // names the known device's own limit
	until   time.Time // the known device must wait
	upgrade string    // a new hash of the same password
}

// tryPassword counts the attempt, then compares: the count is kept before the first hash, whatever becomes of the request.
func (a *part) tryPassword(r *merlon.Read[Guest], f form.Form[SignIn]) (attempt, error) {
	in, ok := f.Value()
	if !ok {
		return attempt{}, nil
	}
	email := normal(in.Email)
	var t attempt
	row, err := userByEmail.One(r.DB, email)
	found := err == nil && row.Disabled == 0
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return t, err
	}
	if cookie, has := deviceCookie.Get(r); has && found {
		d, known, err := knownDevice(cookie, has, r.DB, row.ID, r.Now())
		if err != nil {
			return t, err
		}
		if t.known = known; known {
			t.device, t.trusted = d.name(), d.Trusted > r.Now().UnixMicro()
		}
	}
	_ = r.DB.Close() // the hash takes long: no transaction is held open for it
	permit, err := a.house.Limits.Reserve(r.Context(), throttle.SignIn(email, t.device, r.Client())...)
	var limited *throttle.Limited
	if errors.As(err, &limited) {
		r.Record(RuleLimited, event.Refused, slog.Bool("known", t.known))
		if t.known {
			t.until = limited.Until
		}
		return t, nil
	}
	if err != nil {
		return t, err
	}
	from := password.From{Network: network(r), Known: t.known}
	var result password.Result
	if found {
		result, err = a.hasher.Verify(r.Context(), permit, row.Password, in.Password, from)
	} else {
		result, err = a.hasher.VerifyNobody(r.Context(), permit, in.Password, from)
	}
	if err != nil { // nothing was compared (the line is full, the visitor has gone): the attempt is given back, if it is unspent
		_ = permit.Return(context.WithoutCancel(r.Context()))
		return t, err
	}
	if err := permit.Settle(r.Context(), result.OK && found); err != nil {
		return t, err
	}
	if t.ok = result.OK && found; t.ok {
		t.row = row
		if result.Upgrade {
			// the next sign-in tries again when there is no room for a second hash now
			t.upgrade, _ = a.hasher.Hash(r.Context(), in.Password, from)
		}
	} else {
		r.Record(RuleFailed, event.Failed)
	}
	return t, nil
}

// wrong is said for a wrong password, an unknown address, and one that is locked: nobody learns which.
const wrong = "account.sign-in.wrong"

func (a *part) signIn(w *merlon.Write[Guest], f form.Form[SignIn], t attempt) (*merlon.Response, error) {
	if !t.until.IsZero() {
		return merlon.TooMany(t.until), nil
	}
	if !t.ok {
		if !f.Failed() {
			f = f.Reject("", say(w, wrong))
		}
		return merlon.ShowStatus(422, signInPage, SignInPage{Form: f, Next: f.Raw("Next"), Again: w.User.SignedIn, SignUp: !a.cfg.Closed, Ask: a.ask(w)}), nil
	}
	// what was compared before the transaction must still hold in it
	now, err := userByID.One(w.DB, t.row.ID)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return nil, err
	}
	if err != nil || now.Disabled != 0 || now.Password != t.row.Password {
		return nil, merlon.ErrSignIn
	}
	t.row = now
	if t.upgrade != "" {
		if _, err := updateHash.Run(w.DB, t.row.ID, t.upgrade, t.row.Password); err != nil {
			return nil, err
		}
	}
	if err := enter(a, w, t.row, proof{factors: 1}); err != nil {
		return nil, err
	}
	in, _ := f.Value()
	next, ok := w.Local(in.Next)
	if !ok {
		next = a.home(w)
	}
	return merlon.RedirectLocal(next), nil
}

func (a *part) signOut(w *merlon.Write[Guest], _ form.Form[SignOut]) (*merlon.Response, error) {
	if w.User.SignedIn {
		w.Record(RuleSignedOut, event.Done)
	}
	if err := w.Session.End("signed out"); err != nil {
		return nil, err
	}
	return merlon.RedirectLocal(a.home(w)), nil
}

// home is where a visitor goes without another way.
func (a *part) home(w interface {
	Local(...string) (merlon.Local, bool)
}) merlon.Local {
	home, _ := w.Local(string(a.cfg.Home))
	return home
}
