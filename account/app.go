package account

import (
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/qr"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/throttle"
)

// freshApp is a secret that waits to be confirmed: it rests in the session, sealed under the visitor's token, and is worth
// nothing until a code of it was typed.
type freshApp struct {
	Secret []byte `json:"s"`
	Next   string `json:"n"`
}

// freshLife is how long a secret or the recovery codes wait in the session.
const freshLife = 15 * time.Minute

var freshAppKey = session.NewKeyFor[freshApp]("account-app", freshLife)

// AppInput is what the page of the app takes from its address.
type AppInput struct {
	Why  string `query:"why,max=1"`
	Next string `query:"next,max=2048"`
}

// AppStart is the form of the button that begins.
type AppStart struct {
	Next string `form:"max=2048,hidden" label:"Where to go next"`
}

// AppConfirm is the form that takes the first code.
type AppConfirm struct {
	Code string `form:"required,max=16,inputmode=numeric" label:"Code of the app" help:"The six digits that the app shows for this site." autocomplete:"one-time-code"`
}

// AppRemove is the form of the button that takes the app away.
type AppRemove struct{}

// AppPage is the data of the page app.html: off, being set up, or on.
type AppPage struct {
	Form      form.Form[AppConfirm]
	On        bool
	Setup     bool
	Why       bool // the visitor was led here: more factors are needed than there are
	Admin     bool // the user is an administrator who has no way in yet
	Since     Moment
	Used      Moment // no words: not yet
	QR        QRCode
	Secret    string // in groups of four
	Link      string
	CodesLeft string
	Ways      []WayLink
	Next      string
	Home      string // where "later" leads
}

// AppRemovePage is the data of the page app-remove.html, which asks before the app is taken away.
type AppRemovePage struct {
	Form  form.Form[AppRemove]
	Last  bool // without the app the password would be all
	Sleep bool // the user is an administrator whose rights would sleep
}

var (
	appPage       = page.New[AppPage](pages, "app.html")
	appRemovePage = page.New[AppRemovePage](pages, "app-remove.html")
)

func (a *part) showApp(r *merlon.Read[User], in AppInput) (*merlon.Response, error) {
	p, err := a.appState(r, r.DB, r.Session, r.Now())
	if err != nil {
		return nil, err
	}
	p.Why = in.Why != ""
	if next, ok := r.Local(in.Next); ok {
		p.Next = next.String()
	}
	return merlon.Show(appPage, p), nil
}

// appState is what the page shows.
func (a *part) appState(r asked, q db.Querier, s leveled, now time.Time) (p AppPage, err error) {
	row, err := userByID.One(q, s.User())
	if err != nil {
		return p, err
	}
	on, since, used, err := totpState(q, row.ID)
	if err != nil {
		return p, err
	}
	p.Admin, p.Home = isAdmin(row) && s.Level().Factors < 2, string(a.cfg.Home)
	if p.On = on; on {
		p.Since = Ago(r.Lang(), time.UnixMicro(since), now)
		if used != 0 {
			p.Used = Ago(r.Lang(), time.UnixMicro(used), now)
		}
		left, err := codesLeft(q, row.ID)
		p.CodesLeft = say(r, "account.app.left", left)
		return p, err
	}
	for _, way := range a.ways {
		p.Ways = append(p.Ways, WayLink{say(r, way.Title), way.Manage})
	}
	fresh, ok := freshAppKey.Get(s)
	if p.Setup = ok; !p.Setup {
		return p, nil
	}
	if p.Link, err = totpAddress(a.siteName(), row.Email, fresh.Secret); err != nil {
		return p, err
	}
	if p.QR, err = qr.Draw(p.Link); err != nil {
		return p, err
	}
	p.Secret = grouped(plainBase32.EncodeToString(fresh.Secret), " ")
	return p, nil
}

// siteName is what the app shows beside the code.
func (a *part) siteName() string {
	for _, name := range []string{a.house.Title, a.house.Name} {
		if name != "" {
			return name
		}
	}
	return "merlon"
}

// beginApp puts a new secret into the session, which has got a new token in this request: see [part.startApp].
func beginApp[U any](w *merlon.Write[U], next string) {
	freshAppKey.Set(w.Session, freshApp{newTOTPSecret(), next})
}

func (a *part) startApp(w *merlon.Write[User], f form.Form[AppStart]) (*merlon.Response, error) {
	on, _, _, err := totpState(w.DB, w.User.ID)
	if err != nil {
		return nil, err
	}
	if !on {
		next := ""
		if to, ok := w.Local(f.Raw("Next")); ok {
			next = to.String()
		}
		// who has this session's cookie too would read the secret, or has the owner scan the one that they began with: now one of
		// the two is signed out
		if err := w.Session.Rotate(w.Session.Level()); err != nil {
			return nil, err
		}
		beginApp(w, next)
	}
	return merlon.Redirect("/account/app"), nil
}

