package attack_test

import (
	"archive/zip"
	"crypto/sha1"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	ttemplate "text/template"
	"time"
)

// route is the kit's pages.
func (k *kit) route(w http.ResponseWriter, r *http.Request) {
	token, s := k.session(r)
	in := s != nil && s.user != nil && !s.half
	post := r.Method == http.MethodPost || k.hole["override"] && r.FormValue("_method") == "POST"
	path := r.URL.Path
	if k.hole["suffix"] {
		path = strings.TrimSuffix(path, "/mq.css")
	}
	closed := strings.HasPrefix(path, "/notes") || path == "/password" || strings.HasPrefix(path, "/admin") && !k.hole["menu"]
	if closed && !in {
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return
	}
	if strings.HasPrefix(path, "/admin") && !k.hole["menu"] && !s.user.admin {
		k.refuse(w, "no", http.StatusForbidden)
		return
	}
	switch {
	case path == "/":
		if k.hole["rows"] && s == nil {
			k.grown++
		}
		lines := []string{"welcome to the kit"}
		if in && k.hole["shown"] {
			lines = append(lines, "your session: "+token)
		}
		if in && k.hole["hash"] {
			lines = append(lines, "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy")
		}
		k.show(w, r, kitData{Title: "Home", Lines: lines, Links: k.extra(in)})
	case path == "/sign-in" && post:
		k.signIn(w, r)
	case path == "/sign-in":
		k.show(w, r, kitData{Title: "Sign in", Forms: []kitForm{{"/sign-in", []string{"Email", "Password", "next"}}}})
	case path == "/second" && s != nil && s.user != nil:
		if code := r.PostFormValue("Code"); post && s.user.codes[code] {
			s.half = false
			if !k.hole["codetwice"] {
				delete(s.user.codes, code)
			}
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		k.show(w, r, kitData{Title: "Second step", Forms: []kitForm{{"/second", []string{"Code"}}}})
	case path == "/sign-out" && (post || k.hole["signoutget"]):
		if !k.hole["signoutleaves"] {
			delete(k.live, k.key(token))
		}
		http.SetCookie(w, &http.Cookie{Name: k.cookieName(), Value: "", Path: "/", MaxAge: -1})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case path == "/forgot":
		k.forgot(w, r, post)
	case path == "/password":
		k.password(w, r, s, post)
	case path == "/news":
		k.news(w, r)
	case path == "/notes" || strings.HasPrefix(path, "/notes/"):
		k.notes(w, r, path, s, post)
	case path == "/admin":
		k.show(w, r, kitData{Title: "Administration", Lines: []string{"secret plans of the administrators are listed here for them alone"}})
	case path == "/admin/export.csv":
		k.export(w)
	default:
		k.more(w, r, s, path)
	}
}

// forgot mails a link for a new password, and is where it leads.
func (k *kit) forgot(w http.ResponseWriter, r *http.Request, post bool) {
	code := r.FormValue("code")
	switch l, known := k.links[code]; {
	case code == "" && post:
		if u := k.users[r.PostFormValue("Email")]; u != nil {
			c := random()
			k.links[c] = kitLink{u, k.offset + 30*time.Minute}
			fmt.Fprintf(&k.mails, "To: %s\n\nhttps://site.test/forgot?code=%s\n", u.name, c)
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case code == "":
		k.show(w, r, kitData{Title: "Forgotten", Forms: []kitForm{{"/forgot", []string{"Email"}}}})
	case !known || k.offset > l.until && !k.hole["linklives"]:
		k.refuse(w, "this link is none any more", http.StatusGone)
	case post:
		l.user.password = r.PostFormValue("Password")
		if !k.hole["linktwice"] {
			delete(k.links, code)
		}
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	default:
		k.show(w, r, kitData{Title: "New password", Forms: []kitForm{{"/forgot?code=" + code, []string{"Password"}}}})
	}
}

// extra are links to what only some holes have.
func (k *kit) extra(in bool) (links []string) {
	if k.hole["socket"] || k.hole["socketlax"] || len(k.hole) == 0 {
		links = append(links, "/ticker", "/socket")
	}
	if k.hole["linktwice"] || k.hole["linklives"] || len(k.hole) == 0 {
		links = append(links, "/forgot")
	}
	for hole, link := range map[string]string{"redirect": "/go?to=/news", "file": "/file?name=rules.txt", "fetch": "/fetch?url=x", "shell": "/ping?host=localhost",
		"option": "/ping?host=localhost", "header": "/lang?set=en", "template": "/hello?name=you", "script": "/script?name=you", "address": "/link?to=/news",
		"internals": "/item?id=1", "log": "/hello?name=you", "getwrites": "/count?up=1", "signoutget": "/sign-out"} {
		if k.hole[hole] && (in || hole != "signoutget") {
			links = append(links, link)
		}
	}
	return links
}

func (k *kit) password(w http.ResponseWriter, r *http.Request, s *kitSession, post bool) {
	fields := []string{"OldPassword", "Password"}
	if k.hole["stale"] {
		fields = fields[1:]
	}
	if !post {
		k.show(w, r, kitData{Title: "Password", Forms: []kitForm{{"/password", fields}}})
		return
	}
	if s.user.wrong >= 10 && !k.hole["stale"] {
		http.Error(w, "too many", http.StatusTooManyRequests)
		return
	}
	if r.PostFormValue("OldPassword") != s.user.password && !k.hole["stale"] && !k.hole["guessold"] {
		s.user.wrong++
		http.Error(w, "wrong password", http.StatusForbidden)
		return
	}
	s.user.password = r.PostFormValue("Password")
	for key, other := range k.live {
		if other != s && other.user == s.user && !k.hole["passwordkeeps"] {
			delete(k.live, key)
		}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (k *kit) news(w http.ResponseWriter, r *http.Request) {
	q, order := r.FormValue("q"), "title"
	if r.FormValue("sort") == "id" {
		order = "id"
	}
	like, where := "%"+strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(q)+"%", "title LIKE ? ESCAPE '\\'"
	if k.hole["wildcard"] {
		like = "%" + q + "%"
	}
	args := []any{like}
	if k.hole["sql"] {
		where, args = "title LIKE '%"+q+"%'", nil
	}
	if k.hole["quietsql"] { // in words without an a, and an error is a page without news
		where, args = "replace(title, 'a', 'o') LIKE '%"+q+"%'", nil
	}
	if k.hole["order"] && r.FormValue("sort") != "" {
		order = r.FormValue("sort")
	}
	rows, err := k.db.Query("SELECT id, title FROM news WHERE "+where+" ORDER BY "+order+" LIMIT 50", args...)
	if err != nil && k.hole["quietsql"] {
		k.show(w, r, kitData{Title: "News"})
		return
	}
	if err != nil {
		http.Error(w, "something went wrong", http.StatusInternalServerError)
		return
	}
	defer rows.Close()
	d := kitData{Title: "News"}
	for rows.Next() {
		var id int
		var title string
		_ = rows.Scan(&id, &title)
		d.Lines, d.Links = append(d.Lines, title), append(d.Links, fmt.Sprintf("/news?q=%d", id))
	}
	if k.hole["markup"] {
		d.Raw = template.HTML("<p>You looked for " + q + "</p>")
	}
	k.show(w, r, d)
}

func (k *kit) notes(w http.ResponseWriter, r *http.Request, path string, s *kitSession, post bool) {
	if path == "/notes" && post {
		if k.hole["assign"] && r.PostFormValue("is_admin") == "1" {
			s.user.admin = true
		}
		if _, err := k.db.Exec("INSERT INTO note (owner, body) VALUES (?, ?)", s.user.name, r.PostFormValue("Body")); err != nil {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, "/notes", http.StatusSeeOther)
		return
	}
	if path == "/notes" {
		d := kitData{Title: "Notes", Forms: []kitForm{{"/notes", []string{"Body"}}}}
		rows, err := k.db.Query("SELECT id FROM note WHERE owner = ? ORDER BY id DESC LIMIT 20", s.user.name)
		if err == nil {
			defer rows.Close()
			for rows.Next() {
				var id int
				_ = rows.Scan(&id)
				d.Links = append(d.Links, fmt.Sprintf("/notes/%d", id))
			}
		}
		k.show(w, r, d)
		return
	}
	rest, deletes := strings.CutSuffix(strings.TrimPrefix(path, "/notes/"), "/delete")
	id, err := strconv.Atoi(rest)
	var owner, body string
	if err == nil {
		err = k.db.QueryRow("SELECT owner, body FROM note WHERE id = ?", id).Scan(&owner, &body)
	}
	if err != nil || owner != s.user.name && !k.hole["othersdeed"] && !(k.hole["otherspage"] && !deletes) {
		http.NotFound(w, r)
		return
	}
	if owner != s.user.name && k.hole["othersdeed"] && !deletes && !k.hole["otherspage"] {
		http.NotFound(w, r)
		return
	}
	if deletes && post {
		_, _ = k.db.Exec("DELETE FROM note WHERE id = ?", id)
		http.Redirect(w, r, "/notes", http.StatusSeeOther)
		return
	}
	k.show(w, r, kitData{Title: "Note", Lines: []string{body}, Forms: []kitForm{{fmt.Sprintf("/notes/%d/delete", id), []string{"Why"}}}})
}

func (k *kit) export(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	out := csv.NewWriter(w)
	rows, err := k.db.Query("SELECT body FROM note LIMIT 500")
	if err != nil {
		return
	}
	defer rows.Close()
	for rows.Next() {
		var b string
		_ = rows.Scan(&b)
		if !k.hole["formula"] && strings.HasPrefix(b, "=") {
			b = "'" + b
		}
		_ = out.Write([]string{"note", b})
	}
	out.Flush()
}

// socket opens a WebSocket as the libraries do: by taking the connection over. That of /ticker is for all; the other one is for
// users, and asks where it comes from.
func (k *kit) socket(w http.ResponseWriter, r *http.Request, may bool) {
	if r.URL.Path == "/socket" && !k.hole["socket"] && r.Header.Get("Origin") != "https://site.test" {
		may = false
	}
	if !may || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	c, out, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer c.Close()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	_ = out.Flush()
	_, _ = io.Copy(io.Discard, out) // until the visitor goes
}

// more are pages that are there for their hole.
func (k *kit) more(w http.ResponseWriter, r *http.Request, s *kitSession, path string) {
	value := r.FormValue("name")
	switch {
	case path == "/go" && k.hole["redirect"]:
		http.Redirect(w, r, r.FormValue("to"), http.StatusSeeOther)
	case path == "/file" && k.hole["file"]:
		b, err := os.ReadFile(filepath.Join(k.dir, value))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(b)
	case path == "/fetch" && k.hole["fetch"]:
		if res, err := http.Get(r.FormValue("url")); err == nil {
			_ = res.Body.Close()
		}
		k.show(w, r, kitData{Title: "Fetched"})
	case path == "/ping" && k.hole["shell"]:
		_ = exec.Command("sh", "-c", "true "+r.FormValue("host")).Run()
		k.show(w, r, kitData{Title: "Pinged"})
	case path == "/ping" && k.hole["option"]:
		out, _ := exec.Command("ls", r.FormValue("host")).CombinedOutput()
		k.show(w, r, kitData{Title: "Pinged", Lines: []string{string(out)}})
	case path == "/lang" && k.hole["header"]:
		for i, line := range strings.Split(r.FormValue("set"), "\r\n") { // net/http writes no line break that is in a value
			if name, value, ok := strings.Cut(line, ": "); ok && i > 0 {
				w.Header().Set(name, value)
			}
		}
		k.show(w, r, kitData{Title: "Language"})
	case path == "/hello" && k.hole["template"]:
		var b strings.Builder
		if t, err := ttemplate.New("").Parse("Hello " + value); err == nil {
			_ = t.Execute(&b, nil)
		}
		k.show(w, r, kitData{Title: "Hello", Lines: []string{b.String()}})
	case path == "/hello" && k.hole["log"]:
		fmt.Fprintf(&k.log, "hello to %s\n", value)
		k.show(w, r, kitData{Title: "Hello"})
	case path == "/script" && k.hole["script"]:
		k.show(w, r, kitData{Title: "Script", Raw: template.HTML("<script>var name = '" + strings.NewReplacer("<", "&lt;", `"`, `\"`).Replace(value) + "';</script>")})
	case path == "/link" && k.hole["address"]:
		k.show(w, r, kitData{Title: "Link", Raw: template.HTML(`<a href="` + template.HTMLEscapeString(r.FormValue("to")) + `">on</a>`)})
	case path == "/item" && k.hole["internals"]:
		if _, err := strconv.Atoi(r.FormValue("id")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		k.show(w, r, kitData{Title: "Item"})
	case path == "/count" && k.hole["getwrites"]:
		if s != nil && s.user != nil {
			k.grown++
		}
		k.show(w, r, kitData{Title: "Counted"})
	case k.hole["copyserved"] && strings.HasPrefix(path, "/backups/"):
		h := w.Header()
		h.Set("Content-Type", "application/octet-stream")
		http.ServeFile(w, r, filepath.Join(k.backup.place, filepath.Base(path)))
	case k.hole["packserved"] && path == "/backup.zip":
		w.Header().Set("Content-Type", "application/zip")
		z := zip.NewWriter(w)
		if f, err := z.Create("rows.txt"); err == nil {
			for name := range k.users {
				fmt.Fprintln(f, name)
			}
		}
		_ = z.Close()
	case k.hole["dumpserved"] && path == "/dump.sql":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE news (id INTEGER PRIMARY KEY, title TEXT);\n")
	case path == "/debug/vars" && k.hole["debug"]:
		_, _ = w.Write([]byte(`{"memstats": 1}`))
	case path == "/ticker" || path == "/socket":
		k.socket(w, r, path == "/ticker" || s != nil && s.user != nil)
	default:
		http.NotFound(w, r)
	}
}
