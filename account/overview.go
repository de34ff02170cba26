package account

import (
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/page"
)

// A Box is one matter of the overview: its state as a word, and one button.
type Box struct {
	Title  string
	State  string
	Good   bool // the state is one to be glad of
	About  string
	At     Moment // ends what it is about; no words: nothing
	Link   string // "": there is nothing to do
	Button string
}

// OverviewPage is the data of the page account.html.
type OverviewPage struct{ Boxes []Box }

var overviewPage = page.New[OverviewPage](pages, "account.html")

func (a *part) showOverview(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	row, err := userByID.One(r.DB, r.User.ID)
	if err != nil {
		return nil, err
	}
	p := OverviewPage{Boxes: []Box{nameBox(r, row), addressBox(r, row), passwordBox(r, row, r.Now())}}
	for _, w := range a.ways {
		box, err := wayBox(r, r.DB, w, row.ID)
		if err != nil {
			return nil, err
		}
		p.Boxes = append(p.Boxes, box)
	}
	for _, more := range []func(asked, db.Querier, int64, time.Time) (Box, error){appBox, codesBox, a.sessionsBox, devicesBox} {
		box, err := more(r, r.DB, row.ID, r.Now())
		if err != nil {
			return nil, err
		}
		p.Boxes = append(p.Boxes, box)
	}
	p.Boxes = append(p.Boxes,
		Box{Title: say(r, "account.log.title"), State: say(r, "account.overview.log-state"), About: say(r, "account.overview.log-about"), Link: "/account/log", Button: say(r, "account.overview.log-button")},
		Box{Title: say(r, "account.export.title"), State: say(r, "account.overview.export-state"), About: say(r, "account.overview.export-about"), Link: "/account/export", Button: say(r, "account.export.button")})
	return merlon.Show(overviewPage, p), nil
}

func nameBox(r asked, row userRow) Box {
	return Box{Title: say(r, "account.overview.name"), About: row.Name, Link: "/account/name", Button: say(r, "account.overview.name-button")}
}

func addressBox(r asked, row userRow) Box {
	b := Box{Title: say(r, "account.email.label"), State: say(r, "account.overview.unproven"), About: row.Email, Link: "/account/address", Button: say(r, "account.overview.address-button")}
	if b.Good = row.Verified != 0; b.Good {
		b.State = say(r, "account.overview.proven")
	}
	return b
}

func passwordBox(r asked, row userRow, now time.Time) Box {
	b := Box{Title: say(r, "account.password.label"), State: say(r, "account.overview.unset"), About: say(r, "account.overview.no-password"), Link: "/account/password", Button: say(r, "account.password.set")}
	if row.hasPassword() {
		b.State, b.Good, b.About, b.Button = say(r, "account.overview.set"), true, "", say(r, "account.password.title")
		if row.Chosen != 0 {
			b.About, b.At = say(r, "account.overview.chosen"), Ago(r.Lang(), time.UnixMicro(row.Chosen), now)
		}
	}
	return b
}

func wayBox(r asked, from db.Querier, w Way, user int64) (Box, error) {
	b := Box{Title: say(r, w.Title), State: say(r, "account.overview.none"), About: say(r, w.Empty), Link: w.Manage, Button: say(r, "account.overview.manage", say(r, w.Title))}
	if w.Button != "" {
		b.Button = say(r, w.Button)
	}
	n, err := w.Count(from, user)
	if n > 0 {
		b.State, b.Good, b.About = say(r, "account.overview.on"), true, say(r, "account.overview.count", n)
	}
	return b, err
}

func appBox(r asked, from db.Querier, user int64, now time.Time) (Box, error) {
	b := Box{Title: say(r, "account.app.title"), State: say(r, "account.overview.off"), About: say(r, "account.overview.app-off"), Link: "/account/app", Button: say(r, "account.app.start")}
	on, _, used, err := totpState(from, user)
	if on {
		b.State, b.Good, b.About, b.Button = say(r, "account.overview.on"), true, say(r, "account.overview.app-unused"), say(r, "account.app.manage")
		if used != 0 {
			b.About, b.At = say(r, "account.overview.app-used"), Ago(r.Lang(), time.UnixMicro(used), now)
		}
	}
	return b, err
}

func codesBox(r asked, from db.Querier, user int64, _ time.Time) (Box, error) {
	b := Box{Title: say(r, "account.codes.title"), State: say(r, "account.overview.none"), About: say(r, "account.overview.codes-about"), Link: "/account/codes", Button: say(r, "account.codes.manage")}
	left, err := countRecovery.One(from, user)
	if left.N > 0 {
		b.State, b.Good = say(r, "account.overview.left", int(left.N)), !left.unsure()
	}
	if left.unsure() {
		b.About = say(r, "account.codes.unsure")
	}
	return b, err
}

func (a *part) sessionsBox(r asked, from db.Querier, user int64, _ time.Time) (Box, error) {
	list, err := a.house.Sessions.List(from, user)
	return Box{Title: say(r, "account.sessions.title"), State: say(r, "account.overview.active", len(list)), About: say(r, "account.overview.sessions-about"),
		Link: "/account/sessions", Button: say(r, "account.overview.sessions-button")}, err
}

func devicesBox(r asked, from db.Querier, user int64, now time.Time) (Box, error) {
	rows, err := devicesOf(from, user, now)
	trusted := 0
	for _, d := range rows {
		if d.Trusted > now.UnixMicro() {
			trusted++
		}
	}
	about := say(r, "account.overview.trusted-none")
	switch {
	case len(rows) == 0:
		about = ""
	case trusted > 0:
		about = say(r, "account.overview.trusted", trusted)
	}
	return Box{Title: say(r, "account.devices.title"), State: say(r, "account.overview.browsers", len(rows)), About: about,
		Link: "/account/devices", Button: say(r, "account.overview.devices-button")}, err
}
