package beside_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// Forms and state.
var kitForms = map[string]func(*kit) outcome{
	"CSRF-1": func(k *kit) outcome {
		k.handle("POST /csrf-1", k.add("CSRF-1"))
		refused := k.signedIn("ann").forge("/csrf-1", values("text", "hello"), "Sec-Fetch-Site", "same-origin", "Origin", origin)
		return stopped(k.written("CSRF-1") == 0 && refused.status == http.StatusBadRequest, "nosurf refuses the form: 400")
	},
	"CSRF-2": func(k *kit) outcome {
		k.handle("GET /csrf-2", func(w http.ResponseWriter, r *http.Request) {
			_ = show(w, `<form method="post" action="https://pay.example/order"><input type="hidden" name="csrf_token" value="{{.}}"><button>Pay</button></form>`, token(r))
		})
		got := k.signedIn("ann").get("/csrf-2")
		given := elements(got.body)["input"]["value"] != "" && !strings.Contains(got.header.Get("Content-Security-Policy"), "form-action")
		return stopped(!given, "the token stands in the form that goes elsewhere")
	},
	"CSRF-3": func(k *kit) outcome {
		k.handle("GET /csrf-3", func(w http.ResponseWriter, r *http.Request) {
			_, _ = k.db.Exec("DELETE FROM note WHERE id = ?", r.FormValue("id"))
			http.Redirect(w, r, "/", http.StatusSeeOther)
		})
		return stopped(!k.deleted("/csrf-3"), "the link deletes")
	},
	"CSRF-4": func(k *kit) outcome {
		k.handle("POST /csrf-4", k.add("CSRF-4"))
		eve := k.browser()
		hers := eve.get("/form").body
		for _, headers := range [][]string{
			{}, {"Origin", "https://evil.example"}, {"Origin", "null"}, {"Referer", "https://evil.example/"},
			{"Origin", "https://cdn." + host, "Referer", "https://cdn." + host + "/", "Sec-Fetch-Site", "same-site"},
		} {
			for _, plants := range []bool{false, true} { // a sub-domain can plant a cookie that fits its form
				b := k.signedIn("ann")
				if plants {
					b.setCookie("csrf_token", eve.cookie("csrf_token"))
				}
				b.forge("/csrf-4", values("text", "forged", "csrf_token", hers), headers...)
			}
		}
		forged := k.written("CSRF-4")
		if k.signedIn("ann").post("/csrf-4", values("text", "honest")); k.written("CSRF-4") != forged+1 {
			k.t.Error("CSRF-4: an honest form is not taken")
		}
		return stopped(forged == 0, "nosurf refuses ten forged posts, a planted cookie among them: 400")
	},
	"CSRF-5": func(k *kit) outcome {
		b := k.browser()
		b.forge("/sign-in", values("name", "ben", "password", password), "Origin", "https://evil.example")
		return stopped(b.get("/who").body == "", "nosurf is around every form")
	},
	"CSRF-6": func(k *kit) outcome {
		k.csrf.ExemptPath("/csrf-6")
		k.handle("POST /csrf-6", k.add("CSRF-6"))
		k.signedIn("ann").forge("/csrf-6", values("text", "forged"), "Origin", "https://evil.example")
		return stopped(k.written("CSRF-6") == 0, "ExemptPath asks for no reason")
	},
	"MASS-1": func(k *kit) outcome {
		type row struct {
			Name    string `json:"name"`
			IsAdmin bool   `json:"is_admin"`
		}
		return stopped(!gets[row](k, "/mass-1", func(u row) (string, bool) { return u.Name, u.IsAdmin }), "JSON decoded into the row takes is_admin")
	},
	"MASS-2": func(k *kit) outcome {
		type form struct {
			Name string `json:"name"`
		}
		return stopped(!gets[form](k, "/mass-2", func(f form) (string, bool) { return f.Name, false }), "a struct of its own ignores is_admin")
	},
	"MASS-3": func(k *kit) outcome {
		type row struct {
			ID      int    `json:"-"`
			Name    string `json:"name"`
			IsAdmin bool   `json:"is_admin"` // came later
		}
		return stopped(!gets[row](k, "/mass-3", func(u row) (string, bool) { return u.Name, u.IsAdmin }), "with json:\"-\" on what is not for visitors, the column that came later is taken")
	},
	"FORM-1": func(k *kit) outcome {
		k.handle("POST /form-1-text", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, len(r.FormValue("text"))) })
		k.handle("POST /form-1", k.upload)
		b := k.browser()
		return passed(
			part{"FormValue with 1 MB", b.post("/form-1-text", values("text", strings.Repeat("x", 1_000_000))).body == "1000000"},
			part{"FormFile with 20 MB of a program", strings.Contains(b.sendFile("/form-1", "a.exe", "application/x-msdownload", make([]byte, 20_000_000)).body, "20000000 bytes")})
	},
	"FORM-2": func(k *kit) outcome {
		k.handle("GET /form-2", func(w http.ResponseWriter, r *http.Request) {
			_ = show(w, `<form method="get"><input type="password" name="password" value="{{.}}"><button>Sign in</button></form>`, r.FormValue("password"))
		})
		page := elements(k.browser().ask("/form-2", "password", password).body)
		return passed(
			part{"a password field in a GET form", page["form"]["method"] == "get" && page["input"]["type"] == "password"},
			part{"a password echoed", page["input"]["value"] == password})
	},
	"FORM-3": func(k *kit) outcome {
		k.handle("POST /form-3", k.add("FORM-3"))
		b := k.signedIn("ann")
		for range 2 {
			b.post("/form-3", values("text", "one order"))
		}
		if k.written("FORM-3") == 0 {
			k.t.Error("FORM-3: the order is not taken")
		}
		return stopped(k.written("FORM-3") == 1, "two rows")
	},
	"FORM-4": func(k *kit) outcome {
		k.handle("POST /form-4", func(w http.ResponseWriter, r *http.Request) {
			_, err := k.db.Exec("INSERT INTO note (author, text) VALUES ('FORM-4', 'taken from one account')")
			if err == nil {
				_, err = k.db.Exec("INSERT INTO note (author, text) VALUES ('FORM-4', NULL)") // given to the other
			}
			if err != nil {
				http.Error(w, "failed", http.StatusInternalServerError)
			}
		})
		if got := k.browser().post("/form-4", nil).status; got != http.StatusInternalServerError {
			k.t.Errorf("FORM-4: status %d", got)
		}
		return stopped(k.written("FORM-4") == 0, "the first half stays: a transaction has to be begun")
	},
}

