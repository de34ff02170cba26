package account

import (
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/session"
)

// Re-authentication: a user who is signed in shows once more who it is. What [merlon.AgainFor] was told only chooses what
// the page shows: the need that sent the user here is asked again afterwards.

// AgainInput is what the page that asks once more takes from its address.
type AgainInput struct {
	Ask  string `query:"ask,max=1"`
	Next string `query:"next,max=2048"`
}

// Again is the form for the password. The address is the account's and cannot be chosen.
type Again struct {
	Password secret.String `form:"password,required,max=1024" label:"Password" autocomplete:"current-password"`
	Ask      string        `form:"max=1,hidden" label:"What is asked"`
	Next     string        `form:"max=2048,hidden" label:"Where to go next"`
	Tries    int           `form:"min=0,max=1000,hidden" label:"Tries so far"`
}

// AgainCode is the form for a code.
type AgainCode struct {
	Code string `form:"required,max=64" label:"Code" help:"Six digits from your app, or one of your recovery codes." autocomplete:"one-time-code"`
	Ask  string `form:"max=1,hidden" label:"What is asked"`
	Next string `form:"max=2048,hidden" label:"Where to go next"`
}

// AgainPage is the data of the page again.html.
type AgainPage struct {
	Form     form.Form[Again]
	CodeForm form.Form[AgainCode]
	Password bool
	Code     bool
	Ways     []WayLink
	All      bool // one of several steps
	Lost     Lost // the passkey is asked for, and may be lost
	LostForm form.Form[AgainInstead]
	Nothing  bool // the user has nothing that could be asked: only a new sign-in helps
	Email    string
	Ask      string
	Next     string
	Tries    int    // wrong passwords so far, on this page
	Home     string // where "cancel" leads: the page that was asked for would ask again
}

// WayLink is a link to a page of a [Way].
type WayLink struct{ Name, URL string }

var againPage = page.New[AgainPage](pages, "again.html")

func (a *part) showAgain(r *merlon.Read[Guest], in AgainInput) (*merlon.Response, error) {
	next, _ := r.Local(in.Next)
	if !r.User.SignedIn {
		return merlon.Redirect("/sign-in?next={next}", next), nil
	}
	level := r.Session.Level()
	if in.Ask == askFactor && level.Factors >= 2 {
		return merlon.RedirectLocal(next), nil
	}
	p, err := a.whatToAsk(r, r.DB, r.Session, r.Now(), in.Ask, next)
	if err != nil {
		return nil, err
	}
	if in.Ask == askFactor && !p.Code && len(p.Ways) == 0 {
		return merlon.Redirect("/account/app?why=1&next={next}", next), nil
	}
	return merlon.Show(againPage, p), nil
}

// whatToAsk fills the page: any factor, or those that are missing, or a second one.
func (a *part) whatToAsk(r asked, q db.Querier, s leveled, now time.Time, ask string, next merlon.Local) (p AgainPage, err error) {
	p.Ask, p.Next, p.All, p.Home = ask, next.String(), ask == askAll, string(a.cfg.Home)
	row, err := userByID.One(q, s.User())
	if err != nil {
		return p, err
	}
	p.Email = row.Email
	if p.Code, _, _, err = totpState(q, row.ID); err != nil {
		return p, err
	}
	p.Password = row.hasPassword()
	if p.Ways, err = a.wayLinks(r, q, row.ID, next); err != nil {
		return p, err
	}
	switch ask {
	case askFactor:
		p.Password = false
		if !p.Code && len(p.Ways) > 0 {
			p.Lost, err = whatInstead(q, s, now, row)
		}
	case askAll:
		m, err := missing(q, s, now)
		if err != nil {
			return p, err
		}
		if m.any() {
			p.Password, p.Code = m.password, m.code && !m.password // one after the other
		}
		if m.way {
			p.Lost, err = whatInstead(q, s, now, row)
		}
		if err != nil {
			return p, err
		}
	}
	if err != nil {
		return p, err
	}
	p.Nothing = !p.Password && !p.Code && len(p.Ways) == 0 && !p.Lost.Unset
	return p, nil
}

// wayLinks are the pages on which the user can sign in by a way of another part.
func (a *part) wayLinks(r asked, q db.Querier, user int64, next merlon.Local) (links []WayLink, err error) {
	for _, way := range a.ways {
		n, err := way.Count(q, user)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			name := way.Title
			if way.Confirm != "" {
				name = way.Confirm
			}
			links = append(links, WayLink{say(r, name), withNext(way.SignIn, next)})
		}
	}
	return links, nil
}

func (a *part) tryAgain(r *merlon.Read[User], f form.Form[Again]) (attempt, error) {
	in, ok := f.Value()
	if !ok {
		return attempt{}, nil
	}
	row, err := userByID.One(r.DB, r.User.ID)
	if err != nil {
		return attempt{}, err
	}
	return compare(a, r, row.Email, row, row.hasPassword(), true, in.Password)
}

