package beside_test

import (
	"encoding/csv"
	"fmt"
	"html/template"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Injection.
var kitInject = map[string]func(*kit) outcome{
	"SQL-1": func(k *kit) outcome {
		k.handle("GET /sql-1", func(w http.ResponseWriter, r *http.Request) {
			k.list(w, "SELECT text FROM note WHERE author = '"+r.FormValue("author")+"'")
		})
		return stopped(!k.seesOthers("/sql-1", "author", "Ann", "x' OR '1'='1"), "a joined text shows the rows of all")
	},
	"SQL-2": func(k *kit) outcome {
		k.handle("GET /sql-2", func(w http.ResponseWriter, r *http.Request) {
			k.list(w, fmt.Sprintf("SELECT text FROM note WHERE owner > 0 ORDER BY %s", r.FormValue("sort")))
		})
		const oracle = "(CASE WHEN (SELECT count(*) FROM user WHERE hash <> '') = %d THEN id ELSE -id END)"
		yes := k.browser().ask("/sql-2", "sort", fmt.Sprintf(oracle, k.count("SELECT count(*) FROM user"))).body
		no := k.browser().ask("/sql-2", "sort", fmt.Sprintf(oracle, 99)).body
		return stopped(yes == no || !strings.Contains(yes, "a note of Ann"), "the order tells what is in other tables")
	},
	"SQL-3": func(k *kit) outcome {
		k.handle("GET /sql-3", func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			k.list(w, "SELECT text FROM note WHERE id IN ("+strings.Join(r.Form["id"], ",")+")")
		})
		return stopped(!k.seesOthers("/sql-3", "id", "1", "0) OR (1=1"), "a joined list shows the rows of all")
	},
	"SQL-4": func(k *kit) outcome {
		k.handle("GET /sql-4", func(w http.ResponseWriter, r *http.Request) {
			_, _ = k.db.Exec("DELETE FROM note WHERE id = ?", r.FormValue("id"))
		})
		return stopped(!k.deleted("/sql-4"), "a GET deletes a row")
	},
	"SQL-5": func(k *kit) outcome {
		k.handle("GET /sql-5", func(w http.ResponseWriter, r *http.Request) {
			k.list(w, "DELETE FROM note WHERE id = ? RETURNING text", r.FormValue("id"))
		})
		return stopped(!k.deleted("/sql-5"), "a GET that asks by DELETE … RETURNING deletes")
	},
	"SQL-6": func(k *kit) outcome {
		k.handle("GET /sql-6-column", func(w http.ResponseWriter, r *http.Request) {
			k.list(w, "SELECT text FROM note WHERE auther = ?", "Ann")
		})
		k.handle("GET /sql-6-row", func(w http.ResponseWriter, r *http.Request) { k.list(w, "SELECT text, author FROM note") })
		k.handle("GET /sql-6-arguments", func(w http.ResponseWriter, r *http.Request) {
			k.list(w, "SELECT text FROM note WHERE author = ? AND text = ?", "Ann")
		})
		for _, path := range []string{"/sql-6-column", "/sql-6-row", "/sql-6-arguments"} {
			if k.browser().get(path).status != http.StatusInternalServerError {
				return outcome{notStopped, path}
			}
		}
		return outcome{atRun, "the page fails when it is asked for"}
	},
	"SQL-7": func(k *kit) outcome {
		k.handle("GET /sql-7", func(w http.ResponseWriter, r *http.Request) { k.list(w, "SELECT text FROM note") })
		k.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO note (author, text) SELECT 'Many', 'one of many' FROM n")
		defer k.exec("DELETE FROM note WHERE author = 'Many'")
		return stopped(strings.Count(k.browser().get("/sql-7").body, "one of many") < 2000, "a page of all rows, 2000 of them")
	},
	"SQL-8": noPart("no type of constant texts to launder one into: SQL-1"),
	"CMD-1": func(k *kit) outcome {
		k.handle("GET /cmd-1", func(w http.ResponseWriter, r *http.Request) {
			out, _ := exec.Command("sh", "-c", "echo "+r.FormValue("name")).Output()
			_, _ = w.Write(out)
		})
		return stopped(!k.leaves("/cmd-1", "name", "x; touch '%s'"), "sh -c runs a second command")
	},
	"CMD-2": func(k *kit) outcome {
		k.handle("GET /cmd-2", func(w http.ResponseWriter, r *http.Request) {
			_ = exec.Command(r.FormValue("tool"), filepath.Join(k.dir, "cmd-2")).Run()
		})
		k.browser().ask("/cmd-2", "tool", "touch")
		return stopped(!there(filepath.Join(k.dir, "cmd-2")), "exec.Command runs the program that was asked for")
	},
	"CMD-3": func(k *kit) outcome {
		k.handle("GET /cmd-3", func(w http.ResponseWriter, r *http.Request) {
			out, _ := exec.Command("sort", r.FormValue("file")).Output()
			_, _ = w.Write(out)
		})
		return stopped(!k.leaves("/cmd-3", "file", "--output=%s"), "sort takes the name of a file for --output")
	},
	"KV-1":   noPart("no client of a key-value store"),
	"KV-2":   noPart("no client of a key-value store"),
	"LDAP-1": noPart("no client of a directory"),
	"URL-1": func(k *kit) outcome {
		inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "the inside of the network") }))
		defer inside.Close()
		k.handle("GET /url-1", func(w http.ResponseWriter, r *http.Request) {
			got, err := http.Get(r.FormValue("url"))
			if err != nil {
				http.Error(w, "failed", http.StatusBadGateway)
				return
			}
			defer got.Body.Close()
			_, _ = io.Copy(w, got.Body)
		})
		return stopped(k.browser().ask("/url-1", "url", inside.URL).body != "the inside of the network", "http.Get fetches from loopback")
	},
	"PATH-1": func(k *kit) outcome {
		k.handle("GET /path-1", func(w http.ResponseWriter, r *http.Request) {
			http.ServeFile(w, r, filepath.Join(k.uploads(), r.FormValue("name")))
		})
		words := "http.ServeFile(join(…, input)) reads ../"
		if root, err := os.OpenRoot(k.uploads()); err == nil {
			if _, err := root.Open("../secret.txt"); err != nil {
				words += "; os.Root refuses it"
			}
			_ = root.Close()
		}
		return stopped(k.browser().ask("/path-1", "name", "../secret.txt").body != "outside of the uploads", words)
	},
	"MAIL-1": func(k *kit) outcome {
		server := newPost(k.t)
		k.handle("POST /mail-1", func(w http.ResponseWriter, r *http.Request) {
			text := fmt.Sprintf("To: %s\r\nSubject: %s\r\n\r\nHello.\r\n", r.FormValue("to"), r.FormValue("subject"))
			if err := smtp.SendMail(server.addr, nil, "shop@shop.example.com", []string{r.FormValue("to")}, []byte(text)); err != nil {
				http.Error(w, "failed", http.StatusBadGateway)
			}
		})
		b := k.browser()
		injected := func(subject, to string) bool {
			b.post("/mail-1", values("subject", subject, "to", to))
			return strings.Contains(server.taken(), "\r\nBcc: eve@")
		}
		b.post("/mail-1", values("subject", "Hello", "to", "ann@shop.example.com"))
		if !strings.Contains(server.taken(), "Subject: Hello\r\n") {
			k.t.Error("MAIL-1: an honest mail is not sent")
		}
		return passed(
			part{"the subject", injected("Hello\r\nBcc: eve@evil.example", "ann@shop.example.com")},
			part{"the recipient", injected("Hello", "ann@shop.example.com\r\nBcc: eve@evil.example")})
	},
	"HDR-1": func(k *kit) outcome {
		k.handle("GET /hdr-1", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Name", r.FormValue("name")) })
		k.handle("GET /hdr-1-redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/find?q="+r.FormValue("name"), http.StatusSeeOther)
		})
		for _, path := range []string{"/hdr-1", "/hdr-1-redirect"} {
			got := k.browser().ask(path, "name", "Ann\r\nX-Planted: 1")
			if got.status == 0 || got.header.Get("X-Planted") != "" {
				return outcome{notStopped, path}
			}
		}
		return outcome{atRun, "net/http writes spaces for line breaks"}
	},
	"LOG-1": func(k *kit) outcome {
		const planted = "eve\ntime=2026 msg=\"sign-in of ann failed\"\x1b[2J"
		write := func(f func(name string, to io.Writer)) bool {
			log := quiet(func(to io.Writer) { f(planted, to) })
			return strings.Contains(log, "\ntime=2026") || strings.Contains(log, "\x1b")
		}
		words := "slog quotes it"
		if write(func(name string, to io.Writer) { log.New(to, "", 0).Printf("sign-in of %s failed", name) }) {
			words += "; log.Printf would write the line that was planted"
		}
		return stopped(!write(func(name string, to io.Writer) {
			slog.New(slog.NewTextHandler(to, nil)).Warn("sign-in failed", "name", name)
		}), words)
	},
	"TPL-1": func(k *kit) outcome {
		k.handle("POST /tpl-1", func(w http.ResponseWriter, r *http.Request) {
			layout, err := template.New("").Parse(r.FormValue("layout"))
			if err != nil {
				http.Error(w, "failed", http.StatusBadRequest)
				return
			}
			_ = layout.Execute(w, struct{ Name, Hash string }{"ann", "the hash of a password"})
		})
		return stopped(!strings.Contains(k.browser().post("/tpl-1", values("layout", "{{.Hash}}")).body, "the hash"), "template.Parse(input) prints the hash of a password")
	},
	"CSV-1": func(k *kit) outcome {
		k.handle("GET /csv-1", func(w http.ResponseWriter, r *http.Request) {
			var author, text string
			_ = k.db.QueryRow("SELECT author, text FROM note WHERE author = 'Eve'").Scan(&author, &text)
			w.Header().Set("Content-Type", "text/csv")
			out := csv.NewWriter(w)
			_ = out.Write([]string{author, text})
			out.Flush()
		})
		return stopped(!strings.Contains(k.browser().get("/csv-1").body, "Eve,=1+1"), "encoding/csv writes =1+1 as it is")
	},
}

// seesOthers reports whether a page shows Ben's note to who may see Ann's.
func (k *kit) seesOthers(path, name, honest, attack string) bool {
	if got := k.browser().ask(path, name, honest).body; !strings.Contains(got, "a note of Ann") || strings.Contains(got, "a note of Ben") {
		k.t.Errorf("%s does not work: %s", path, got)
	}
	return strings.Contains(k.browser().ask(path, name, attack).body, "a note of Ben")
}

// deleted reports whether a GET deletes a row.
func (k *kit) deleted(path string) bool {
	k.exec("INSERT INTO note (id, author, text) VALUES (1000, 'Gone', 'to be deleted')")
	k.browser().ask(path, "id", "1000")
	left := k.count("SELECT count(*) FROM note WHERE id = 1000")
	k.exec("DELETE FROM note WHERE id = 1000")
	return left == 0
}

// leaves reports whether a GET leaves a file, which the value names by %s.
func (k *kit) leaves(path, name, value string) bool {
	file := filepath.Join(k.dir, path[1:])
	k.browser().ask(path, name, strings.ReplaceAll(value, "%s", file))
	return there(file)
}

func there(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
