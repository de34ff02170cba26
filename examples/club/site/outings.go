package site

import (
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// Outing is one event with a limited number of places.
type Outing struct {
	ID     int64
	Title  string
	Place  string
	Day    string // YYYY-MM-DD, so that it sorts
	Places int64
	Taken  int64
	About  string
}

// Left is how many places are free.
func (o Outing) Left() int64 { return max(0, o.Places-o.Taken) }

// Full reports whether all places are taken.
func (o Outing) Full() bool { return o.Left() == 0 }

// When is the day in words, in a language.
func (o Outing) When(lang string) string {
	t, err := time.Parse(time.DateOnly, o.Day)
	if err != nil {
		return o.Day
	}
	return day(lang, t)
}

type outingsPage struct{ Outings []Outing }

type outingPage struct {
	Outing Outing
	Crew   []crew
	Mine   bool // the visitor has a place
}

type crew struct {
	ID   int64
	Name string
}

type seatCount struct{ N int64 }

var (
	outingsView = page.New[outingsPage](pages, "outings.html")
	outingView  = page.New[outingPage](pages, "outing.html")

	nextOutings = db.Query[Outing](schema, `SELECT id, title, place, day, places, about,
		(SELECT count(*) FROM seat WHERE seat.outing = outing.id) AS taken
		FROM outing WHERE day >= $1 ORDER BY day, id LIMIT $2`)
	outingByID = db.Query[Outing](schema, `SELECT id, title, place, day, places, about,
		(SELECT count(*) FROM seat WHERE seat.outing = outing.id) AS taken FROM outing WHERE id = $1 LIMIT 1`)
	crewOf = db.Query[crew](schema, `SELECT m.id, m.name FROM seat s JOIN merlon_member m ON m.id = s.member
		WHERE s.outing = $1 ORDER BY m.name LIMIT 200`)
	mySeat     = db.Query[seatCount](schema, "SELECT count(*) AS n FROM seat WHERE outing = $1 AND member = $2 LIMIT 1")
	insertSeat = db.Exec(schema, "INSERT INTO seat (outing, member) VALUES ($1, $2) ON CONFLICT DO NOTHING")
	deleteSeat = db.Exec(schema, "DELETE FROM seat WHERE outing = $1 AND member = $2")
)

func listOfOutings(r *merlon.Read[account.Guest], _ merlon.None) (*merlon.Response, error) {
	list, err := nextOutings.All(r.DB, r.Now().Format(time.DateOnly), 50)
	return merlon.Show(outingsView, outingsPage{list}), err
}

func oneOuting(r *merlon.Read[account.Guest], in ByID) (*merlon.Response, error) {
	o, err := outingByID.One(r.DB, in.ID)
	if err != nil {
		return nil, err
	}
	p := outingPage{Outing: o}
	if r.User.SignedIn { // who comes along is the members' business
		if p.Crew, err = crewOf.All(r.DB, in.ID); err != nil {
			return nil, err
		}
		mine, err := mySeat.One(r.DB, in.ID, r.User.User.ID)
		if err != nil {
			return nil, err
		}
		p.Mine = mine.N > 0
	}
	return merlon.Show(outingView, p), nil
}

// join takes a place if one is free: the count and the row are one transaction, so that two never get the last place.
func join(w *merlon.Write[account.User], f form.Form[Button]) (*merlon.Response, error) {
	in, _ := f.Value()
	o, err := outingByID.One(w.DB, in.ID)
	if err != nil {
		return nil, err
	}
	if o.Full() {
		return merlon.Redirect("/outings/{id}", in.ID).NoticeText("club.said.full"), nil
	}
	_, err = insertSeat.Run(w.DB, in.ID, w.User.ID)
	return merlon.Redirect("/outings/{id}", in.ID).NoticeText("club.said.place"), err
}

func leave(w *merlon.Write[account.User], f form.Form[Button]) (*merlon.Response, error) {
	in, _ := f.Value()
	if _, err := outingByID.One(w.DB, in.ID); err != nil {
		return nil, err
	}
	_, err := deleteSeat.Run(w.DB, in.ID, w.User.ID)
	return merlon.Redirect("/outings/{id}", in.ID).NoticeText("club.said.free"), err
}
