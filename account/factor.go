package account

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/throttle"
)

// trustLife is how long the second step is skipped on a device that its owner trusts.
const trustLife = 30 * 24 * time.Hour

// factorRoutes are the second step and what a user has for it.
func (a *part) factorRoutes() []merlon.Route {
	all := SignedIn().With(NeedRecentAll())
	return []merlon.Route{
		merlon.Get("/sign-in/second", Anyone(), a.showSecond),
		merlon.PostAfter("/sign-in/second", Anyone(), a.trySecond, a.second),
		merlon.PostAfter("/sign-in/second/mail", Anyone(), a.limitCodeLink, a.askCodeLink),
		merlon.Get("/sign-in/second/sent", Anyone(), a.showCodeLinkSent),
		merlon.Get("/sign-in/second/open", Anyone(), a.showCodeLink),
		merlon.Post("/sign-in/second/open", Anyone(), a.openCodeLink),
		merlon.Get("/sign-in/again", Anyone(), a.showAgain),
		merlon.PostAfter("/sign-in/again", SignedIn(), a.tryAgain, a.again),
		merlon.PostAfter("/sign-in/again/code", SignedIn(), a.tryAgainCode, a.againCode),
		merlon.PostAfter("/sign-in/again/lost", SignedIn(), a.tryInstead, a.instead),
		merlon.Get("/account/app", SignedIn(), a.showApp),
		merlon.Post("/account/app/start", all, a.startApp),
		merlon.PostAfter("/account/app/confirm", all, a.tryApp, a.confirmApp),
		merlon.Get("/account/app/remove", all, a.askRemoveApp),
		merlon.Post("/account/app/remove", all, a.removeApp),
		merlon.Get("/account/codes", SignedIn(), a.showCodes),
		merlon.Get("/account/codes/file", SignedIn(), a.downloadCodes),
		merlon.Post("/account/codes/kept", SignedIn(), a.keptCodes),
		merlon.Post("/account/codes/have", SignedIn(), a.haveCodes),
		merlon.Post("/account/codes/new", all, a.newCodes),
	}
}

// A tried code is what became of one, outside of the transaction.
type tried struct {
	ok    bool
	step  int64 // of the app's code
	app   int64 // when that app was added: another one may be there by now
	code  []byte
	fresh []byte    // the secret of an app that is being set up, with which it was compared
	late  int64     // a code of so many steps ago: a clock is wrong
	until time.Time // nothing was compared: wait
}

// tryCode counts the try, then compares a code with the user's app or recovery codes. That it matches is not yet that it is
// used: [part.spendCode] does that in the transaction, once.
func tryCode[U any](a *part, r *merlon.Read[U], user userRow, typed string) (t tried, err error) {
	cookie, has := deviceCookie.Get(r)
	d, known, err := knownDevice(cookie, has, r.DB, user.ID, r.Now())
	if err != nil {
		return t, err
	}
	device := ""
	if known {
		device = d.name()
	}
	row, err := findTOTP.One(r.DB, user.ID)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return t, err
	}
	on := err == nil
	codes, err := listRecovery.All(r.DB, user.ID)
	if err != nil {
		return t, err
	}
	buckets := throttle.Factor(user.Email, decimal(r.Session.ID()), device)
	if known && d.Entered == 0 { // whoever reads the mailbox makes as many of these as they like: their tries count together
		buckets = throttle.FactorMailed(user.Email, "device "+device)
	}
	if open, has := codeStep.Get(r); has && open.User == user.ID {
		buckets = throttle.FactorMailed(user.Email, open.Link)
	}
	_ = r.DB.Close()
	permit, err := a.house.Limits.Reserve(r.Context(), buckets...)
	var limited *throttle.Limited
	if errors.As(err, &limited) {
		r.Record(RuleLimited, event.Refused, slog.Int64("account", user.ID))
		return tried{until: limited.Until}, a.tellCodes(r, user)
	}
	if err == nil {
		err = permit.Spend(throttle.ForFactor)
	}
	if err != nil {
		return t, err
	}
	switch code := readCode(typed); {
	case code.app != "" && on:
		secret, err := a.openTOTP(user.ID, row.Secret)
		if err != nil {
			return t, err
		}
		if t.step, t.ok, err = matchTOTP(secret, code.app, r.Now(), totpDrift, totpDrift); err != nil {
			return t, err
		}
		t.ok, t.app = t.ok && t.step > row.Step, row.Created
		if !t.ok {
			t.late, err = lateBy(secret, code.app, r.Now())
			if err != nil {
				return t, err
			}
		}
	case code.recovery != "" && on: // without an app they stand in for a passkey, beside the password: see [part.tryInstead]
		t.code = recoveryHash(user.ID, code.recovery)
		t.ok = holdsCode(codes, t.code)
	}
	if err := permit.Settle(context.WithoutCancel(r.Context()), t.ok); err != nil {
		return t, err
	}
	if !t.ok {
		r.Record(RuleWrongCode, event.Failed, slog.Int64("account", user.ID))
		if permit.Filled(throttle.KindFactorSession, throttle.KindFactorAccount, throttle.KindFactorDevice, throttle.KindFactorMailbox) {
			return t, a.tellCodes(r, user)
		}
	}
	return t, nil
}

// lateBy tells how many steps ago a code was the right one, 0: never of late. What is to come is not told: it would say to
// whoever guesses which codes to keep for later.
func lateBy(secret []byte, code string, now time.Time) (int64, error) {
	step, ok, err := matchTOTP(secret, code, now, totpSkew, -totpDrift-1)
	if err != nil || !ok {
		return 0, err
	}
	return now.Unix()/totpStep - step, nil
}

// spendCode uses up what matched, in the transaction of what it permits: of fifty at once one succeeds. It tells how the
// user showed it: "totp" or "code".
func (a *part) spendCode(w *db.Writer, lang string, now time.Time, row userRow, t tried) (how string, ok bool, err error) {
	if !t.ok {
		return "", false, nil
	}
	if t.code == nil {
		done, err := useTOTP.Run(w, row.ID, t.step, now.UnixMicro(), t.app)
		return "totp", done.Rows == 1, err
	}
	left, ok, err := spendRecovery(w, row.ID, t.code, now)
	if err != nil || !ok {
		return "", false, err
	}
	if left == 0 {
		return "code", true, a.notice(w, lang, now, row, "account.mail.codes-gone")
	}
	return "code", true, a.notice(w, lang, now, row, "account.mail.code-used", left)
}

// The factors of a session's user, and when they were last shown in it, in Unix microseconds; 0: not in this session.
type shown struct {
	Password int64 `json:"p,omitempty"`
	Code     int64 `json:"c,omitempty"` // of the app, or a recovery code
	Way      int64 `json:"w,omitempty"` // a way of another part, which is a whole sign-in by itself
	Weak     bool  `json:"b,omitempty"` // the user has such a way, and signed in without it and with one factor
}

var shownKey = session.NewKey[shown]("account-shown")

// hasWay reports whether the user has a way of another part to sign in.
func (a *part) hasWay(q db.Querier, user int64) (bool, error) {
	for _, way := range a.ways {
		if n, err := way.Count(q, user); err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}
