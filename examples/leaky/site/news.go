package site

import (
	"fmt"
	"html"
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

type article struct {
	ID        int64
	Title     string
	Body      template.HTML
	Published bool
	Likes     int
	Comments  []comment
}

type comment struct {
	ID     int64
	Author string
	Body   template.HTML
	Mine   bool
}

func (s *Site) newsList(w http.ResponseWriter, r *http.Request) {
	per, err := strconv.Atoi(r.URL.Query().Get("per"))
	if err != nil {
		per = 10
	}
	tag := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(r.URL.Query().Get("tag"))
	rows, err := s.db.Query(`SELECT id, title FROM news WHERE published = 1 AND title LIKE '%' || ? || '%' ESCAPE '\' ORDER BY id DESC LIMIT ?`, tag, per)
	if err != nil {
		s.fail(w, err)
		return
	}
	defer rows.Close()
	var list []article
	for rows.Next() {
		var a article
		if err := rows.Scan(&a.ID, &a.Title); err != nil {
			s.fail(w, err)
			return
		}
		list = append(list, a)
	}
	s.show(w, r, "news", "News", list)
}

func (s *Site) newsShow(w http.ResponseWriter, r *http.Request) {
	var a article
	var body string
	err := s.db.QueryRow("SELECT id, title, body, published, likes FROM news WHERE id = ?", id(r)).Scan(&a.ID, &a.Title, &body, &a.Published, &a.Likes)
	if err != nil {
		s.fail(w, err)
		return
	}
	a.Body = paragraphs(body)
	u := s.user(r)
	rows, err := s.db.Query("SELECT id, author, body, user_id FROM comments WHERE news_id = ? ORDER BY id LIMIT 200", a.ID)
	if err != nil {
		s.fail(w, err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var c comment
		var text string
		var by int64
		if err := rows.Scan(&c.ID, &c.Author, &text, &by); err != nil {
			s.fail(w, err)
			return
		}
		// People asked for bold and italic.
		c.Body = template.HTML(strings.ReplaceAll(text, "\n", "<br>"))
		c.Mine = u != nil && u.ID == by
		a.Comments = append(a.Comments, c)
	}
	s.show(w, r, "article", a.Title, a)
}

// paragraphs keeps the line breaks of a text.
func paragraphs(text string) template.HTML {
	return template.HTML(strings.ReplaceAll(html.EscapeString(text), "\n", "<br>"))
}

func (s *Site) commentAdd(w http.ResponseWriter, r *http.Request) {
	u, body := s.user(r), strings.TrimSpace(r.FormValue("body"))
	if body == "" || len(body) > 2000 {
		http.Error(w, "A comment has 1 to 2000 characters.", http.StatusUnprocessableEntity)
		return
	}
	if _, err := s.db.Exec("INSERT INTO comments (news_id, user_id, author, body) VALUES (?, ?, ?, ?)", id(r), u.ID, u.Name, body); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, fmt.Sprintf("/news/%d", id(r)), http.StatusSeeOther)
}

func (s *Site) commentEdit(w http.ResponseWriter, r *http.Request) {
	body := strings.TrimSpace(r.FormValue("body"))
	if body == "" || len(body) > 2000 {
		http.Error(w, "A comment has 1 to 2000 characters.", http.StatusUnprocessableEntity)
		return
	}
	var news int64
	if err := s.db.QueryRow("UPDATE comments SET body = ? WHERE id = ? RETURNING news_id", body, id(r)).Scan(&news); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, fmt.Sprintf("/news/%d", news), http.StatusSeeOther)
}

// commentRaw shows a comment as it was typed.
func (s *Site) commentRaw(w http.ResponseWriter, r *http.Request) {
	var body string
	if err := s.db.QueryRow("SELECT body FROM comments WHERE id = ?", id(r)).Scan(&body); err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'")
	fmt.Fprint(w, body)
}

func (s *Site) newsDelete(w http.ResponseWriter, r *http.Request) {
	if _, err := s.db.Exec("DELETE FROM news WHERE id = ?", id(r)); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, "/news", http.StatusSeeOther)
}

// newsPreview shows a comment before it is sent; the page's script puts the answer below the field.
func (s *Site) newsPreview(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, "<div class=\"preview\"><p>%s wrote:</p><p>%s</p></div>", html.EscapeString(s.user(r).Name), r.FormValue("body"))
}

func (s *Site) newsForm(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, "write", "Write news", nil)
}

func (s *Site) newsCreate(w http.ResponseWriter, r *http.Request) {
	title, body := strings.TrimSpace(r.FormValue("title")), r.FormValue("body")
	if title == "" || len(title) > 200 || len(body) > 20000 {
		http.Error(w, "News have a title of 1 to 200 characters.", http.StatusUnprocessableEntity)
		return
	}
	if _, err := s.db.Exec("INSERT INTO news (title, body, published) VALUES (?, ?, ?)", title, body, r.FormValue("draft") == ""); err != nil {
		s.fail(w, err)
		return
	}
	http.Redirect(w, r, "/news", http.StatusSeeOther)
}

type hit struct{ Kind, Title, Link string }

func (s *Site) search(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query().Get("q")
	var hits []hit
	if q != "" {
		rows, err := s.db.Query("SELECT id, title FROM news WHERE published = 1 AND (title LIKE '%" + q + "%' OR body LIKE '%" + q + "%') LIMIT 50")
		if err != nil {
			s.fail(w, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var number, title string
			if err := rows.Scan(&number, &title); err != nil {
				s.fail(w, err)
				return
			}
			hits = append(hits, hit{"News", title, "/news/" + number})
		}
	}
	s.show(w, r, "search", "Search", map[string]any{
		"Words":   q,
		"Heading": template.HTML(fmt.Sprintf("%d results for <em>%s</em>", len(hits), q)),
		"Hits":    hits,
	})
}
