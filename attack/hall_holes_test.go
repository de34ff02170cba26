package attack_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/attack"
)

type plug func(t *testing.T, h *hall, p *attack.Profile)

// shows is a page whose parameter q comes out as markup says.
func shows(markup func(q string) string) plug {
	return func(t *testing.T, h *hall, p *attack.Profile) {
		h.links = []string{"/s?q=apple"}
		h.routes["/s"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			h.page(w, r, "S", markup(r.FormValue("q")))
		}
	}
}

// bills leads each user to their own bill, and shows every one to everybody.
func bills(link string, key func(user string) string) plug {
	return func(t *testing.T, h *hall, p *attack.Profile) {
		h.mine = []string{"/bills"}
		h.routes["/bills"] = signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
			h.page(w, r, "Bills", `<a href="`+link+key(user)+`">yours</a>`)
		})
		show := signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			for u := range h.pass {
				if key(u) == r.FormValue("id") || key(u) == strings.TrimPrefix(r.URL.Path, "/bill/") {
					h.page(w, r, "Bill", "to be paid by "+template.HTMLEscapeString(u)+" for walls and gates of the house")
					return
				}
			}
			http.NotFound(w, r)
		})
		h.routes["/bill"], h.routes["/bill/"] = show, show
	}
}

// assigns gives a role to whoever sends a field that no form shows: in the form of what one keeps, or at the sign-up.
func assigns(role, field, value string, signUp bool) plug {
	return func(t *testing.T, h *hall, p *attack.Profile) {
		h.chair(role)
		p.Users = h.profile().Users
		if signUp {
			h.links = []string{"/join"}
			h.routes["/join"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
				if e := r.PostFormValue("Email"); r.Method == http.MethodPost && h.pass[e] == "" {
					h.pass[e] = r.PostFormValue("Password")
					if r.PostFormValue(field) == value {
						h.role[e] = role
					}
					http.Redirect(w, r, "/login", http.StatusSeeOther)
					return
				}
				h.page(w, r, "Join", `<form method="post" action="/join"><input type="email" name="Email"><input type="password" name="Password" autocomplete="new-password">TOKEN</form>`)
			}
			return
		}
		h.mine = append(h.mine, "/me", "/desk") // the menu shows it to all
		keep := keeps("/me")
		h.routes["/me"] = func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
			if r.Method == http.MethodPost && r.PostFormValue(field) == value {
				h.role[user] = role
			}
			keep(h, w, r, user)
		}
	}
}

// queried is a page of rows that a statement finds, in which Q stands for what was typed; its errors are swallowed.
func queried(link, query string) plug {
	return func(t *testing.T, h *hall, p *attack.Profile) {
		db := newKit(t).db
		h.links = []string{link}
		h.routes["/n"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			h.page(w, r, "News", titles(db, strings.ReplaceAll(query, "Q", r.FormValue("q"))))
		}
	}
}

func titles(db *sql.DB, query string) (body string) {
	rows, err := db.Query(query)
	if err != nil {
		return ""
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		_ = rows.Scan(&s)
		body += "<p>" + template.HTMLEscapeString(s) + "</p>"
	}
	return body
}

// called is a route of scripts.
func called(c attack.Call, f func(h *hall, r *http.Request, user, body string) (status int)) plug {
	return func(t *testing.T, h *hall, p *attack.Profile) {
		p.Calls = []attack.Call{c}
		h.routes[c.Path] = func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(f(h, r, user, string(body)))
		}
	}
}

// subscribes keeps what a script sends, whoever had it sent.
func subscribes(method, body string) plug {
	return func(t *testing.T, h *hall, p *attack.Profile) {
		h.sameSite = http.SameSiteNoneMode
		for user := range h.pass {
			h.data["nick"+user] = body // as it was sent before
		}
		called(attack.Call{Method: method, Path: "/api/nick", JSON: body}, func(h *hall, r *http.Request, user, sent string) int {
			if user == "" || r.Method != method && r.URL.Query().Get("_method") != method {
				return http.StatusForbidden
			}
			h.data["nick"+user] = sent
			if body == "" {
				h.data["nick"+user] = random()
			}
			return http.StatusNoContent
		})(t, h, p)
	}
}

