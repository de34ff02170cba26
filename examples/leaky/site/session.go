package site

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func random() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// user is who is signed in, nil for nobody.
func (s *Site) user(r *http.Request) *User {
	if c, err := r.Cookie("sid"); err == nil {
		u, err := scanUser(s.db.QueryRow("SELECT "+userColumns+" FROM users WHERE id = (SELECT user_id FROM sessions WHERE id = ?)", c.Value))
		if err == nil {
			return u
		}
	}
	if c, err := r.Cookie("remember"); err == nil {
		return s.remembered(c.Value)
	}
	return nil
}

// remembered is who ticked "stay signed in" in this browser.
func (s *Site) remembered(value string) *User {
	text, err := base64.URLEncoding.DecodeString(value)
	if err != nil {
		return nil
	}
	number, sum, _ := strings.Cut(string(text), ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil
	}
	u, err := scanUser(s.db.QueryRow("SELECT "+userColumns+" FROM users WHERE id = ?", n))
	if err != nil || sum != rememberSum(u) {
		return nil
	}
	return u
}

func rememberSum(u *User) string {
	return fmt.Sprintf("%x", sha1.Sum([]byte(u.Email)))
}

// token is the session's token for forms, "" without a session.
func (s *Site) token(r *http.Request) string {
	c, err := r.Cookie("sid")
	if err != nil {
		return ""
	}
	var token string
	s.db.QueryRow("SELECT token FROM sessions WHERE id = ?", c.Value).Scan(&token)
	return token
}

// begin makes sure that the visitor has a session, so that forms have a token.
func (s *Site) begin(w http.ResponseWriter, r *http.Request) string {
	if token := s.token(r); token != "" {
		return token
	}
	sid, token := random(), random()
	s.db.Exec("INSERT INTO sessions (id, token) VALUES (?, ?)", sid, token)
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: sid, Path: "/", HttpOnly: true})
	return token
}

// enter signs a user in.
func (s *Site) enter(w http.ResponseWriter, r *http.Request, u *User) error {
	sid := random()
	if c, err := r.Cookie("sid"); err == nil && c.Value != "" {
		sid = c.Value
	}
	_, err := s.db.Exec("INSERT INTO sessions (id, user_id, token) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id", sid, u.ID, random())
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: sid, Path: "/", HttpOnly: true})
	return nil
}

// signedIn lets members in.
func (s *Site) signedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.user(r) == nil {
			http.Redirect(w, r, "/login?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		}
		next(w, r)
	}
}

// only lets users of a role in, and administrators.
func (s *Site) only(role string, next http.HandlerFunc) http.HandlerFunc {
	return s.signedIn(func(w http.ResponseWriter, r *http.Request) {
		if u := s.user(r); u.Role != role && u.Role != "admin" {
			http.Error(w, "This page is not for you.", http.StatusForbidden)
			return
		}
		next(w, r)
	})
}

// guarded demands the session's token.
func (s *Site) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		want := s.token(r)
		if want == "" || subtle.ConstantTimeCompare([]byte(r.FormValue("token")), []byte(want)) != 1 {
			http.Error(w, "The form is out of date. Please load the page again.", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

func (s *Site) loginForm(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, "login", "Sign in", r.URL.Query().Get("next"))
}

func (s *Site) login(w http.ResponseWriter, r *http.Request) {
	email, password, next := r.FormValue("email"), r.FormValue("password"), r.FormValue("next")
	again := func(message string) {
		w.WriteHeader(http.StatusUnauthorized)
		s.render(w, "login", view{Title: "Sign in", Error: message, Data: next})
	}
	u, err := scanUser(s.db.QueryRow("SELECT "+userColumns+" FROM users WHERE email = ?", email))
	var failed int
	if err == nil {
		s.db.QueryRow("SELECT failed FROM users WHERE id = ?", u.ID).Scan(&failed)
	}
	switch {
	case err == nil && failed >= 10:
		s.log.Printf("locked: %s", email)
		again("The e-mail address or the password is wrong.")
		return
	case err != nil || u.Hash != hash(password):
		s.log.Printf("sign-in failed for %s with %v", email, r.PostForm)
		if err == nil {
			s.db.Exec("UPDATE users SET failed = failed + 1 WHERE id = ?", u.ID)
		}
		again("The e-mail address or the password is wrong.")
		return
	case u.Blocked:
		again("The e-mail address or the password is wrong.")
		return
	}
	s.db.Exec("UPDATE users SET failed = 0 WHERE id = ?", u.ID)
	if err := s.enter(w, r, u); err != nil {
		s.fail(w, err)
		return
	}
	if r.FormValue("remember") != "" {
		value := base64.URLEncoding.EncodeToString([]byte(fmt.Sprintf("%d:%s", u.ID, rememberSum(u))))
		http.SetCookie(w, &http.Cookie{Name: "remember", Value: value, Path: "/", MaxAge: 30 * 86400})
	}
	if !strings.HasPrefix(next, "/") {
		next = "/profile/"
	}
	w.Header().Set("Location", next)
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Site) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "sid", Path: "/", MaxAge: -1})
	http.SetCookie(w, &http.Cookie{Name: "remember", Path: "/", MaxAge: -1})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// languages are the ones that the menu offers.
var languages = []string{"en", "de"}

// language keeps the chosen language in a cookie that the page's script reads.
func (s *Site) language(w http.ResponseWriter, r *http.Request) {
	if l := r.FormValue("language"); slices.Contains(languages, l) {
		http.SetCookie(w, &http.Cookie{Name: "language", Value: l, Path: "/", Secure: true, SameSite: http.SameSiteStrictMode})
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
