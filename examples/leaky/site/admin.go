package site

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"text/template"
)

func (s *Site) admin(w http.ResponseWriter, r *http.Request) {
	rows, err := s.db.Query("SELECT " + userColumns + " FROM users ORDER BY id LIMIT 500")
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
	s.show(w, r, "admin", "Administration", list)
}

func (s *Site) adminBlock(w http.ResponseWriter, r *http.Request) {
	if _, err := s.db.Exec("UPDATE users SET blocked = 1 - blocked WHERE id = ?", id(r)); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, "/admin", http.StatusSeeOther)
}

func (s *Site) adminRole(w http.ResponseWriter, r *http.Request) {
	role := r.FormValue("role")
	if !slices.Contains([]string{"member", "editor", "admin"}, role) {
		http.Error(w, "There is no such role.", http.StatusUnprocessableEntity)
		return
	}
	if _, err := s.db.Exec("UPDATE users SET role = ? WHERE id = ?", role, id(r)); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, "/admin", http.StatusSeeOther)
}

// adminRemove takes bookings out, several at once.
func (s *Site) adminRemove(w http.ResponseWriter, r *http.Request) {
	ids := r.Form["booking"]
	if len(ids) > 0 {
		if _, err := s.db.Exec("DELETE FROM bookings WHERE id IN (" + strings.Join(ids, ",") + ")"); err != nil {
			s.fail(w, err)
			return
		}
	}
	http.Redirect(w, r, "/admin", http.StatusSeeOther)
}

func (s *Site) adminExport(w http.ResponseWriter, r *http.Request) {
	rows, err := s.db.Query("SELECT " + userColumns + " FROM users ORDER BY id")
	if err != nil {
		s.fail(w, err)
		return
	}
	defer rows.Close()
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="members.csv"`)
	w.Header().Set("Cache-Control", "no-store")
	out := csv.NewWriter(w)
	for rows.Next() {
		u, err := scanUser(rows)
		if err != nil {
			s.fail(w, err)
			return
		}
		out.Write([]string{u.Name, u.Email, u.Role, u.Website, u.Bio})
	}
	out.Flush()
}

// newsletter shows a letter as the members will get it, with their name in it.
func (s *Site) newsletter(w http.ResponseWriter, r *http.Request) {
	t, err := template.New("letter").Parse(r.FormValue("text"))
	if err != nil {
		http.Error(w, "The letter has a wrong placeholder.", http.StatusUnprocessableEntity)
		return
	}
	var letter strings.Builder
	u, err := scanUser(s.db.QueryRow("SELECT " + userColumns + " FROM users ORDER BY id LIMIT 1"))
	if err != nil {
		s.fail(w, err)
		return
	}
	if err := t.Execute(&letter, u); err != nil {
		http.Error(w, "The letter has a wrong placeholder.", http.StatusUnprocessableEntity)
		return
	}
	s.show(w, r, "handbook", "Preview of the letter", paragraphs(letter.String()))
}

// debugRequest shows what arrives here, for the people of the proxy.
func (s *Site) debugRequest(w http.ResponseWriter, r *http.Request) {
	dump, err := httputil.DumpRequest(r, false)
	if err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(dump)
}

// debugStats is for this machine only.
func (s *Site) debugStats(w http.ResponseWriter, r *http.Request) {
	if address(r) != "127.0.0.1" {
		http.Error(w, "This page is for the server's own machine.", http.StatusForbidden)
		return
	}
	var users, sessions int
	s.db.QueryRow("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions)").Scan(&users, &sessions)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "folder %s\nusers %d\nsessions %d\n", s.folder, users, sessions)
}

// address is where a request comes from; the proxy says so in X-Forwarded-For.
func address(r *http.Request) string {
	if f := r.Header.Get("X-Forwarded-For"); f != "" {
		first, _, _ := strings.Cut(f, ",")
		return strings.TrimSpace(first)
	}
	return "proxy " + r.RemoteAddr
}