// add is a handler that keeps the text of a form.
func (k *kit) add(author string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := k.db.Exec("INSERT INTO note (author, text) VALUES (?, ?)", author, r.FormValue("text")); err != nil {
			http.Error(w, "failed", http.StatusInternalServerError)
		}
	}
}

func (k *kit) written(author string) int {
	return k.count("SELECT count(*) FROM note WHERE author = ?", author)
}

// gets reports whether a handler that decodes a T makes Ann an administrator.
func gets[T any](k *kit, path string, of func(T) (string, bool)) bool {
	k.handle("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var in T
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, "failed", http.StatusBadRequest)
			return
		}
		id, _, _ := k.user(r)
		name, admin := of(in)
		_, _ = k.db.Exec("UPDATE user SET name = ?, is_admin = ? WHERE id = ?", name, admin, id)
	})
	k.signedIn("ann").send(path, "application/json", strings.NewReader(`{"name": "renamed", "is_admin": true}`))
	if k.count("SELECT count(*) FROM user WHERE name = 'renamed'") != 1 {
		k.t.Errorf("%s does not work", path)
	}
	admin := k.count("SELECT count(*) FROM user WHERE name = 'renamed' AND is_admin")
	k.exec("UPDATE user SET name = 'ann', is_admin = FALSE WHERE name = 'renamed'")
	return admin == 1
}

// values are the fields of a form, as pairs.
func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// sendFile posts one file, of the type that the browser says.
func (b *browser) sendFile(path, name, kind string, data []byte) answer {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	head := textproto.MIMEHeader{"Content-Type": {kind}}
	head.Set("Content-Disposition", fmt.Sprintf(`form-data; name="file"; filename=%q`, name))
	part, err := w.CreatePart(head)
	if err == nil {
		_, err = part.Write(data)
	}
	if err != nil {
		b.k.t.Fatal(err)
	}
	_ = w.Close()
	return b.send(path, w.FormDataContentType(), &body)
}
