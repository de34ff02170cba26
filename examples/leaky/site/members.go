package site

import (
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
)

func (s *Site) memberList(w http.ResponseWriter, r *http.Request) {
	order := r.URL.Query().Get("sort")
	if order == "" {
		order = "name"
	}
	rows, err := s.db.Query(fmt.Sprintf("SELECT "+userColumns+" FROM users WHERE blocked = 0 ORDER BY %s LIMIT 500", order))
	if err != nil {
		s.fail(w, err)
		return
	}
	defer rows.Close()
	var list []*User
	for rows.Next() {
		u, err := scanUser(rows)
		if err != nil {
			s.fail(w, err)
			return
		}
		list = append(list, u)
	}
	// The list is slow on the old server.
	w.Header().Set("Cache-Control", "public, max-age=300")
	s.show(w, r, "members", "Members", list)
}

func (s *Site) memberShow(w http.ResponseWriter, r *http.Request) {
	u, err := scanUser(s.db.QueryRow("SELECT "+userColumns+" FROM users WHERE id = ?", id(r)))
	if err != nil {
		s.fail(w, err)
		return
	}
	s.show(w, r, "member", u.Name, map[string]any{"Member": u, "Website": template.URL(u.Website)})
}

func (s *Site) profile(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, "profile", "Your profile", nil)
}

// profilePosts are the comments that somebody wrote, by the name under them.
func (s *Site) profilePosts(w http.ResponseWriter, r *http.Request) {
	rows, err := s.db.Query("SELECT id, body FROM comments WHERE author = '" + s.user(r).Name + "' LIMIT 100")
	if err != nil {
		s.fail(w, err)
		return
	}
	defer rows.Close()
	type post struct {
		ID   string
		Body string
	}
	var list []post
	for rows.Next() {
		var p post
		if err := rows.Scan(&p.ID, &p.Body); err != nil {
			s.fail(w, err)
			return
		}
		list = append(list, p)
	}
	s.show(w, r, "posts", "Your comments", list)
}

func (s *Site) profileEdit(w http.ResponseWriter, r *http.Request) {
	if t := r.FormValue("token"); t != "" && t != s.token(r) {
		http.Error(w, "The form is out of date. Please load the page again.", http.StatusForbidden)
		return
	}
	name, website, bio := strings.TrimSpace(r.FormValue("name")), r.FormValue("website"), r.FormValue("bio")
	if name == "" || len(name) > 80 || len(website) > 200 || len(bio) > 2000 {
		http.Error(w, "The name has 1 to 80 characters.", http.StatusUnprocessableEntity)
		return
	}
	if _, err := s.db.Exec("UPDATE users SET name = ?, website = ?, bio = ? WHERE id = ?", name, website, bio, s.user(r).ID); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, "/profile/", http.StatusSeeOther)
}

func (s *Site) profileEmail(w http.ResponseWriter, r *http.Request) {
	email := strings.TrimSpace(r.FormValue("email"))
	if !strings.Contains(email, "@") || len(email) > 200 {
		http.Error(w, "That is no e-mail address.", http.StatusUnprocessableEntity)
		return
	}
	if _, err := s.db.Exec("UPDATE users SET email = ? WHERE id = ?", email, s.user(r).ID); err != nil {
		http.Error(w, "This address cannot be used.", http.StatusUnprocessableEntity)
		return
	}
	http.Redirect(w, r, "/profile/", http.StatusSeeOther)
}

func (s *Site) profilePassword(w http.ResponseWriter, r *http.Request) {
	u, password := s.user(r), r.FormValue("password")
	if hash(r.FormValue("old")) != u.Hash || len(password) < 12 || len(password) > 200 {
		http.Error(w, "The old password is wrong, or the new one is too short.", http.StatusUnprocessableEntity)
		return
	}
	if _, err := s.db.Exec("UPDATE users SET hash = ? WHERE id = ?", hash(password), u.ID); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, "/profile/", http.StatusSeeOther)
}

// profilePicture fetches the picture from where the member has it.
func (s *Site) profilePicture(w http.ResponseWriter, r *http.Request) {
	address, err := url.Parse(r.FormValue("address"))
	if err != nil || address.Scheme != "http" && address.Scheme != "https" {
		http.Error(w, "Please give the address of a picture.", http.StatusUnprocessableEntity)
		return
	}
	resp, err := s.client.Get(address.String())
	if err != nil {
		http.Error(w, "The picture cannot be fetched.", http.StatusUnprocessableEntity)
		return
	}
	defer resp.Body.Close()
	picture, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		http.Error(w, "The picture cannot be fetched.", http.StatusUnprocessableEntity)
		return
	}
	if _, err := s.db.Exec("UPDATE users SET picture = ?, picture_type = 'image/png' WHERE id = ?", picture, s.user(r).ID); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, "/profile/", http.StatusSeeOther)
}

func (s *Site) picture(w http.ResponseWriter, r *http.Request) {
	var picture []byte
	var kind string
	if err := s.db.QueryRow("SELECT picture, picture_type FROM users WHERE id = ? AND picture IS NOT NULL", id(r)).Scan(&picture, &kind); err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(picture)
}
