package account

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/session"
)

// freshCodes are recovery codes on their way to their owner: they rest in the session, sealed under the visitor's token,
// until the owner shows to have kept them, or the time is over. Then their hashes are all there is.
type freshCodes struct {
	Codes []string `json:"c"`
	Next  string   `json:"n"`
}

var freshCodesKey = session.NewKeyFor[freshCodes]("account-codes", freshLife)

// askedCode is the code whose last four characters are asked for.
const askedCode = 3

// CodesKept is the form in which the owner shows to have kept the codes.
type CodesKept struct {
	Last string `form:"required,max=64" label:"The last four characters of code 3" help:"They show that you have kept the codes." autocomplete:"off"`
}

// CodesHave is the form of the button that says that codes are kept which are not shown any more.
type CodesHave struct{}

// CodesNew is the form of the button that makes new codes.
type CodesNew struct{}

// CodesPage is the data of the page codes.html.
type CodesPage struct {
	Form   form.Form[CodesKept]
	Codes  []string // shown this once
	On     bool     // the user has an app or a passkey, so that codes are good for something
	App    bool     // an app: else they stand in for a passkey
	Unsure bool     // nobody said that they are kept
	Left   int
	All    int
	Made   Moment
	Used   []Moment
}

var codesPage = page.New[CodesPage](pages, "codes.html")

// freshenCodes makes new codes and puts them into the session, to be shown. The session has got a new token in this request: who
// has the cookie of before reads them nowhere.
func freshenCodes[U any](w *merlon.Write[U], user int64, next string) error {
	codes, err := makeCodes(w.DB, user, w.Now())
	if err != nil {
		return err
	}
	freshCodesKey.Set(w.Session, freshCodes{codes, next})
	w.Record(RuleCodesMade, event.Done, slog.Int64("account", user))
	return nil
}

func (a *part) showCodes(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	p, err := a.codesState(r.Lang(), r.DB, r.Session)
	if err != nil {
		return nil, err
	}
	return merlon.Show(codesPage, p), nil
}

func (a *part) codesState(lang string, q db.Querier, s leveled) (p CodesPage, err error) {
	if fresh, ok := freshCodesKey.Get(s); ok {
		p.Codes = fresh.Codes
	}
	if p.App, p.On, err = a.standIn(q, s.User()); err != nil {
		return p, err
	}
	left, err := countRecovery.One(q, s.User())
	if err != nil {
		return p, err
	}
	p.Unsure = left.unsure()
	rows, err := listRecovery.All(q, s.User())
	for _, row := range rows {
		p.All++
		p.Made = Date(lang, time.UnixMicro(row.Created))
		if row.Used == 0 {
			p.Left++
		} else {
			p.Used = append(p.Used, Minute(lang, time.UnixMicro(row.Used)))
		}
	}
	return p, err
}

// standIn tells whether a user has an app, and whether there is anything that recovery codes stand in for.
func (a *part) standIn(q db.Querier, user int64) (app, any bool, err error) {
	if app, _, _, err = totpState(q, user); err != nil || app {
		return app, app, err
	}
	any, err = a.hasWay(q, user)
	return false, any, err
}

// FirstCodes makes recovery codes for the user of the session, who has added a [Way], if none are left. It is called after
// [Raise], under whose token they are shown on /account/codes, from where the user goes on to next; it tells whether there are
// any to be shown.
func FirstCodes[U any](w *merlon.Write[U], next merlon.Local) (made bool, err error) {
	user := w.Session.Level().User
	left, err := codesLeft(w.DB, user)
	if err != nil || left > 0 {
		return false, err
	}
	return true, freshenCodes(w, user, next.String())
}

// downloadCodes gives the codes as a file, while they are shown; afterwards it leads back to the page about them.
func (a *part) downloadCodes(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	fresh, ok := freshCodesKey.Get(r.Session)
	if !ok {
		return merlon.Redirect("/account/codes"), nil // which says how many are left, and makes new ones
	}
	var b strings.Builder
	b.WriteString(say(r, "account.codes.file", a.siteName(), r.User.Email, day(r.Lang(), r.Now())) + "\n\n")
	for i, code := range fresh.Codes {
		fmt.Fprintf(&b, "%2d  %s\n", i+1, code)
	}
	return merlon.Download("recovery-codes.txt", []byte(b.String())), nil
}

// keptCodes takes the codes out of the session. What is compared is no secret to who is asked: it stands on the same page.
func (a *part) keptCodes(w *merlon.Write[User], f form.Form[CodesKept]) (*merlon.Response, error) {
	fresh, shown := freshCodesKey.Get(w.Session)
	if !shown {
		return merlon.Redirect("/account/codes"), nil
	}
	in, ok := f.Value()
	if ok && !endsWith(fresh.Codes[askedCode-1], in.Last) {
		f, ok = f.Reject("Last", say(w, "account.codes.other", askedCode)), false
	}
	if !ok {
		p, err := a.codesState(w.Lang(), w.DB, w.Session)
		p.Form = f
		return merlon.ShowStatus(422, codesPage, p), err
	}
	freshCodesKey.Delete(w.Session)
	if _, err := keepRecovery.Run(w.DB, w.User.ID, w.Now().UnixMicro()); err != nil {
		return nil, err
	}
	if fresh.Next != "" {
		return merlon.RedirectLocal(a.next(w, fresh.Next)), nil
	}
	return merlon.Redirect("/account/codes"), nil
}

// haveCodes ends the reminder of somebody who kept the codes and did not say so while they were shown.
func (a *part) haveCodes(w *merlon.Write[User], _ form.Form[CodesHave]) (*merlon.Response, error) {
	_, err := keepRecovery.Run(w.DB, w.User.ID, w.Now().UnixMicro())
	return merlon.Redirect("/account/codes"), err
}

// endsWith reports whether a code ends with what was typed, at least its last four characters.
func endsWith(code, typed string) bool {
	squash := func(s string) string {
		return strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s))
	}
	code, typed = squash(code), squash(typed)
	return len(typed) >= 4 && len(typed) <= len(code) && subtle.ConstantTimeCompare([]byte(code[len(code)-len(typed):]), []byte(typed)) == 1
}

// newCodes makes new codes in the place of the old ones, which are void.
func (a *part) newCodes(w *merlon.Write[User], _ form.Form[CodesNew]) (*merlon.Response, error) {
	_, any, err := a.standIn(w.DB, w.User.ID)
	if err != nil || !any {
		return merlon.Redirect("/account/codes"), err
	}
	row, err := userByID.One(w.DB, w.User.ID)
	if err != nil {
		return nil, err
	}
	// who has this session's cookie too would read the codes, and who had an old one may be in by it
	if err := w.Session.Rotate(w.Session.Level()); err != nil {
		return nil, err
	}
	if err := w.Session.EndOthers(row.ID, "factors changed"); err != nil {
		return nil, err
	}
	if err := distrust(w.DB, row.ID); err != nil {
		return nil, err
	}
	if err := freshenCodes(w, row.ID, ""); err != nil {
		return nil, err
	}
	if err := a.addedNotice(w.DB, w.Lang(), w.Now(), row, "account.mail.codes-new"); err != nil {
		return nil, err
	}
	return merlon.Redirect("/account/codes"), nil
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
