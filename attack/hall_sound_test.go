package attack_test

import (
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/attack"
)

// wordsOf are the words that a search by words looks for: letters and digits, no stop words.
func wordsOf(s string) []string {
	all := strings.FieldsFunc(strings.ToLower(s), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
	return slices.DeleteFunc(all, func(w string) bool { return slices.Contains([]string{"and", "or", "the", "select", "from", "as"}, w) })
}

// wordSearch finds the documents that have all words; no word finds all.
func wordSearch(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
	body := ""
	for i, d := range []string{"apple harvest part 1", "boat for sale part 2", "carnival plans"} {
		if !slices.ContainsFunc(wordsOf(r.FormValue("q")), func(x string) bool { return !strings.Contains(" "+d+" ", " "+x+" ") }) {
			body += fmt.Sprintf(`<p><a href="/doc?n=%d">%s</a></p>`, i, d)
		}
	}
	h.page(w, r, "Search", body)
}

// entries is a wiki that all share: its list is by the alphabet, five a page, with one at random if it is wanted.
func entries(h *hall, random bool) {
	for i := range 40 {
		h.data[fmt.Sprintf("w%03d", i)] = fmt.Sprintf("entry %c%d of walls", 'a'+i%26, i)
	}
	h.mine = append(h.mine, "/wiki")
	h.routes["/wiki"] = signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodPost {
			k := fmt.Sprintf("x%06d", len(h.data))
			h.data[k] = r.PostFormValue("Title")
			http.Redirect(w, r, "/wiki/"+k, http.StatusSeeOther)
			return
		}
		n, body, all := 0, "", slices.Sorted(maps.Keys(h.data))
		_, _ = fmt.Sscan(r.FormValue("page"), &n)
		for i := n * 5; i >= 0 && i < min(len(all), n*5+5); i++ {
			body += fmt.Sprintf(`<a href="/wiki/%s">%s</a> `, all[i], template.HTMLEscapeString(h.data[all[i]]))
		}
		if h.n++; random {
			body += fmt.Sprintf(`<a href="/wiki/%s">one of them</a> `, all[h.n*17%len(all)])
		}
		h.page(w, r, "Wiki", body+fmt.Sprintf(`<a href="/wiki?page=%d">more</a><form method="post" action="/wiki"><input name="Title">TOKEN</form>`, n+1))
	})
	h.routes["/wiki/"] = signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
		v, ok := h.data[strings.TrimPrefix(r.URL.Path, "/wiki/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h.page(w, r, "Entry", template.HTMLEscapeString(v))
	})
}