func (a *part) again(w *merlon.Write[User], f form.Form[Again], t attempt) (*merlon.Response, error) {
	if !t.until.IsZero() {
		return merlon.TooMany(t.until), nil
	}
	next, _ := w.Local(f.Raw("Next"))
	if !t.ok {
		tries := triedBefore(f.Raw("Tries"))
		if !f.Failed() {
			tries++
			f = f.Reject("Password", mistaken(w, "account.again.wrong", tries))
		}
		p, err := a.whatToAsk(w, w.DB, w.Session, w.Now(), f.Raw("Ask"), next)
		p.Form, p.Tries = f, tries
		return merlon.ShowStatus(422, againPage, p), err
	}
	now, err := userByID.One(w.DB, w.User.ID)
	if err != nil {
		return nil, err
	}
	if now.Password != t.row.Password {
		return nil, merlon.ErrSignIn
	}
	if t.upgrade != "" {
		if _, err := updateHash.Run(w.DB, now.ID, t.upgrade, now.Password); err != nil {
			return nil, err
		}
	}
	return a.shownAgain(w, byPassword, f.Raw("Ask"), next)
}

func (a *part) tryAgainCode(r *merlon.Read[User], f form.Form[AgainCode]) (tried, error) {
	in, ok := f.Value()
	if !ok {
		return tried{}, nil
	}
	row, err := userByID.One(r.DB, r.User.ID)
	if err != nil {
		return tried{}, err
	}
	return tryCode(a, r, row, in.Code)
}

func (a *part) againCode(w *merlon.Write[User], f form.Form[AgainCode], t tried) (*merlon.Response, error) {
	if !t.until.IsZero() {
		return merlon.TooMany(t.until), nil
	}
	next, _ := w.Local(f.Raw("Next"))
	row, err := userByID.One(w.DB, w.User.ID)
	if err != nil {
		return nil, err
	}
	how, ok, err := a.spendCode(w.DB, w.Lang(), w.Now(), row, t)
	if err != nil {
		return nil, err
	}
	if !ok {
		p, err := a.whatToAsk(w, w.DB, w.Session, w.Now(), f.Raw("Ask"), next)
		p.CodeForm = refuseCode(w, f, w.Now(), t)
		return merlon.ShowStatus(422, againPage, p), err
	}
	return a.shownAgain(w, how, f.Raw("Ask"), next)
}

// shownAgain notes a factor that was shown once more, under a new token. A code beside the password of the sign-in makes the
// session one of two factors. If more is asked the page comes again, else the user goes on.
func (a *part) shownAgain(w *merlon.Write[User], how, ask string, next merlon.Local) (*merlon.Response, error) {
	level := w.Session.Level()
	seen, _ := shownKey.Get(w.Session)
	if how == byPassword {
		seen.Password = w.Now().UnixMicro()
	} else {
		seen.Code, level.Factors = w.Now().UnixMicro(), max(level.Factors, 2)
	}
	if err := raise(w, level, seen); err != nil {
		return nil, err
	}
	w.Record(RuleAgain, event.Done, slog.Int64("account", w.User.ID), slog.String("by", how))
	if ask == askAll {
		if m, err := missing(w.DB, w.Session, w.Now()); err != nil || m.any() {
			return merlon.Redirect("/sign-in/again?ask={ask}&next={next}", ask, next), err
		}
	}
	return merlon.RedirectLocal(next), nil
}

// raise gives the session a level and a new token, now, with what was shown in it.
func raise[U any](w *merlon.Write[U], level session.Level, seen shown) error {
	level.Recent = w.Now()
	if err := w.Session.Rotate(level); err != nil {
		return err
	}
	shownKey.Set(w.Session, seen)
	return nil
}

// Lower notes that the user of the session has removed a [Way]: the second step is asked for on every device again, and the last
// one takes along what was shown by it, so that a session without an app is one of a single factor again. It is called after the
// removal; the user's other sessions are the caller's to end.
func Lower[U any](w *merlon.Write[U]) error {
	a, err := of(w.House())
	if err != nil {
		return err
	}
	level := w.Session.Level()
	if err := distrust(w.DB, level.User); err != nil {
		return err
	}
	still, err := a.hasWay(w.DB, level.User)
	if err != nil || still {
		return err
	}
	on, _, _, err := totpState(w.DB, level.User)
	if err != nil {
		return err
	}
	seen, _ := shownKey.Get(w.Session)
	seen.Way, seen.Weak = 0, false
	if !on {
		level.Factors, seen.Code = 1, 0
		if err := dropCodes(w, level.User); err != nil {
			return err
		}
	}
	if err := w.Session.Rotate(level); err != nil {
		return err
	}
	shownKey.Set(w.Session, seen)
	return nil
}

// Raise notes that the user of the session has shown a [Way] just now, because it was added: the session becomes one of two
// factors, under a new token, and the second step is asked for on every device again. It is for ways that ask the user, not only
// the device, as [Enter] is. The user's other sessions are the caller's to end.
func Raise[U any](w *merlon.Write[U]) error {
	level := w.Session.Level()
	if level.User == 0 {
		return merlon.ErrSignIn
	}
	if err := distrust(w.DB, level.User); err != nil {
		return err
	}
	seen, _ := shownKey.Get(w.Session)
	seen.Way, seen.Weak, level.Factors = w.Now().UnixMicro(), false, max(level.Factors, 2)
	return raise(w, level, seen)
}
