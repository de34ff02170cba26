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
	"github.com/merlon-web/merlon/throttle"
)

// Who has lost the passkey shows a recovery code beside the password, on the page that asks once more. Both together are what
// the passkey was: the session may change factors, all other ones end, and the owner is told. Who has no password has one
// set by a mailed link first, so that the mailbox alone, the password alone and a found code alone open nothing.

// AgainInstead is the form for a recovery code in the place of a passkey.
type AgainInstead struct {
	Code string `form:"required,max=40" label:"Recovery code" help:"One of the ten that you kept: 24 letters and digits." autocomplete:"off"`
	Ask  string `form:"max=1,hidden" label:"What is asked"`
	Next string `form:"max=2048,hidden" label:"Where to go next"`
}

// Lost is what the page that asks for a passkey offers to who has lost it.
type Lost struct {
	Maybe    bool // there is a passkey, and no app beside a password
	Password bool // the password is asked first
	Code     bool // then the code
	Unset    bool // there is no password, without which no code counts: a link by mail sets one
	None     bool // no code is left
}

// whatInstead is what may be shown in the place of a passkey, by a user who has one, and no app beside a password.
func whatInstead(q db.Querier, s leveled, now time.Time, row userRow) (l Lost, err error) {
	left, err := codesLeft(q, row.ID)
	if err != nil {
		return l, err
	}
	app, err := HasApp(q, row.ID)
	if err != nil {
		return l, err
	}
	seen, _ := shownKey.Get(s)
	l.Maybe = true
	switch {
	case left == 0 && !app:
		l.None = true
	case !row.hasPassword():
		l.Unset = true
	case seen.Password < now.Add(-recentFor(s.Level())).UnixMicro():
		l.Password = true
	default:
		l.Code = true
	}
	return l, nil
}

// mayInstead reports whether a recovery code is taken now: beside a password that was shown a moment ago, from who has a
// passkey and no app.
func (a *part) mayInstead(q db.Querier, s leveled, now time.Time, row userRow) (bool, error) {
	app, any, err := a.standIn(q, row.ID)
	if err != nil || app || !any {
		return false, err
	}
	l, err := whatInstead(q, s, now, row)
	return l.Code, err
}

// tryInstead counts the try in the session, then compares. The account has no count of its own, or who knows the password would
// keep the owner out: a code has 120 bits and is not guessed (NIST SP 800-63B-4 3.1.2.2 limits the tries below 64).
func (a *part) tryInstead(r *merlon.Read[User], f form.Form[AgainInstead]) (t tried, err error) {
	in, ok := f.Value()
	if !ok {
		return t, nil
	}
	row, err := userByID.One(r.DB, r.User.ID)
	if err != nil {
		return t, err
	}
	if may, err := a.mayInstead(r.DB, r.Session, r.Now(), row); err != nil || !may {
		return t, err
	}
	codes, err := listRecovery.All(r.DB, row.ID)
	if err != nil {
		return t, err
	}
	_ = r.DB.Close()
	permit, err := a.house.Limits.Reserve(r.Context(), throttle.Recovery(row.Email, decimal(r.Session.ID()))...)
	var limited *throttle.Limited
	if errors.As(err, &limited) {
		r.Record(RuleLimited, event.Refused, slog.Int64("account", row.ID))
		return tried{until: limited.Until}, nil
	}
	if err == nil {
		err = permit.Spend(throttle.ForFactor)
	}
	if err != nil {
		return t, err
	}
	if code := readCode(in.Code); code.recovery != "" {
		t.code = recoveryHash(row.ID, code.recovery)
		t.ok = holdsCode(codes, t.code)
	}
	if err := permit.Settle(context.WithoutCancel(r.Context()), t.ok); err != nil {
		return t, err
	}
	if !t.ok {
		r.Record(RuleWrongCode, event.Failed, slog.Int64("account", row.ID))
	}
	return t, nil
}

// instead uses the code up: the session is one of two factors, and the only one.
func (a *part) instead(w *merlon.Write[User], f form.Form[AgainInstead], t tried) (*merlon.Response, error) {
	if !t.until.IsZero() {
		return merlon.TooMany(t.until), nil
	}
	next, _ := w.Local(f.Raw("Next"))
	row, err := userByID.One(w.DB, w.User.ID)
	if err != nil {
		return nil, err
	}
	may, err := a.mayInstead(w.DB, w.Session, w.Now(), row) // once more, in the transaction
	if err != nil {
		return nil, err
	}
	if !may {
		return merlon.Redirect("/sign-in/again?ask={ask}&next={next}", f.Raw("Ask"), next), nil
	}
	left, ok := 0, t.ok
	if ok {
		if left, ok, err = spendRecovery(w.DB, row.ID, t.code, w.Now()); err != nil {
			return nil, err
		}
	}
	if !ok {
		p, err := a.whatToAsk(w, w.DB, w.Session, w.Now(), f.Raw("Ask"), next)
		if p.LostForm = f; !f.Failed() {
			p.LostForm = f.Reject("Code", say(w, "account.lost-way.wrong"))
		}
		return merlon.ShowStatus(422, againPage, p), err
	}
	level := w.Session.Level()
	seen, _ := shownKey.Get(w.Session)
	seen.Code, level.Factors = w.Now().UnixMicro(), max(level.Factors, 2)
	if err := raise(w, level, seen); err != nil {
		return nil, err
	}
	if err := w.Session.EndOthers(row.ID, "factors changed"); err != nil {
		return nil, err
	}
	if err := forgetOthers(w, row.ID); err != nil {
		return nil, err
	}
	if err := a.notice(w.DB, w.Lang(), w.Now(), row, "account.mail.code-instead", left); err != nil {
		return nil, err
	}
	w.Record(RuleInstead, event.Done, slog.Int64("account", row.ID), slog.String("browser", w.Device()))
	return merlon.RedirectLocal(next).Notice("All other sessions were ended. Remove the passkey that you have lost, and add a new one."), nil
}