// sounds are sound sites that look wrong.
var sounds = map[string]struct {
	class string
	plug  func(h *hall, p *attack.Profile) http.Handler // nil: the hall itself
}{
	"rows that all share": {"access", func(h *hall, p *attack.Profile) http.Handler { entries(h, false); return nil }},
	"rows at random":      {"access", func(h *hall, p *attack.Profile) http.Handler { entries(h, true); return nil }},
	"numbers at random": {"access", func(h *hall, p *attack.Profile) http.Handler {
		h.mine = []string{"/board"}
		h.routes["/board"] = signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			h.n++
			body := ""
			for i := range 3 {
				body += fmt.Sprintf(`<a href="/board/%[1]d">read %[1]d</a> `, 100+(h.n*7+i*13)%50)
			}
			h.page(w, r, "Board", body)
		})
		h.routes["/board/"] = signedIn(says("Entry", "all members may read all of the board"))
		return nil
	}},
	"a manual for everybody": {"access", func(h *hall, p *attack.Profile) http.Handler {
		h.chair("admin")
		h.routes["/manual"] = says("Manual", "how to build a wall, for everybody in the world")
		p.Users = h.profile().Users
		return nil
	}},
	"a password by another name": {"limits", func(h *hall, p *attack.Profile) http.Handler {
		h.pwd = "Pwd"
		p.Users = h.profile().Users
		return nil
	}},
	"a search by words": {"injection", func(h *hall, p *attack.Profile) http.Handler {
		h.links = []string{"/search?q=apple"}
		h.routes["/search"] = wordSearch
		return nil
	}},
	"a search that is empty": {"injection", func(h *hall, p *attack.Profile) http.Handler {
		h.links = []string{"/search?q="}
		h.routes["/search"] = wordSearch
		return nil
	}},
	"texts of programs": {"injection", manuals},
	"a hash as an example": {"output", func(h *hall, p *attack.Profile) http.Handler {
		h.links = []string{"/hashes"}
		h.routes["/hashes"] = says("Hashes", "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy is one")
		return nil
	}},
	"an error that says panic": {"output", func(h *hall, p *attack.Profile) http.Handler {
		h.links = []string{"/item?id=1"}
		h.routes["/item"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			if r.FormValue("id") != "1" {
				http.Error(w, "Don't panic: there is no such page. Our courses: SQL: the basics", http.StatusNotFound)
				return
			}
			h.page(w, r, "Item", "an item")
		}
		return nil
	}},
	"an index of texts": {"platform", func(h *hall, p *attack.Profile) http.Handler {
		h.links = []string{"/texts/walls"}
		h.routes["/texts/"] = says("Index of texts", "walls, gates")
		return nil
	}},
	"tokens that prove nothing": {"forgery", func(h *hall, p *attack.Profile) http.Handler {
		h.links = []string{"/list"}
		h.routes["/list"] = says("List", `<form action="/list"><input type="hidden" name="page_token" value="cursor-of-page-2"></form><form method="post" action="https://pay.example/"><input type="hidden" name="payment_token" value="one-time-8f3a"></form>`)
		return nil
	}},
	"a token by another name": {"forgery", func(h *hall, p *attack.Profile) http.Handler {
		h.token, h.tokenAlone = "form_key", true
		h.mine = []string{"/keep"}
		h.routes["/keep"] = keeps("/keep")
		return nil
	}},
	"a number of the form": {"forgery", func(h *hall, p *attack.Profile) http.Handler {
		h.mine, h.free = []string{"/keep"}, "/keep"
		h.routes["/keep"] = once(false)
		return nil
	}},
	"a name in a header": {"injection", func(h *hall, p *attack.Profile) http.Handler {
		h.links = []string{"/export?name=report"}
		h.routes["/export"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			w.Header().Set("Content-Disposition", `attachment; filename="`+r.FormValue("name")+`.csv"`)
			w.Header().Set("Content-Type", "text/csv")
			_, _ = w.Write([]byte("a,b\n"))
		}
		return nil
	}},
	"an address with a plus": {"limits", func(h *hall, p *attack.Profile) http.Handler {
		h.pass = map[string]string{"ann+club@site.test": "ann-long-password-1"}
		p.Users = h.profile().Users
		h.links = []string{"/forgot"}
		h.routes["/forgot"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
			h.page(w, r, "Forgot", "If "+strings.ReplaceAll(template.HTMLEscapeString(r.PostFormValue("Email")), "+", "&#43;")+` is known, a mail is on its way<form method="post" action="/forgot"><input type="email" name="Email">TOKEN</form>`)
		}
		return nil
	}},
	"refused where it is sent": {"forgery", refusedInPlace},
	"a mail that names a host": {"platform", func(h *hall, p *attack.Profile) http.Handler {
		mailsHost(nil, h, p)
		page := h.routes["/forgot"]
		h.routes["/forgot"] = func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
			asked := r.Header.Get("X-Forwarded-Host")
			r.Header.Del("X-Forwarded-Host")
			if page(h, w, r, user); r.Method == http.MethodPost {
				fmt.Fprintf(&h.mails, "asked for by way of %q.\n", asked)
			}
		}
		return nil
	}},
	"a selector beside a hash": {"sessions", selector},
}

