package site

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"net/http"
	"strings"
)

func (s *Site) signupForm(w http.ResponseWriter, r *http.Request) {
	s.render(w, "signup", view{Title: "Become a member", Token: s.begin(w, r)})
}

func (s *Site) signup(w http.ResponseWriter, r *http.Request) {
	email, name, password := strings.TrimSpace(r.FormValue("email")), strings.TrimSpace(r.FormValue("name")), r.FormValue("password")
	again := func(message string) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		s.render(w, "signup", view{Title: "Become a member", Token: s.token(r), Error: message})
	}
	if !strings.Contains(email, "@") || name == "" || len(name) > 80 || len(email) > 200 || len(password) < 12 || len(password) > 200 {
		again("Please give your name, an e-mail address and a password of at least 12 characters.")
		return
	}
	var n int
	if s.db.QueryRow("SELECT count(*) FROM users WHERE email = ?", email).Scan(&n); n > 0 {
		again("There is already an account with this e-mail address.")
		return
	}
	result, err := s.db.Exec("INSERT INTO users (email, name, hash) VALUES (?, ?, ?)", email, name, hash(password))
	if err != nil {
		s.fail(w, err)
		return
	}
	number, _ := result.LastInsertId()
	if err := s.enter(w, r, &User{ID: number}); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, "/profile/", http.StatusSeeOther)
}

func (s *Site) forgotForm(w http.ResponseWriter, r *http.Request) {
	s.render(w, "forgot", view{Title: "Password forgotten", Token: s.begin(w, r)})
}

func (s *Site) forgot(w http.ResponseWriter, r *http.Request) {
	u, err := scanUser(s.db.QueryRow("SELECT "+userColumns+" FROM users WHERE email = ?", r.FormValue("email")))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		s.render(w, "forgot", view{Title: "Password forgotten", Token: s.token(r), Error: "We do not know this e-mail address."})
		return
	}
	number, err := rand.Int(rand.Reader, big.NewInt(1000000))
	if err != nil {
		s.fail(w, err)
		return
	}
	code := fmt.Sprintf("%06d", number)
	if _, err := s.db.Exec("INSERT INTO resets (code, user_id) VALUES (?, ?)", code, u.ID); err != nil {
		s.fail(w, err)
		return
	}
	link := "http://" + r.Host + "/reset?code=" + code
	s.mail(u.Email, []byte("To: "+u.Email+"\r\nSubject: Your new password\r\n\r\nHello "+u.Name+",\r\nchoose a new password here: "+link+"\r\n"))
	s.show(w, r, "done", "Mail sent", "We have sent you a mail.")
}

func (s *Site) resetForm(w http.ResponseWriter, r *http.Request) {
	s.render(w, "reset", view{Title: "New password", Token: s.begin(w, r), Data: r.URL.Query().Get("code")})
}

func (s *Site) reset(w http.ResponseWriter, r *http.Request) {
	code, password := r.FormValue("code"), r.FormValue("password")
	var user int64
	if err := s.db.QueryRow("SELECT user_id FROM resets WHERE code = ?", code).Scan(&user); err != nil || len(password) < 12 || len(password) > 200 {
		w.WriteHeader(http.StatusUnprocessableEntity)
		s.render(w, "reset", view{Title: "New password", Token: s.token(r), Error: "The code is wrong, or the password is too short.", Data: code})
		return
	}
	if _, err := s.db.Exec("UPDATE users SET hash = ?, failed = 0 WHERE id = ?", hash(password), user); err != nil {
		s.fail(w, err)
		return
	}
	if _, err := s.db.Exec("DELETE FROM sessions WHERE user_id = ?", user); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
