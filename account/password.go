package account

import (
	"log/slog"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/session"
)

// ChangePassword is the form with which users change their password, or choose a first one. Email is for the browser's
// password keeper alone, which must know whose password it is.
type ChangePassword struct {
	Email   string        `form:"max=254,hidden" label:"E-mail address" autocomplete:"username"`
	Current secret.String `form:"password,max=1024" label:"Current password" autocomplete:"current-password"`
	New     secret.String `form:"password,required,max=1024" label:"New password" autocomplete:"new-password" help:"At least 15 characters: three or four words that do not belong together are good."`
	Tries   int           `form:"min=0,max=1000,hidden" label:"Tries so far"`
}

// PasswordPage is the data of the page account-password.html.
type PasswordPage struct {
	Form  form.Form[ChangePassword]
	Email string
	Has   bool // a password, which is asked for
	Tries int  // wrong ones so far, on this page
}

var (
	passwordPage = page.New[PasswordPage](pages, "account-password.html")

	changeHash = db.Exec(schema, "UPDATE merlon_user SET password = $3, chosen = $4 WHERE id = $1 AND password = $2")
)

func (r userRow) hasPassword() bool {
	return r.Password != "" && !strings.HasPrefix(r.Password, NoPassword)
}

// isRecent is what [NeedRecent] asks, for pages on which it depends on the user.
func isRecent(l session.Level, now time.Time) bool {
	return now.Sub(l.Recent) <= recentFor(l)
}

// mayChoose asks for all factors before a first password, which is a factor more: a code that was found would count beside it.
func mayChoose(r *merlon.Read[User], row userRow) error {
	if row.hasPassword() { // it is asked for in the form
		return nil
	}
	return recentAll(r.DB, r.Session, r.Now())
}

func (a *part) showPassword(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	row, err := userByID.One(r.DB, r.User.ID)
	if err != nil {
		return nil, err
	}
	if err := mayChoose(r, row); err != nil {
		return nil, err
	}
	return merlon.Show(passwordPage, PasswordPage{Email: row.Email, Has: row.hasPassword()}), nil
}

// change is what the slow part of a change of password found.
type change struct {
	row      userRow
	current  attempt
	problems []string // of the new password, in the visitor's language
	hash     string
}

// tryChange compares the current password under the limits of a sign-in, so that a browser left open is no place for
// guessing, and hashes the new one.
func (a *part) tryChange(r *merlon.Read[User], f form.Form[ChangePassword]) (change, error) {
	in, ok := f.Value()
	row, err := userByID.One(r.DB, r.User.ID)
	c := change{row: row}
	if err != nil {
		return c, err
	}
	if err := mayChoose(r, row); err != nil {
		return c, err
	}
	if c.problems = a.problems(r, in.New, row.Email, row.Name, a.house.Title); !ok || len(c.problems) > 0 {
		return c, nil
	}
	if row.hasPassword() {
		if in.Current.Empty() {
			return c, nil
		}
		if c.current, err = compare(a, r, row.Email, row, true, true, in.Current); err != nil || !c.current.ok {
			return c, err
		}
	}
	h, err := hashChosen(a, r, in.New, password.From{Network: networkFor(r), Known: true})
	c.hash, c.problems = h.hash, h.problems
	return c, err
}

// changePassword ends what the old password opened: all other sessions, and links that were on their way.
func (a *part) changePassword(w *merlon.Write[User], f form.Form[ChangePassword], c change) (*merlon.Response, error) {
	in, ok := f.Value()
	if !c.current.until.IsZero() {
		return merlon.TooMany(c.current.until), nil
	}
	tries := triedBefore(f.Raw("Tries"))
	switch {
	case !ok:
	case c.row.hasPassword() && in.Current.Empty():
		f, ok = f.Reject("Current", say(w, "form.required")), false
	case len(c.problems) > 0:
		f, ok = rejected(f, "New", c.problems)
	case c.hash == "":
		tries++
		f, ok = f.Reject("Current", mistaken(w, "account.password.wrong", tries)), false
	}
	if !ok {
		return merlon.ShowStatus(422, passwordPage, PasswordPage{f, c.row.Email, c.row.hasPassword(), tries}), nil
	}
	now := w.Now()
	done, err := changeHash.Run(w.DB, c.row.ID, c.row.Password, c.hash, now.UnixMicro())
	if err != nil {
		return nil, err
	}
	if done.Rows != 1 { // another hash than the one that was compared: the password was changed or upgraded meanwhile
		f = f.Reject("", say(w, "account.password.meanwhile"))
		return merlon.ShowStatus(422, passwordPage, PasswordPage{f, c.row.Email, c.row.hasPassword(), 0}), nil
	}
	if err := w.Session.EndOthers(c.row.ID, "password changed"); err != nil {
		return nil, err
	}
	if err := forgetOthers(w, c.row.ID); err != nil {
		return nil, err
	}
	if err := w.Session.Rotate(w.Session.Level()); err != nil {
		return nil, err
	}
	if err := endAsked(w.DB, c.row.ID); err != nil {
		return nil, err
	}
	if err := a.notice(w.DB, w.Lang(), now, c.row, "account.mail.password", browserIn(c.row.speaks(w.Lang()), w.Device())); err != nil {
		return nil, err
	}
	w.Record(RulePassword, event.Done, slog.Int64("account", c.row.ID))
	return merlon.Redirect("/account").Notice("Your password is changed. All other sessions were ended."), nil
}