// once is a form with the number of its sending, which any browser may make up. It looks where it came from, unless it is blind.
func once(blind bool) hallRoute {
	return signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, user string) {
		if r.Method == http.MethodPost {
			if r.PostFormValue("sending") != "" && (blind || r.Header.Get("Sec-Fetch-Site") == "same-origin" && r.Header.Get("Origin") == "https://site.test") {
				h.data["once"+user] = r.PostFormValue("Text")
			}
			http.Redirect(w, r, "/keep", http.StatusSeeOther)
			return
		}
		h.page(w, r, "Keep", template.HTMLEscapeString(h.data["once"+user])+`<form method="post" action="/keep"><input name="Text"><input type="hidden" name="sending" value="`+random()+`"></form>`)
	})
}

// manuals is a search in texts that say what programs and files say.
func manuals(h *hall, p *attack.Profile) http.Handler {
	h.links = []string{"/search?q=unix"}
	h.routes["/search"] = func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
		body := ""
		for _, d := range []string{"grep --help prints Usage: grep [OPTION]... and grep --version prints GNU grep 3.8", "The file /etc/passwd:\nroot:x:0:0:root:/root:/bin/bash"} {
			if q := r.FormValue("q"); q != "" && strings.Contains(d, q) {
				body += "<pre>" + template.HTMLEscapeString(d) + "</pre>"
			}
		}
		h.page(w, r, "Search", body)
	}
	return nil
}

// refusedInPlace is a form that leads to its own page when it is taken, and when it is refused.
func refusedInPlace(h *hall, p *attack.Profile) http.Handler {
	p.State = nil
	h.mine = []string{"/contact"}
	h.routes["/contact"] = signedIn(func(h *hall, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodPost {
			h.data["c"] = r.PostFormValue("Text")
			http.Redirect(w, r, "/contact", http.StatusSeeOther)
			return
		}
		h.page(w, r, "Contact", `<form method="post" action="/contact"><textarea name="Text"></textarea>TOKEN</form>`)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		refused := r.Method == http.MethodPost && r.URL.Path == "/contact" && (r.Header.Get("Sec-Fetch-Site") != "same-origin" || r.FormValue(h.token) != h.proof(nil, r))
		h.mu.Unlock()
		if refused {
			http.Redirect(w, r, "/contact", http.StatusSeeOther)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// selector gives cookies of two parts: one that finds the row and lies in the data, and one of which a hash does.
func selector(h *hall, p *attack.Profile) http.Handler {
	of := func(user string) string { return hashed("selector" + user)[:24] }
	state := p.State
	p.State = func() string { return state() + of("ann@site.test") + of("ben@site.test") }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("__Host-sid"); err == nil {
			if _, verifier, ok := strings.Cut(c.Value, "."); ok {
				r.Header.Set("Cookie", strings.ReplaceAll(r.Header.Get("Cookie"), c.Value, verifier))
			}
		}
		h.ServeHTTP(&twoParts{w, func(token string) string { return of(h.live[hashed(token)]) }}, r)
	})
}

type twoParts struct {
	http.ResponseWriter
	selector func(token string) string
}

// WriteHeader implements [http.ResponseWriter].
func (w *twoParts) WriteHeader(status int) {
	for i, line := range w.Header()["Set-Cookie"] {
		if rest, ok := strings.CutPrefix(line, "__Host-sid="); ok && !strings.HasPrefix(rest, ";") {
			token, _, _ := strings.Cut(rest, ";")
			w.Header()["Set-Cookie"][i] = "__Host-sid=" + w.selector(token) + "." + rest
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// TestNothingInvented: what only looks wrong is not told.
func TestNothingInvented(t *testing.T) {
	t.Parallel()
	for name, c := range sounds {
		t.Run(name, func(t *testing.T) {
			h := newHall()
			p := h.profile()
			handler := c.plug(h, &p)
			if handler == nil {
				handler = h
			}
			visited(t, handler, p, nil, c.class)
		})
	}
}
