package account

import (
	"crypto/sha256"
	"errors"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/session"
)

// The second step: the password was right, the code is asked. Until then nobody is signed in: the session is nobody's, and
// only says whose code is waited for.

// pending is the mark of that session.
type pending struct {
	User  int64  `json:"u"`
	Hash  []byte `json:"h"` // of the password's hash: another password ends the wait
	Next  string `json:"n"`
	Until int64  `json:"t"` // Unix microseconds
}

// pendingLife is how long the code is waited for.
const pendingLife = 10 * time.Minute

var pendingKey = session.NewKey[pending]("account-second")

// SecondStep is what the form of the second step binds.
type SecondStep struct {
	Code  string `form:"required,max=64" label:"Code" help:"Six digits from your app, or one of your recovery codes." autocomplete:"one-time-code"`
	Trust bool   `form:"" label:"Skip this step on this device for 30 days"`
}

// SecondPage is the data of the page second.html.
type SecondPage struct {
	Form  form.Form[SecondStep]
	Trust bool // the step can be skipped on this device: not for administrators
}

var secondPage = page.New[SecondPage](pages, "second.html")

// toSecond begins the second step: a new token for a session that is nobody's.
func toSecond[U any](w *merlon.Write[U], row userRow, next merlon.Local) (*merlon.Response, error) {
	if err := w.Session.Rotate(session.Level{}); err != nil {
		return nil, err
	}
	pendingKey.Set(w.Session, pending{row.ID, passwordMark(row), next.String(), w.Now().Add(pendingLife).UnixMicro()})
	return merlon.Redirect("/sign-in/second"), nil
}

func passwordMark(row userRow) []byte {
	h := sha256.Sum256([]byte(row.Password))
	return h[:]
}

// waiting returns whose code is waited for. Who is signed in has nothing to wait for.
func waiting(s leveled, now time.Time) (pending, bool) {
	p, ok := pendingKey.Get(s)
	return p, ok && s.User() == 0 && now.UnixMicro() < p.Until
}

// holds reports whether what the first step found still is so.
func (p pending) holds(q db.Querier) (userRow, bool, error) {
	row, err := userByID.One(q, p.User)
	if errors.Is(err, db.ErrNoRow) {
		return row, false, nil
	}
	return row, err == nil && row.mayEnter() && string(passwordMark(row)) == string(p.Hash), err
}

func (a *part) showSecond(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	p, waits := waiting(r.Session, r.Now())
	if !waits {
		return merlon.Redirect("/sign-in"), nil
	}
	row, holds, err := p.holds(r.DB)
	if err != nil || !holds {
		return merlon.Redirect("/sign-in"), err
	}
	return merlon.Show(secondPage, SecondPage{Trust: !isAdmin(row)}), nil
}

func (a *part) trySecond(r *merlon.Read[Guest], f form.Form[SecondStep]) (tried, error) {
	in, ok := f.Value()
	p, waits := waiting(r.Session, r.Now())
	if !ok || !waits {
		return tried{}, nil
	}
	row, holds, err := p.holds(r.DB)
	if err != nil || !holds {
		return tried{}, err
	}
	return tryCode(a, r, row, in.Code)
}

// second ends the second step: the code is used up in the transaction that signs in.
func (a *part) second(w *merlon.Write[Guest], f form.Form[SecondStep], t tried) (*merlon.Response, error) {
	p, waits := waiting(w.Session, w.Now())
	if !waits {
		return merlon.Redirect("/sign-in"), nil
	}
	row, holds, err := p.holds(w.DB)
	if err != nil {
		return nil, err
	}
	if !holds {
		w.Record(RuleVoidStep, event.Refused, slog.Int64("account", p.User))
		pendingKey.Delete(w.Session)
		return merlon.Redirect("/sign-in"), nil
	}
	if !t.until.IsZero() {
		return merlon.ShowStatus(429, fullPage, FullPage{Minute(w.Lang(), t.until.Add(time.Minute-1).Truncate(time.Minute))}).RetryAt(t.until), nil
	}
	how, ok, err := a.spendCode(w.DB, w.Lang(), w.Now(), row, t)
	if err != nil {
		return nil, err
	}
	if !ok {
		return merlon.ShowStatus(422, secondPage, SecondPage{refuseCode(w, f, w.Now(), t), !isAdmin(row)}), nil
	}
	in, _ := f.Value()
	pendingKey.Delete(w.Session)
	if _, opened := codeStep.Get(w); opened {
		codeStep.End(w)
	}
	way := byTOTP
	if how == "code" {
		way = byCode
	}
	// an administrator is asked each time, whatever the form says
	if err := enter(a, w, row, proof{factors: 2, way: way, trust: in.Trust && !isAdmin(row)}); err != nil {
		return nil, err
	}
	return landing(row, a.next(w, p.Next)), nil
}

// refuseCode says what is wrong with a code. The site's clock is always told: codes are made of the time, and a wrong clock
// is the only reason for which a right code is refused again and again.
func refuseCode[T any](r asked, f form.Form[T], now time.Time, t tried) form.Form[T] {
	if f.Failed() {
		return f
	}
	clock := now.UTC().Format("15:04:05") + " UTC"
	minutes := func(steps int64) int64 { return (steps*totpStep + 59) / 60 }
	switch {
	case t.late > 0:
		return f.Reject("Code", say(r, "account.code.late", minutes(t.late), clock))
	case t.late < 0:
		return f.Reject("Code", say(r, "account.code.early", minutes(-t.late), clock))
	}
	return f.Reject("Code", say(r, "account.code.wrong", clock))
}

// trustedHere reports whether the second step is skipped: on a device whose owner has said so, never for an administrator.
func trustedHere[U any](w *merlon.Write[U], row userRow) (bool, error) {
	if isAdmin(row) {
		return false, nil
	}
	cookie, has := deviceCookie.Get(w)
	d, known, err := knownDevice(cookie, has, w.DB, row.ID, w.Now())
	return known && d.trustedAt(w.Now()), err
}

// trustedAt reports whether the second step is skipped on the device.
func (d deviceRow) trustedAt(now time.Time) bool { return d.Trusted > now.UnixMicro() }

var distrustDevices = db.Exec(schema, "UPDATE merlon_device SET trusted = 0 WHERE \"user\" = $1 AND trusted > 0")

// distrust asks for the second step on all devices again, the one that asks too: its cookie may have been copied. Whatever ends
// sessions of a user does it, or a browser that a thief had trusted would be in again by the password alone.
func distrust(w *db.Writer, user int64) error {
	_, err := distrustDevices.Run(w, user)
	return err
}
