package beside_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// Sessions, cookies, accounts.
var kitAccount = map[string]func(*kit) outcome{
	"COOK-1": func(k *kit) outcome {
		k.handle("GET /cook-1", func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "remember", Value: "a-token-of-ann"})
		})
		bare := false
		for _, c := range (&http.Response{Header: k.browser().get("/cook-1").header}).Cookies() {
			bare = bare || c.Name == "remember" && !c.HttpOnly && !c.Secure && c.SameSite == 0
		}
		return stopped(!bare, "http.SetCookie sets none of them")
	},
	"COOK-2": func(k *kit) outcome {
		k.handle("GET /cook-2", func(w http.ResponseWriter, r *http.Request) {
			if c, err := r.Cookie("role"); err != nil || c.Value != "admin" {
				w.WriteHeader(http.StatusForbidden)
			}
		})
		b := k.browser()
		b.setCookie("role", "admin")
		return stopped(b.get("/cook-2").status != http.StatusOK, "r.Cookie is what the visitor sent")
	},
	"SESS-1": func(k *kit) outcome {
		k.handle("GET /sess-1", func(w http.ResponseWriter, r *http.Request) { k.sessions.Put(r.Context(), "cart", "3 apples") })
		k.handle("POST /sess-1", func(w http.ResponseWriter, r *http.Request) {
			var id int
			var hash string
			err := k.db.QueryRow("SELECT id, hash FROM user WHERE name = ?", r.FormValue("name")).Scan(&id, &hash)
			if err == nil && k.compare(hash, r.FormValue("password")) {
				k.sessions.Put(r.Context(), "user", id)
			}
		})
		b := k.browser()
		b.get("/sess-1")
		before := b.cookie("session")
		b.post("/sess-1", values("name", "ann", "password", password))
		if b.get("/who").body != "ann" {
			k.t.Error("SESS-1: nobody can sign in")
		}
		return stopped(k.with(before).get("/who").body == "", "without a call of RenewToken the id stays")
	},
	"SESS-2": func(k *kit) outcome {
		lives := func(end func(session string)) bool {
			k.addUser("someone")
			defer k.exec("DELETE FROM user WHERE name = 'someone'")
			k.exec("UPDATE user SET is_admin = TRUE WHERE name = 'someone'")
			session := k.signedIn("someone").cookie("session")
			end(session)
			return k.with(session).get("/who").body == "someone, admin"
		}
		change := func(query string) func(string) { return func(string) { k.exec(query) } }
		return passed(
			part{"sign-out", lives(func(session string) { k.with(session).post("/sign-out", nil) })},
			part{"a new password", lives(change("UPDATE user SET hash = 'another' WHERE name = 'someone'"))},
			part{"another role", lives(change("UPDATE user SET is_admin = FALSE WHERE name = 'someone'"))},
			part{"deletion", lives(change("DELETE FROM user WHERE name = 'someone'"))})
	},
	"SESS-3": func(k *kit) outcome {
		k.signedIn("ben")
		rows, err := k.db.Query("SELECT token FROM sessions")
		if err != nil {
			k.t.Fatal(err)
		}
		defer rows.Close()
		var tokens []string
		for rows.Next() {
			var token string
			if err := rows.Scan(&token); err != nil {
				k.t.Fatal(err)
			}
			tokens = append(tokens, token)
		}
		for _, token := range tokens {
			if k.with(token).get("/who").body == "ben" {
				return outcome{notStopped, "token in the table is the cookie"}
			}
		}
		return outcome{atRun, "what stands in the table is no cookie"}
	},
	"SESS-4": func(k *kit) outcome {
		k.handle("GET /sess-4", func(w http.ResponseWriter, r *http.Request) {
			k.sessions.Put(r.Context(), "currency", r.FormValue("currency"))
		})
		k.handle("GET /sess-4-is", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, k.sessions.GetString(r.Context(), "currency"))
		})
		b := k.browser()
		b.ask("/sess-4", "currency", "EUR")
		return stopped(b.get("/sess-4-is").body != "EUR", "a GET changes the session")
	},
	"PASS-1": func(k *kit) outcome {
		k.exec("UPDATE user SET plain = 'secret of ben' WHERE name = 'ben'")
		k.handle("POST /pass-1", func(w http.ResponseWriter, r *http.Request) {
			var plain string
			if err := k.db.QueryRow("SELECT plain FROM user WHERE name = ?", r.FormValue("name")).Scan(&plain); err != nil || plain != r.FormValue("password") {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
		k.handle("POST /pass-1-keep", func(w http.ResponseWriter, r *http.Request) {
			_, _ = k.db.Exec("UPDATE user SET plain = ? WHERE name = 'ann'", r.FormValue("password"))
			_ = json.NewEncoder(w).Encode(map[string]string{"password": r.FormValue("password")})
		})
		in := k.browser().post("/pass-1", values("name", "ben", "password", "secret of ben")).status
		kept := k.browser().post("/pass-1-keep", values("password", "secret of ann")).body
		return passed(
			part{"compared with ==", in == http.StatusOK},
			part{"in a statement", k.count("SELECT count(*) FROM user WHERE plain = 'secret of ann'") == 1},
			part{"in JSON", strings.Contains(kept, "secret of ann")})
	},
	"PASS-2": func(k *kit) outcome {
		var log strings.Builder
		k.handle("POST /pass-2", func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			slog.New(slog.NewTextHandler(&log, nil)).Warn("sign-in failed", "form", r.Form)
			_ = json.NewEncoder(w).Encode(r.Form)
		})
		got := k.browser().post("/pass-2", values("password", password)).body
		return passed(part{"in the log", strings.Contains(log.String(), password)}, part{"in JSON", strings.Contains(got, password)})
	},
	"AUTH-1": func(k *kit) outcome {
		k.handle("GET /auth-1", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "the members") })
		return stopped(k.browser().get("/auth-1").body != "the members", "a handler without a word is open to all")
	},
	"AUTH-2": func(k *kit) outcome {
		k.handle("GET /auth-2/{id}", func(w http.ResponseWriter, r *http.Request) {
			if id, _, _ := k.user(r); id == 0 {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			k.list(w, "SELECT text FROM note WHERE id = ?", r.PathValue("id"))
		})
		path := fmt.Sprintf("/auth-2/%d", k.count("SELECT id FROM note WHERE text = 'a note of Ben'"))
		return stopped(!strings.Contains(k.signedIn("ann").get(path).body, "a note of Ben"), "WHERE id = ? shows another's")
	},
	"AUTH-3": func(k *kit) outcome {
		k.handle("GET /auth-3-menu", func(w http.ResponseWriter, r *http.Request) {
			if _, _, admin := k.user(r); admin {
				_, _ = io.WriteString(w, `<a href="/auth-3">All users</a>`)
			}
		})
		k.handle("GET /auth-3", func(w http.ResponseWriter, r *http.Request) {
			if id, _, _ := k.user(r); id == 0 {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			_, _ = io.WriteString(w, "the board")
		})
		b := k.signedIn("ann")
		if got := b.get("/auth-3-menu").body; got != "" {
			k.t.Errorf("AUTH-3: the link is shown: %s", got)
		}
		return stopped(b.get("/auth-3").body != "the board", "every user gets in")
	},
	"AUTH-4": func(k *kit) outcome {
		b := k.browser()
		for n := range 30 {
			b.post("/sign-in", values("name", "ben", "password", fmt.Sprint("wrong ", n)))
		}
		b.post("/sign-in", values("name", "ben", "password", password))
		return stopped(b.get("/who").body == "", "thirty wrong passwords, and the right one is still looked at")
	},
	"AUTH-5": noPart("no lock-out that could be turned against the owner"),
	"AUTH-6": func(k *kit) outcome {
		k.handle("POST /sign-up", func(w http.ResponseWriter, r *http.Request) {
			if _, err := k.db.Exec("INSERT INTO user (name) VALUES (?)", r.FormValue("name")); err != nil {
				http.Error(w, "somebody has that name", http.StatusConflict)
			}
		})
		sample := func(path, name string) (int32, answer) {
			before := k.hashes.Load()
			got := k.browser().post(path, values("name", name, "password", "wrong"))
			return k.hashes.Load() - before, got
		}
		knownCost, known := sample("/sign-in", "ann")
		unknownCost, unknown := sample("/sign-in", "nobody")
		_, taken := sample("/sign-up", "ann")
		_, free := sample("/sign-up", "nobody")
		return passed(
			part{"sign-in (words, status)", known.body != unknown.body || known.status != unknown.status},
			part{"sign-in (count of hashes)", knownCost != unknownCost},
			part{"sign-up (words, status)", taken.body != free.body || taken.status != free.status})
	},
	"AUTH-7": func(k *kit) outcome {
		var mails []string
		k.handle("POST /reset", func(w http.ResponseWriter, r *http.Request) {
			token := rand.Text()
			_, _ = k.db.Exec("INSERT INTO reset (token, user, made) SELECT ?, id, ? FROM user WHERE name = ?", token, time.Now().Unix(), r.FormValue("name"))
			mails = append(mails, "https://"+r.Host+"/reset/"+token)
		})
		k.handle("POST /reset/{token}", func(w http.ResponseWriter, r *http.Request) {
			var user int
			if err := k.db.QueryRow("SELECT user FROM reset WHERE token = ?", r.PathValue("token")).Scan(&user); err != nil {
				http.NotFound(w, r)
				return
			}
			_, _ = k.db.Exec("UPDATE user SET hash = ? WHERE id = ?", "hash of "+r.FormValue("password"), user)
		})
		k.addUser("forgetful")
		b := k.browser()
		b.post("/reset", values("name", "forgetful"), "Host", "evil.example")
		evil := len(mails) > 0
		b.post("/reset", values("name", "forgetful"))
		path := strings.TrimPrefix(mails[len(mails)-1], origin)
		use := func() bool { return b.post(path, values("password", "another")).status == http.StatusOK }
		if !use() {
			k.t.Error("AUTH-7: the link does not work")
		}
		twice := use()
		k.exec("UPDATE reset SET made = made - 4 * 86400")
		return passed(part{"twice", twice}, part{"another Host", evil}, part{"after 4 days", use()})
	},
	"AUTH-8": func(k *kit) outcome {
		got := httptest.NewRecorder()
		k.handler.ServeHTTP(got, httptest.NewRequest(http.MethodGet, "http://"+host+"/form", nil))
		return stopped(got.Code == http.StatusMovedPermanently && strings.HasPrefix(got.Header().Get("Location"), "https://"), "unrolled/secure leads to https")
	},
}
