package site

import (
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"
)

func (s *Site) contactForm(w http.ResponseWriter, r *http.Request) {
	s.render(w, "contact", view{Title: "Contact", User: s.user(r), Token: s.begin(w, r)})
}

func (s *Site) contactSend(w http.ResponseWriter, r *http.Request) {
	subject, body := r.FormValue("subject"), r.FormValue("body")
	if subject == "" || body == "" || len(subject) > 200 || len(body) > 5000 {
		http.Error(w, "Please write something.", http.StatusUnprocessableEntity)
		return
	}
	var m strings.Builder
	m.WriteString("From: website@club.example\r\n")
	m.WriteString("To: board@club.example\r\n")
	m.WriteString("Subject: " + subject + "\r\n\r\n" + body + "\r\n")
	if err := s.mail("board@club.example", []byte(m.String())); err != nil {
		s.fail(w, err)
		return
	}
	s.show(w, r, "done", "Thank you", "Your message has been sent.")
}

// out leads to the pages of our partners.
func (s *Site) out(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("to")
	if !strings.Contains(to, "club.example") {
		http.Error(w, "We do not link there.", http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, to, http.StatusFound)
}

// sponsors are linked by number.
var sponsors = []string{"https://boats.example/", "https://bakery.example/club"}

func (s *Site) sponsor(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n >= len(sponsors) {
		http.Error(w, "There is no such sponsor.", http.StatusNotFound)
		return
	}
	http.Redirect(w, r, sponsors[n], http.StatusFound)
}

func (s *Site) unsubscribeAsk(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, "unsubscribe", "Newsletter", map[string]string{"Email": r.URL.Query().Get("email"), "Secret": r.URL.Query().Get("secret")})
}

// unsubscribe is what mail programs post by themselves (RFC 8058): without cookies, with the secret of the mail's link.
func (s *Site) unsubscribe(w http.ResponseWriter, r *http.Request) {
	var secret string
	email := r.FormValue("email")
	err := s.db.QueryRow("SELECT secret FROM subscribers WHERE email = ?", email).Scan(&secret)
	if err == nil && subtle.ConstantTimeCompare([]byte(secret), []byte(r.FormValue("secret"))) == 1 {
		if _, err := s.db.Exec("UPDATE subscribers SET active = 0 WHERE email = ?", email); err != nil {
			s.fail(w, err)
			return
		}
	}
	s.show(w, r, "done", "Newsletter", "If the link was right, no more newsletters will come.")
}