// tryApp compares the first code. The limit has a name of its own: who cannot set the app up is not kept from signing in.
func (a *part) tryApp(r *merlon.Read[User], f form.Form[AppConfirm]) (t tried, err error) {
	in, ok := f.Value()
	fresh, has := freshAppKey.Get(r.Session)
	if !ok || !has {
		return t, nil
	}
	_ = r.DB.Close()
	permit, err := a.house.Limits.Reserve(r.Context(), throttle.Own("app-setup", setupLimit, decimal(r.User.ID)))
	var limited *throttle.Limited
	if errors.As(err, &limited) {
		r.Record(RuleLimited, event.Refused, slog.Int64("account", r.User.ID))
		return tried{until: limited.Until}, nil
	}
	if err == nil {
		err = permit.Spend("app-setup")
	}
	if err != nil {
		return t, err
	}
	code, now := readCode(in.Code).app, r.Now()
	t.fresh = fresh.Secret
	if t.step, t.ok, err = matchTOTP(fresh.Secret, code, now, totpDrift, totpDrift); err != nil {
		return t, err
	}
	if !t.ok { // the secret is on the visitor's screen: how far the clocks are apart may be told in both directions
		step, near, err := matchTOTP(fresh.Secret, code, now, totpSkew, totpSkew)
		if err != nil {
			return t, err
		}
		if near {
			t.late = now.Unix()/totpStep - step
		}
	}
	return t, permit.Settle(r.Context(), t.ok)
}

// setupLimit is wider than that of a sign-in: nothing is guarded by the secret yet.
var setupLimit = throttle.Limit{Burst: 20, Window: 15 * time.Minute, After: throttle.Reset}

// confirmApp switches the app on: other sessions end, the first time there are recovery codes, and the session becomes one
// of two factors.
func (a *part) confirmApp(w *merlon.Write[User], f form.Form[AppConfirm], t tried) (*merlon.Response, error) {
	fresh, has := freshAppKey.Get(w.Session)
	if !t.until.IsZero() {
		return merlon.TooMany(t.until), nil
	}
	if !has || t.ok && string(t.fresh) != string(fresh.Secret) { // begun anew meanwhile: the code is not of what the page shows now
		return merlon.Redirect("/account/app"), nil
	}
	if !t.ok {
		p, err := a.appState(w, w.DB, w.Session, w.Now())
		p.Form = refuseCode(w, f, w.Now(), t)
		return merlon.ShowStatus(422, appPage, p), err
	}
	id, now := w.User.ID, w.Now()
	row, err := userByID.One(w.DB, id)
	if err != nil {
		return nil, err
	}
	sealed, err := a.sealTOTP(id, fresh.Secret)
	if err != nil {
		return nil, err
	}
	freshAppKey.Delete(w.Session)
	_, err = insertTOTP.Run(w.DB, id, sealed, now.UnixMicro(), t.step)
	if db.IsUnique(err) {
		return merlon.Redirect("/account/app"), nil
	}
	if err != nil {
		return nil, err
	}
	level := w.Session.Level()
	level.Factors = max(level.Factors, 2)
	seen, _ := shownKey.Get(w.Session)
	seen.Code = now.UnixMicro()
	if err := raise(w, level, seen); err != nil {
		return nil, err
	}
	if err := w.Session.EndOthers(id, "factors changed"); err != nil {
		return nil, err
	}
	if err := forgetOthers(w, id); err != nil {
		return nil, err
	}
	w.Record(RuleAppAdded, event.Done, slog.Int64("account", id))
	if err := a.addedNotice(w.DB, w.Lang(), now, row, "account.mail.app-added"); err != nil {
		return nil, err
	}
	if err := freshenCodes(w, id, fresh.Next); err != nil {
		return nil, err
	}
	return merlon.Redirect("/account/codes"), nil
}

// askRemoveApp says what goes with the app, before it goes.
func (a *part) askRemoveApp(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	row, err := userByID.One(r.DB, r.User.ID)
	if err != nil {
		return nil, err
	}
	on, _, _, err := totpState(r.DB, row.ID)
	if err != nil || !on {
		return merlon.Redirect("/account/app"), err
	}
	has, err := a.hasWay(r.DB, row.ID)
	if err != nil {
		return nil, err
	}
	return merlon.Show(appRemovePage, AppRemovePage{Last: !has, Sleep: !has && isAdmin(row)}), nil
}

// removeApp takes the app away, and with it what stands in for it: trusted devices, and recovery codes unless they stand in for
// a passkey too.
func (a *part) removeApp(w *merlon.Write[User], _ form.Form[AppRemove]) (*merlon.Response, error) {
	id := w.User.ID
	row, err := userByID.One(w.DB, id)
	if err != nil {
		return nil, err
	}
	done, err := deleteTotp.Run(w.DB, id)
	if err != nil || done.Rows == 0 {
		return merlon.Redirect("/account/app"), err
	}
	other, err := a.hasWay(w.DB, id)
	if err != nil {
		return nil, err
	}
	if !other {
		if err := dropCodes(w, id); err != nil {
			return nil, err
		}
	}
	if err := distrust(w.DB, id); err != nil {
		return nil, err
	}
	level := w.Session.Level()
	seen, _ := shownKey.Get(w.Session)
	if seen.Code = 0; seen.Way == 0 {
		level.Factors, seen.Weak = 1, other // what the session has shown beside the password is no factor of the user's any more
	}
	if err := w.Session.Rotate(level); err != nil {
		return nil, err
	}
	shownKey.Set(w.Session, seen)
	if err := w.Session.EndOthers(id, "factors changed"); err != nil {
		return nil, err
	}
	w.Record(RuleAppRemoved, event.Done, slog.Int64("account", id))
	if err := a.factorNotice(w.DB, w.Lang(), w.Now(), row, "account.mail.app-removed"); err != nil {
		return nil, err
	}
	return merlon.Redirect("/account/app"), nil
}

// withNext is a path of this site with the way back.
func withNext(path string, next merlon.Local) string {
	return path + "?" + url.Values{"next": {next.String()}}.Encode()
}