// files gives out files of a folder by their names.
func files(link, prefix string) plug {
	return func(t *testing.T, h *hall, p *attack.Profile) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "docs"), 0o700); err != nil {
			t.Fatal(err)
		}
		h.links = []string{link}
		h.routes["/dl"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			name := r.FormValue("name")
			if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil && strings.HasPrefix(name, prefix) {
				w.Header().Set("Content-Type", "text/plain")
				_, _ = w.Write(b)
				return
			}
			if r.Method == http.MethodPost {
				http.NotFound(w, r)
				return
			}
			h.page(w, r, "Files", `<form method="post" action="/dl"><input name="name">TOKEN</form>`)
		}
	}
}

// fetches asks for an address that a form takes, but for the usual names of its own machine.
func fetches(t *testing.T, h *hall, p *attack.Profile) {
	h.mine = []string{"/hook"}
	keep := keeps("/hook")
	h.routes["/hook"] = func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
		if u := r.PostFormValue("Text"); r.Method == http.MethodPost && strings.HasPrefix(u, "http") && !strings.Contains(u, "127.0.0.1") && !strings.Contains(u, "localhost") {
			if res, err := http.Get(u); err == nil {
				_ = res.Body.Close()
			}
		}
		keep(h, w, r, user)
	}
}

// mailsHost mails a link to the host that a header names.
func mailsHost(t *testing.T, h *hall, p *attack.Profile) {
	p.Mail = h.mails.String
	h.links = []string{"/forgot"}
	h.routes["/forgot"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
		host := "site.test"
		if given := r.Header.Get("X-Forwarded-Host"); given != "" {
			host = given
		}
		if r.Method == http.MethodPost && h.pass[r.PostFormValue("Email")] != "" {
			fmt.Fprintf(&h.mails, "https://%s/reset?code=%s\n", host, random())
		}
		h.page(w, r, "Forgot", `<form method="post" action="/forgot"><input type="email" name="Email">TOKEN</form>`)
	}
}

// visits shows an administrator the browsers of visitors as they call themselves, and uploads as they are named.
func visits(t *testing.T, h *hall, p *attack.Profile) {
	h.chair("admin")
	p.Users = h.profile().Users
	var seen []string
	h.links = []string{"/files"}
	h.routes["/files"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodPost {
			if _, f, err := r.FormFile("File"); err == nil {
				seen = append(seen, f.Filename)
				h.data["files"] = fmt.Sprint(len(seen))
			}
		}
		h.page(w, r, "Files", `<form method="post" action="/files" enctype="multipart/form-data"><input type="file" name="File">TOKEN</form>`)
	}
	h.routes["/desk"] = signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
		if h.role[user] != "admin" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		h.page(w, r, "Desk", "who was here: "+strings.Join(seen, "<br>"))
	})
}

// directory asks a back end for what was typed.
func directory(filter func(q string) string) plug {
	return func(t *testing.T, h *hall, p *attack.Profile) {
		var sent strings.Builder
		p.Sent = func() string {
			h.mu.Lock()
			defer h.mu.Unlock()
			return sent.String()
		}
		h.links = []string{"/who?q=ann"}
		h.routes["/who"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			fmt.Fprintln(&sent, filter(r.FormValue("q")))
			h.page(w, r, "Who", "nobody of this name")
		}
	}
}

// private is Ann's diary, which a script reads, writes or takes away; open: whoever is signed in may.
func private(method string, open bool) plug {
	return func(t *testing.T, h *hall, p *attack.Profile) {
		for _, user := range []string{"ann", "ben"} {
			h.data[user] = "dear diary of " + user
		}
		p.Keep = func() func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			was := maps.Clone(h.data)
			return func() {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.data = maps.Clone(was)
			}
		}
		c := attack.Call{Method: method, Path: "/api/diary", Of: "ann@site.test"}
		switch method {
		case http.MethodPut:
			c.JSON = `{"user":"ann","text":"dear diary"}`
		default:
			c.Path += "?user=ann"
		}
		p.Calls = []attack.Call{c}
		h.routes["/api/diary"] = func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
			in := struct{ User, Text string }{User: r.FormValue("user")}
			if user == "" || r.Method == http.MethodPut && json.NewDecoder(r.Body).Decode(&in) != nil {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			own, _, _ := strings.Cut(user, "@")
			if !open {
				in.User = own
			}
			switch r.Method {
			case http.MethodPut:
				if h.data[in.User] != "" {
					h.data[in.User] = in.Text
				}
			case http.MethodDelete:
				if !open && r.FormValue("user") != own {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				delete(h.data, in.User)
			default:
				_ = json.NewEncoder(w).Encode(h.data[in.User])
			}
		}
	}
}

