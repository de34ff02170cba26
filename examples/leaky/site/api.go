package site

import (
	"encoding/json"
	"net/http"
)

func (s *Site) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.log.Printf("json: %v", err)
	}
}

// apiLogin signs the app in. Ten wrong passwords, and an address has to wait for the next start.
func (s *Site) apiLogin(w http.ResponseWriter, r *http.Request) {
	var in struct{ Email, Password string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 10000)).Decode(&in); err != nil {
		http.Error(w, "That is no JSON.", http.StatusBadRequest)
		return
	}
	from := address(r)
	s.mu.Lock()
	tries := s.tries[from]
	s.mu.Unlock()
	if tries >= 10 {
		http.Error(w, "Too many attempts.", http.StatusTooManyRequests)
		return
	}
	u, err := scanUser(s.db.QueryRow("SELECT " + userColumns + " FROM users WHERE email = '" + in.Email + "' AND hash = '" + hash(in.Password) + "' AND blocked = 0"))
	if err != nil {
		s.mu.Lock()
		s.tries[from]++
		s.mu.Unlock()
		http.Error(w, "The e-mail address or the password is wrong.", http.StatusUnauthorized)
		return
	}
	if err := s.enter(w, r, u); err != nil {
		s.fail(w, err)
		return
	}
	s.json(w, map[string]any{"id": u.ID, "name": u.Name})
}

// apiMe is who is signed in; the app and the partners' pages ask it.
func (s *Site) apiMe(w http.ResponseWriter, r *http.Request) {
	if origin := r.Header.Get("Origin"); origin != "" {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		w.Header().Set("Vary", "Origin")
	}
	w.Header().Set("Cache-Control", "no-store")
	u := s.user(r)
	if u == nil {
		s.json(w, nil)
		return
	}
	s.json(w, map[string]any{"id": u.ID, "name": u.Name, "email": u.Email, "role": u.Role})
}

func (s *Site) apiMeSave(w http.ResponseWriter, r *http.Request) {
	u := s.user(r)
	number := u.ID
	if err := json.NewDecoder(r.Body).Decode(u); err != nil {
		http.Error(w, "That is no JSON.", http.StatusBadRequest)
		return
	}
	_, err := s.db.Exec("UPDATE users SET email = ?, name = ?, role = ?, website = ?, bio = ? WHERE id = ?", u.Email, u.Name, u.Role, u.Website, u.Bio, number)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.json(w, "saved")
}

func (s *Site) apiMembers(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	rows, err := s.db.Query("SELECT " + userColumns + " FROM users WHERE blocked = 0 ORDER BY id LIMIT 500")
	if err != nil {
		s.fail(w, err)
		return
	}
	defer rows.Close()
	list := []*User{}
	for rows.Next() {
		u, err := scanUser(rows)
		if err != nil {
			s.fail(w, err)
			return
		}
		list = append(list, u)
	}
	s.json(w, list)
}

func (s *Site) apiLike(w http.ResponseWriter, r *http.Request) {
	var in struct{ Up bool }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 10000)).Decode(&in); err != nil {
		http.Error(w, "That is no JSON.", http.StatusBadRequest)
		return
	}
	by := -1
	if in.Up {
		by = 1
	}
	if _, err := s.db.Exec("UPDATE news SET likes = likes + ? WHERE id = ?", by, id(r)); err != nil {
		s.fail(w, err)
		return
	}
	s.json(w, "thanks")
}

// apiSuggest completes a search.
func (s *Site) apiSuggest(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query().Get("q")
	rows, err := s.db.Query("SELECT title FROM news WHERE published = 1 AND instr(lower(title), lower(?)) > 0 LIMIT 10", q)
	if err != nil {
		s.fail(w, err)
		return
	}
	defer rows.Close()
	titles := []string{}
	for rows.Next() {
		var title string
		if err := rows.Scan(&title); err != nil {
			s.fail(w, err)
			return
		}
		titles = append(titles, title)
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false) // the box showed \u0026
	out.Encode(map[string]any{"q": q, "titles": titles})
}

// apiEvents is public, for everybody's calendar.
func (s *Site) apiEvents(w http.ResponseWriter, r *http.Request) {
	list, err := s.events("id")
	if err != nil {
		s.fail(w, err)
		return
	}
	type public struct{ Title, Place, Day string }
	out := []public{}
	for _, e := range list {
		out = append(out, public{e.Title, e.Place, e.Day})
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s.json(w, out)
}
