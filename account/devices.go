package account

import (
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// ChangeDevices is the form of the list of remembered browsers: its buttons name a device.
type ChangeDevices struct {
	Forget   int64 `form:"min=0" label:"Browser to forget"`
	Distrust int64 `form:"min=0" label:"Browser to ask again"`
	All      bool  `form:"" label:"All remembered browsers"`
}

// DeviceLine is a remembered browser in the list.
type DeviceLine struct {
	ID      int64
	Label   string
	Since   Moment
	Seen    Moment
	Trusted Moment // until when the second step is skipped; no words: it is asked
	Own     bool
}

// DevicesPage is the data of the page account-devices.html.
type DevicesPage struct {
	Lines  []DeviceLine
	Recent bool // the sign-in is fresh enough for the buttons
}

var devicesPage = page.New[DevicesPage](pages, "account-devices.html")

// devicesOf returns what is remembered of a user, the browser seen last first.
func devicesOf(from db.Querier, user int64, now time.Time) ([]deviceRow, error) {
	rows, err := listDevices.All(from, user, maxDevices)
	if err != nil {
		return nil, err
	}
	alive := rows[:0]
	for _, d := range rows { // the sweep comes only now and then
		if d.Seen > now.Add(-deviceLife).UnixMicro() {
			alive = append(alive, d)
		}
	}
	return alive, nil
}

func (a *part) showDevices(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	rows, err := devicesOf(r.DB, r.User.ID, r.Now())
	if err != nil {
		return nil, err
	}
	cookie, has := deviceCookie.Get(r)
	own, known, err := knownDevice(cookie, has, r.DB, r.User.ID, r.Now())
	if err != nil {
		return nil, err
	}
	p := DevicesPage{Recent: isRecent(r.Session.Level(), r.Now())}
	for _, d := range rows {
		line := DeviceLine{ID: d.ID, Label: browser(r, d.Label), Own: known && d.ID == own.ID,
			Since: Date(r.Lang(), time.UnixMicro(d.Created)), Seen: Ago(r.Lang(), time.UnixMicro(d.Seen), r.Now())}
		if d.Trusted > r.Now().UnixMicro() {
			line.Trusted = Date(r.Lang(), time.UnixMicro(d.Trusted))
		}
		if p.Lines = append(p.Lines, line); line.Own { // first
			copy(p.Lines[1:], p.Lines)
			p.Lines[0] = line
		}
	}
	return merlon.Show(devicesPage, p), nil
}

// toDevices is the way back of those who signed in again to get the buttons.
func (a *part) toDevices(*merlon.Read[User], merlon.None) (*merlon.Response, error) {
	return merlon.Redirect("/account/devices"), nil
}

// changeDevices forgets browsers, or has one asked for the second step again. The row is all there is: the cookie is nothing
// from this moment. A number that is no device of this user's does nothing, and is answered the same.
func (a *part) changeDevices(w *merlon.Write[User], f form.Form[ChangeDevices]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.Redirect("/account/devices"), nil
	}
	var done db.Affected
	var err error
	what := "forgotten"
	switch {
	case in.All:
		done, err = forgetDevices.Run(w.DB, w.User.ID)
	case in.Forget != 0:
		done, err = forgetDevice.Run(w.DB, in.Forget, w.User.ID)
	default:
		what = "no longer trusted"
		done, err = trustDevice.Run(w.DB, in.Distrust, w.User.ID, 0)
	}
	if err != nil || done.Rows == 0 {
		return merlon.Redirect("/account/devices"), err
	}
	w.Record(RuleDevices, event.Done, slog.Int64("account", w.User.ID), slog.String("browser", what), slog.Int64("browsers", done.Rows))
	return merlon.Redirect("/account/devices").Notice("The list of browsers is changed."), nil
}