// leaves has a sign-out by another name that takes the cookie and leaves the session.
func leaves(path string) plug {
	return func(t *testing.T, h *hall, p *attack.Profile) {
		h.leave = path
		h.routes[path] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			http.SetCookie(w, &http.Cookie{Name: "__Host-sid", Path: "/", MaxAge: -1, Secure: true})
			http.Redirect(w, r, "/", http.StatusSeeOther)
		}
	}
}

func leads(on func(h *hall, w http.ResponseWriter, r *http.Request, to string)) plug {
	return func(t *testing.T, h *hall, p *attack.Profile) {
		h.links = []string{"/go?to=/private"}
		h.routes["/go"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) { on(h, w, r, r.FormValue("to")) }
	}
}

func named(t *testing.T, h *hall, p *attack.Profile) {
	h.name, h.wrongName = "User", "There is no user of this name."
	h.pass = map[string]string{"ann": "ann-long-password-1", "ben": "ben-long-password-2"}
	p.Users = h.profile().Users
}

var number = map[byte]string{'a': "17", 'b': "18", 'c': "19"}

// hidden are holes that are not in plain sight, and the rule by which each is found.
var hidden = []struct {
	name, class string
	plug        plug
	want        string
}{
	{"words as code", "injection", shows(func(q string) string { return `<script>var n = ` + template.HTMLEscapeString(q) + `;</script>` }), attack.RuleScriptText.ID},
	{"backslash", "injection", shows(func(q string) string {
		return `<script>var n = '` + strings.NewReplacer("<", `\u003c`, "'", `\'`, "\n", " ", "\r", " ").Replace(q) + `';</script>`
	}), attack.RuleScriptText.ID},
	{"template literal", "injection", shows(func(q string) string {
		return "<script>var n = `" + strings.NewReplacer("<", `\u003c`, "`", "\\`", `\`, `\\`).Replace(q) + "`;</script>"
	}), attack.RuleScriptText.ID},
	{"a data block", "injection", shows(func(q string) string {
		return `<script type="text/x-template">` + template.HTMLEscapeString(q) + `</script>`
	}), ""},
	{"a block comment", "injection", shows(func(q string) string { return `<script>/* for ` + template.JSEscapeString(q) + ` */</script>` }), ""},
	{"scheme in another case", "injection", shows(func(q string) string {
		if strings.HasPrefix(q, "javascript:") {
			q = "#"
		}
		return `<a href="` + template.HTMLEscapeString(q) + `">on</a>`
	}), attack.RuleScriptAddress.ID},
	{"browsers and names of files", "injection", visits, attack.RuleMarkup.ID},
	{"bill by name", "access", bills("/bill/", func(u string) string { return u[:3] + "-2026" }), attack.RuleOthersPage.ID},
	{"bill by query", "access", bills("/bill?id=", func(u string) string { return number[u[0]] }), attack.RuleOthersPage.ID},
	{"role by its name", "access", assigns("chair", "role", "chair", false), attack.RuleAssigned.ID},
	{"role by a flag", "access", assigns("admin", "is_staff", "1", false), attack.RuleAssigned.ID},
	{"role in brackets", "access", assigns("admin", "user[role]", "admin", false), attack.RuleAssigned.ID},
	{"role at the sign-up", "access", assigns("admin", "is_admin", "1", true), attack.RuleAssigned.ID},
	{"quiet order", "injection", queried("/n?q=title", "SELECT title FROM news ORDER BY Q"), attack.RuleSQL.ID},
	{"quiet list", "injection", queried("/n?q=2", "SELECT title FROM news WHERE id IN (Q)"), attack.RuleSQL.ID},
	{"quiet parentheses", "injection", queried("/n?q=apple", "SELECT title FROM news WHERE (lower(title) LIKE lower('%Q%') OR 0)"), attack.RuleSQL.ID},
	{"statement in a call", "injection", func(t *testing.T, h *hall, p *attack.Profile) {
		db := newKit(t).db
		called(attack.Call{Method: "POST", Path: "/api/find", JSON: `{"q":"apple"}`}, func(h *hall, r *http.Request, user, body string) int {
			_, q, _ := strings.Cut(body, `"q":"`)
			if _, err := db.Exec("SELECT title FROM news WHERE title = '" + strings.TrimSuffix(q, `"}`) + "'"); err != nil {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		})(t, h, p)
	}, attack.RuleSQL.ID},
	{"call without a body", "forgery", subscribes("POST", ""), attack.RuleCrossSite.ID},
	{"call by another method", "forgery", subscribes("PUT", `{"nick":"x"}`), attack.RuleOverride.ID},
	{"call that writes the same again", "forgery", subscribes("POST", `{"nick":"x"}`), attack.RuleTextPlain.ID},
	{"traversal behind a folder", "injection", files("/dl?name=docs/rules.txt", "docs/"), attack.RuleTraversal.ID},
	{"traversal in a form", "injection", func(t *testing.T, h *hall, p *attack.Profile) { files("/dl", "")(t, h, p) }, attack.RuleTraversal.ID},
	{"fetch by another number", "injection", fetches, attack.RuleFetch.ID},
	{"host in a mail", "platform", mailsHost, attack.RuleHostUsed.ID},
	{"refresh of the page", "output", leads(func(h *hall, w http.ResponseWriter, r *http.Request, to string) {
		h.page(w, r, "Go", `<meta http-equiv="refresh" content="0;url=`+template.HTMLEscapeString(to)+`">`)
	}), attack.RuleRedirect.ID},
	{"refresh of the head", "output", leads(func(h *hall, w http.ResponseWriter, r *http.Request, to string) {
		w.Header().Set("Refresh", "0;url="+to)
		h.page(w, r, "Go", "on")
	}), attack.RuleRedirect.ID},
	{"an answer to another's call", "access", private("GET", true), attack.RuleOthersPage.ID},
	{"a call that is one's own", "access", private("GET", false), ""},
	{"another's row by a call", "access", private("PUT", true), attack.RuleOthersDeed.ID},
	{"one's own row, whoever is named", "access", private("PUT", false), ""},
	{"a row that another takes away", "access", private("DELETE", true), attack.RuleOthersDeed.ID},
	{"a row that its owner takes away", "access", private("DELETE", false), ""},
	{"a form without a token", "forgery", func(t *testing.T, h *hall, p *attack.Profile) {
		h.mine, h.free = append(h.mine, "/keep"), "/keep"
		h.routes["/keep"] = once(true)
	}, attack.RuleSameSite.ID},
	{"a token of everybody", "forgery", func(t *testing.T, h *hall, p *attack.Profile) {
		h.mine, h.free, h.token = append(h.mine, "/keep"), "/keep", "form_key"
		given := map[string]bool{}
		h.routes["/keep"] = signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
			if r.Method == http.MethodPost {
				if given[r.PostFormValue("form_key")] {
					h.data["keep"+user] = r.PostFormValue("Text")
				}
				http.Redirect(w, r, "/keep", http.StatusSeeOther)
				return
			}
			given[h.proof(nil, r)] = true
			h.page(w, r, "Keep", template.HTMLEscapeString(h.data["keep"+user])+`<form method="post" action="/keep"><input name="Text">TOKEN</form>`)
		})
	}, attack.RuleForeignToken.ID},
	{"a token in an address", "forgery", func(t *testing.T, h *hall, p *attack.Profile) {
		h.mine = append(h.mine, "/find")
		h.routes["/find"] = signedIn(says("Find", `<form action="/find"><input name="q">TOKEN</form>`))
	}, attack.RuleTokenLeaves.ID},
	{"a filter of a directory", "injection", directory(func(q string) string { return "(&(kind=wall)(uid=" + q + "))" }), attack.RuleBackend.ID},
	{"a line of a directory", "injection", directory(func(q string) string {
		return "find " + strings.NewReplacer("*", `\2a`, "(", `\28`, ")", `\29`).Replace(q)
	}), attack.RuleBackend.ID},
	{"a directory that escapes", "injection", directory(func(q string) string {
		return "(uid=" + strings.NewReplacer("*", `\2a`, "(", `\28`, ")", `\29`, "\n", `\0a`, "\r", `\0d`).Replace(q) + ")"
	}), ""},
	{"names of users", "limits", named, attack.RuleTold.ID},
	{"sign-out called bye", "sessions", leaves("/bye"), attack.RuleSignOutLeaves.ID},
}

// TestHiddenHoles: each hole is found by its rule, and nothing else is.
func TestHiddenHoles(t *testing.T) {
	t.Parallel()
	for _, c := range hidden {
		t.Run(c.name, func(t *testing.T) {
			h := newHall()
			p := h.profile()
			c.plug(t, h, &p)
			var want []string
			if c.want != "" {
				want = []string{c.want}
			}
			visited(t, h, p, want, c.class)
		})
	}
}
