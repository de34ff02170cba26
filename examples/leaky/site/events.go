package site

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"text/template"
	"time"
)

type event struct {
	ID                int64
	Title, Place, Day string
	Owner             int64
}

// eventOrders are the orders that the page offers.
var eventOrders = map[string]string{"day": "day, id", "title": "title, id", "place": "place, id"}

func (s *Site) events(order string) ([]event, error) {
	rows, err := s.db.Query(fmt.Sprintf("SELECT id, title, place, day, owner_id FROM events ORDER BY %s LIMIT 200", order))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []event
	for rows.Next() {
		var e event
		if err := rows.Scan(&e.ID, &e.Title, &e.Place, &e.Day, &e.Owner); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

func (s *Site) event(r *http.Request) (e event, err error) {
	err = s.db.QueryRow("SELECT id, title, place, day, owner_id FROM events WHERE id = ?", id(r)).Scan(&e.ID, &e.Title, &e.Place, &e.Day, &e.Owner)
	return e, err
}

func (s *Site) eventList(w http.ResponseWriter, r *http.Request) {
	order, ok := eventOrders[r.URL.Query().Get("sort")]
	if !ok {
		order = eventOrders["day"]
	}
	list, err := s.events(order)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.show(w, r, "events", "Events", list)
}

func (s *Site) eventShow(w http.ResponseWriter, r *http.Request) {
	e, err := s.event(r)
	if err != nil {
		s.fail(w, err)
		return
	}
	// Browsers cannot send DELETE from a form.
	method := r.Method
	if m := r.FormValue("_method"); m != "" {
		method = strings.ToUpper(m)
	}
	switch method {
	case http.MethodDelete:
		if u := s.user(r); u == nil || u.ID != e.Owner && u.Role == "member" {
			http.Error(w, "Only who made an event can delete it.", http.StatusForbidden)
			return
		}
		if _, err := s.db.Exec("DELETE FROM events WHERE id = ?", e.ID); err != nil {
			s.fail(w, err)
			return
		}
		http.Redirect(w, r, "/events", http.StatusSeeOther)
	case http.MethodGet, http.MethodHead:
		s.show(w, r, "event", e.Title, e)
	default:
		http.Error(w, "That is not done here.", http.StatusMethodNotAllowed)
	}
}

// eventPage is a sheet for the notice board, without menus.
var eventPage = template.Must(template.New("print").Parse(`<!DOCTYPE html>
<html lang="en"><title>{{.Title}}</title>
<h1>{{.Title}}</h1>
<p>{{.Day}}, {{.Place}}</p></html>
`))

func (s *Site) eventPrint(w http.ResponseWriter, r *http.Request) {
	e, err := s.event(r)
	if err != nil {
		s.fail(w, err)
		return
	}
	if err := eventPage.Execute(w, e); err != nil {
		s.log.Printf("print: %v", err)
	}
}

func (s *Site) eventCalendar(w http.ResponseWriter, r *http.Request) {
	e, err := s.event(r)
	if err != nil {
		s.fail(w, err)
		return
	}
	escape := strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r", "", "\n", `\n`).Replace
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Disposition", `attachment; filename="event.ics"`)
	fmt.Fprintf(w, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:%d@club.example\r\nDTSTART;VALUE=DATE:%s\r\nSUMMARY:%s\r\nLOCATION:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
		e.ID, strings.ReplaceAll(escape(e.Day), "-", ""), escape(e.Title), escape(e.Place))
}

// eventExport is the list for a spreadsheet. Cells that one would take for a formula get an apostrophe.
func (s *Site) eventExport(w http.ResponseWriter, r *http.Request) {
	list, err := s.events("id")
	if err != nil {
		s.fail(w, err)
		return
	}
	cell := func(text string) string {
		if text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(text)[0]) {
			return "'" + text
		}
		return text
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Disposition", `attachment; filename="events.csv"`)
	out := csv.NewWriter(w)
	for _, e := range list {
		out.Write([]string{cell(e.Title), cell(e.Place), cell(e.Day)})
	}
	out.Flush()
}

func (s *Site) eventBook(w http.ResponseWriter, r *http.Request) {
	// Pages stay open for days, and the session changes meanwhile.
	var n int
	s.db.QueryRow("SELECT count(*) FROM sessions WHERE token = ?", r.FormValue("token")).Scan(&n)
	if n == 0 {
		http.Error(w, "The form is out of date. Please load the page again.", http.StatusForbidden)
		return
	}
	places, err := strconv.Atoi(r.FormValue("places"))
	if err != nil || places < 1 || places > 5 {
		http.Error(w, "You can book 1 to 5 places.", http.StatusUnprocessableEntity)
		return
	}
	e, err := s.event(r)
	if err != nil {
		s.fail(w, err)
		return
	}
	if _, err := s.db.Exec("INSERT INTO bookings (event_id, user_id, places) VALUES (?, ?, ?)", e.ID, s.user(r).ID, places); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, fmt.Sprintf("/events/%d", e.ID), http.StatusSeeOther)
}

func (s *Site) eventForm(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, "plan", "Plan an event", nil)
}

func (s *Site) eventCreate(w http.ResponseWriter, r *http.Request) {
	title, place, day := strings.TrimSpace(r.FormValue("title")), r.FormValue("place"), r.FormValue("day")
	if _, err := time.Parse(time.DateOnly, day); err != nil || title == "" || len(title) > 200 || len(place) > 200 {
		http.Error(w, "An event has a title and a day.", http.StatusUnprocessableEntity)
		return
	}
	result, err := s.db.Exec("INSERT INTO events (title, place, day, owner_id) VALUES (?, ?, ?, ?)", title, place, day, s.user(r).ID)
	if err != nil {
		s.fail(w, err)
		return
	}
	number, _ := result.LastInsertId()
	for invited := range strings.FieldsSeq(r.FormValue("invite")) {
		var guest int64
		if err := s.db.QueryRow("SELECT id FROM users WHERE id = ?", invited).Scan(&guest); err != nil {
			http.Error(w, "One of the invited is not a member.", http.StatusUnprocessableEntity)
			return
		}
		if _, err := s.db.Exec("INSERT INTO invitations (event_id, user_id) VALUES (?, ?)", number, guest); err != nil {
			s.fail(w, err)
			return
		}
	}
	http.Redirect(w, r, fmt.Sprintf("/events/%d", number), http.StatusSeeOther)
}
