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

// CodesNew is the form of the button that makes new codes.
type CodesNew struct{}

// CodesPage is the data of the page codes.html.
type CodesPage struct {
	Form  form.Form[CodesKept]
	Codes []string // shown this once
	On    bool     // the user has an app, so that codes are good for something
	Left  int
	All   int
	Made  Moment
	Used  []Moment
}

var codesPage = page.New[CodesPage](pages, "codes.html")

// freshenCodes makes new codes and puts them into the session, to be shown.
func (a *part) freshenCodes(w *merlon.Write[User], row userRow, next string) error {
	codes, err := makeCodes(w.DB, row.ID, w.Now())
	if err != nil {
		return err
	}
	freshCodesKey.Set(w.Session, freshCodes{codes, next})
	w.Record(RuleCodesMade, event.Done, slog.Int64("account", row.ID))
	return nil
}

func (a *part) showCodes(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	p, err := codesState(r.Lang(), r.DB, r.Session)
	if err != nil {
		return nil, err
	}
	return merlon.Show(codesPage, p), nil
}

func codesState(lang string, q db.Querier, s leveled) (p CodesPage, err error) {
	if fresh, ok := freshCodesKey.Get(s); ok {
		p.Codes = fresh.Codes
	}
	if p.On, _, _, err = totpState(q, s.User()); err != nil {
		return p, err
	}
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

// downloadCodes gives the codes as a file, while they are shown. It is a GET, which can be done twice.
func (a *part) downloadCodes(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	fresh, ok := freshCodesKey.Get(r.Session)
	if !ok {
		return merlon.Gone(), nil
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
		p, err := codesState(w.Lang(), w.DB, w.Session)
		p.Form = f
		return merlon.ShowStatus(422, codesPage, p), err
	}
	freshCodesKey.Delete(w.Session)
	if fresh.Next != "" {
		return merlon.RedirectLocal(a.next(w, fresh.Next)), nil
	}
	return merlon.Redirect("/account/codes"), nil
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
	on, _, _, err := totpState(w.DB, w.User.ID)
	if err != nil || !on {
		return merlon.Redirect("/account/codes"), err
	}
	row, err := userByID.One(w.DB, w.User.ID)
	if err != nil {
		return nil, err
	}
	if err := a.freshenCodes(w, row, ""); err != nil {
		return nil, err
	}
	if err := a.notice(w.DB, w.Lang(), w.Now(), row, "account.mail.codes-new"); err != nil {
		return nil, err
	}
	return merlon.Redirect("/account/codes"), nil
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
