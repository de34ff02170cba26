package site

import (
	"net/http"
	"strconv"
	"strings"
)

type message struct {
	ID            int64
	From, To      string
	Subject, Body string
}

const messageQuery = "SELECT m.id, a.name, b.name, m.subject, m.body FROM messages m JOIN users a ON a.id = m.from_id JOIN users b ON b.id = m.to_id "

func (s *Site) messageList(w http.ResponseWriter, r *http.Request) {
	u := s.user(r)
	rows, err := s.db.Query(messageQuery+"WHERE m.to_id = ? OR m.from_id = ? ORDER BY m.id DESC LIMIT 100", u.ID, u.ID)
	if err != nil {
		s.fail(w, err)
		return
	}
	defer rows.Close()
	var list []message
	for rows.Next() {
		var m message
		if err := rows.Scan(&m.ID, &m.From, &m.To, &m.Subject, &m.Body); err != nil {
			s.fail(w, err)
			return
		}
		list = append(list, m)
	}
	s.show(w, r, "messages", "Messages", list)
}

func (s *Site) messageShow(w http.ResponseWriter, r *http.Request) {
	var m message
	if err := s.db.QueryRow(messageQuery+"WHERE m.id = ?", id(r)).Scan(&m.ID, &m.From, &m.To, &m.Subject, &m.Body); err != nil {
		s.fail(w, err)
		return
	}
	s.show(w, r, "message", m.Subject, m)
}

// messageSend takes messages that were written on this site.
func (s *Site) messageSend(w http.ResponseWriter, r *http.Request) {
	if from := r.Referer(); from != "" && !strings.HasPrefix(from, "http://"+r.Host) && !strings.HasPrefix(from, "https://"+r.Host) {
		http.Error(w, "Please use the form.", http.StatusForbidden)
		return
	}
	to, err := strconv.ParseInt(r.FormValue("to"), 10, 64)
	subject, body := strings.TrimSpace(r.FormValue("subject")), r.FormValue("body")
	if err != nil || subject == "" || len(subject) > 200 || len(body) > 5000 {
		http.Error(w, "Please say to whom and what about.", http.StatusUnprocessableEntity)
		return
	}
	if _, err := s.db.Exec("INSERT INTO messages (from_id, to_id, subject, body) VALUES (?, ?, ?, ?)", s.user(r).ID, to, subject, body); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, "/messages", http.StatusSeeOther)
}
