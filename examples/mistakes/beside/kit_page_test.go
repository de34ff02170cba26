package beside_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/justinas/nosurf"
	"github.com/unrolled/secure"
	"golang.org/x/net/html"
)

// What the page prints.
var kitPage = map[string]func(*kit) outcome{
	"XSS-1": func(k *kit) outcome {
		k.handle("GET /xss-1", func(w http.ResponseWriter, r *http.Request) {
			_ = show(w, `<p>{{.}}</p><p title="{{.}}">title</p><a href="/find?q={{.}}">again</a><script type="application/json">{{.}}</script>`, r.FormValue("value"))
		})
		if got := k.browser().ask("/xss-1", "value", "honest & sound").body; !strings.Contains(got, "honest &amp; sound") {
			k.t.Errorf("XSS-1 does not work: %s", got)
		}
		for _, value := range []string{"<mq>", `"><mq>`, "'><mq>", `" onmq="1`, "</script><mq>", "</title><mq>", "--><mq>"} {
			if planted(k.browser().ask("/xss-1", "value", value).body) {
				return outcome{notStopped, value}
			}
		}
		return outcome{atRun, "escaped in text, attribute, address and a script of JSON"}
	},
	"XSS-9": func(k *kit) outcome {
		k.handle("GET /xss-9", func(w http.ResponseWriter, r *http.Request) {
			_ = show(w, `<script>go("{{.}}")</script><button onclick="go('{{.}}')">Go</button><style>p { color: {{.}} }</style><iframe srcdoc="{{.}}"></iframe><p {{.}}>a name</p>`, r.FormValue("value"))
		})
		ask := func(value string) (answer, map[string]map[string]string) {
			got := k.browser().ask("/xss-9", "value", value)
			return got, elements(got.body)
		}
		script, _ := ask(`");alert(1)//`)
		handler, inHandler := ask(`');alert(1)//`)
		style, _ := ask("red; background: url(//evil.example)")
		_, inStyle, _ := strings.Cut(style.body, "<style>")
		inStyle, _, _ = strings.Cut(inStyle, "</style>")
		srcdoc, inSrcdoc := ask("<script>alert(1)</script>")
		_, inName := ask("onmq=1")
		_, named := inName["p"]["onmq"]
		return passed(
			part{"a script", strings.Contains(script.body, `go("");alert(1)//`) && inlineRuns(script)},
			part{"an event handler", inHandler["button"]["onclick"] == "go('');alert(1)//')" && inlineRuns(handler)},
			part{"a style", strings.Contains(inStyle, "url(//evil.example)")},
			part{"srcdoc", strings.Contains(inSrcdoc["iframe"]["srcdoc"], "<script>") && inlineRuns(srcdoc)},
			part{"the name of an attribute", named})
	},
	"XSS-2": func(k *kit) outcome {
		k.handle("GET /xss-2", func(w http.ResponseWriter, r *http.Request) {
			_ = show(w, "<p>{{.}}</p>", template.HTML(r.FormValue("value")))
		})
		return k.script("/xss-2", "in template.HTML")
	},
	"XSS-3": func(k *kit) outcome {
		k.handle("GET /xss-3", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "<h1>Hello %s</h1>", r.FormValue("value"))
		})
		return k.script("/xss-3", "by Fprintf")
	},
	"XSS-4": func(k *kit) outcome {
		k.handle("GET /xss-4", func(w http.ResponseWriter, r *http.Request) {
			_ = show(w, `<button onclick="go()" style="color: red">Go</button>`, nil)
		})
		got := k.browser().get("/xss-4")
		button := elements(got.body)["button"]
		return byPolicy(got, "onclick",
			part{"onclick", button["onclick"] != "" && inlineRuns(got)},
			part{"style", button["style"] != "" && !strings.Contains(got.header.Get("Content-Security-Policy"), "style-src")})
	},
	"XSS-5": func(k *kit) outcome {
		k.handle("GET /xss-5-constant", func(w http.ResponseWriter, r *http.Request) { _ = show(w, `<a href="javascript:go()">Go</a>`, nil) })
		k.handle("GET /xss-5", func(w http.ResponseWriter, r *http.Request) {
			var link string
			_ = k.db.QueryRow("SELECT link FROM note WHERE author = 'Eve'").Scan(&link)
			_ = show(w, `<a href="{{.}}">Eve's</a>`, link)
		})
		constant, data := k.browser().get("/xss-5-constant"), k.browser().get("/xss-5")
		return byPolicy(constant, "the constant",
			part{"a constant", elements(constant.body)["a"]["href"] == "javascript:go()" && inlineRuns(constant)},
			part{"data", elements(data.body)["a"]["href"] == "javascript:alert(1)"})
	},
	"XSS-6": func(k *kit) outcome {
		k.handle("GET /xss-6", func(w http.ResponseWriter, r *http.Request) {
			_ = show(w, `<script nonce="{{.}}" src="https://cdn.example/chart.js"></script>`, secure.CSPNonce(r.Context()))
		})
		got := k.browser().get("/xss-6")
		script := elements(got.body)["script"]
		allowed := strings.Contains(got.header.Get("Content-Security-Policy"), "'nonce-"+script["nonce"]+"'")
		return stopped(script["integrity"] != "" || !allowed, "with the nonce of the policy it is loaded without integrity")
	},
	"XSS-7": func(k *kit) outcome {
		k.handle("POST /xss-7", k.upload)
		k.handle("GET /xss-7/{name}", func(w http.ResponseWriter, r *http.Request) {
			http.ServeFile(w, r, filepath.Join(k.uploads(), filepath.Base(r.PathValue("name"))))
		})
		runs := func(name, source string) bool {
			b := k.browser()
			b.sendFile("/xss-7", name, "image/png", []byte(source))
			got := b.get("/xss-7/" + name)
			if got.body != source {
				k.t.Errorf("XSS-7: %s was not kept: %s", name, got.body)
			}
			kind := got.header.Get("Content-Type")
			return (strings.HasPrefix(kind, "image/svg+xml") || strings.HasPrefix(kind, "text/html")) && got.header.Get("Content-Disposition") == "" && inlineRuns(got)
		}
		svg := runs("a.svg", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
		page := runs("a.html", "<script>alert(1)</script>")
		return byPolicy(k.browser().get("/xss-7/a.svg"), "both", part{"SVG", svg}, part{"HTML", page})
	},
	"XSS-8": func(k *kit) outcome {
		k.handle("GET /xss-8", func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]string{"text": r.FormValue("value")})
		})
		got := k.browser().ask("/xss-8", "value", "<script>alert(1)</script>")
		kind := got.header.Get("Content-Type")
		return stopped(!strings.HasPrefix(kind, "text/html") && got.header.Get("X-Content-Type-Options") == "nosniff", "sent as text/plain, with < escaped and nosniff")
	},
	"PAGE-1": func(k *kit) outcome {
		var failed error
		k.handle("GET /page-1", func(w http.ResponseWriter, r *http.Request) {
			if failed = show(w, "<p>{{.Text}} by {{.Autor}}.</p>", struct{ Text, Author string }{"a note", "Ann"}); failed != nil {
				http.Error(w, "failed", http.StatusInternalServerError)
			}
		})
		k.browser().get("/page-1")
		return stopped(failed != nil, "Execute fails when the page is asked for")
	},
	"PAGE-2": func(k *kit) outcome {
		k.handle("GET /page-2", func(w http.ResponseWriter, r *http.Request) {
			if err := show(w, "<p>{{.Text}}</p><p>{{.Broken}}</p>", broken{"a note of Ann"}); err != nil {
				http.Error(w, "failed", http.StatusInternalServerError)
			}
		})
		got := k.browser().get("/page-2")
		return stopped(!strings.Contains(got.body, "a note of Ann"), fmt.Sprintf("half of the page is sent, with status %d", got.status))
	},
	"FRAME-1": func(k *kit) outcome {
		k.handle("GET /frame-1", func(w http.ResponseWriter, r *http.Request) { _ = show(w, "<p>framed</p>", nil) })
		return stopped(k.browser().get("/frame-1").header.Get("X-Frame-Options") == "DENY", "unrolled/secure: X-Frame-Options: DENY on every answer")
	},
	"CACHE-1": func(k *kit) outcome {
		k.handle("GET /cache-1", func(w http.ResponseWriter, r *http.Request) {
			id, _, _ := k.user(r)
			k.list(w, "SELECT text FROM note WHERE owner = ?", id)
		})
		got := k.signedIn("ann").get("/cache-1")
		if !strings.Contains(got.body, "a note of Ann") {
			k.t.Errorf("CACHE-1 does not work: %s", got.body)
		}
		return stopped(strings.Contains(got.header.Get("Cache-Control"), "no-store"), "no Cache-Control; Vary: Cookie")
	},
}

type broken struct{ Text string }

// Broken fails as a call to a database does.
func (broken) Broken() (string, error) { return "", errors.New("half-way") }

// script is the outcome of a page that prints a script.
func (k *kit) script(path, how string) outcome {
	const value = "<script>alert(1)</script>"
	got := k.browser().ask(path, "value", value)
	switch stands := strings.Contains(got.body, value) && strings.HasPrefix(got.header.Get("Content-Type"), "text/html"); {
	case !stands:
		return outcome{atRun, "the script does not stand in the page"}
	case !inlineRuns(got):
		return outcome{atRun, "the script stands in the page " + how + ", and the policy of unrolled/secure forbids it"}
	}
	return outcome{notStopped, "the script stands in the page " + how}
}

// byPolicy is [passed], and says what was stopped by a policy alone.
func byPolicy(a answer, what string, parts ...part) outcome {
	o := passed(parts...)
	if !inlineRuns(a) {
		o.Words += "; " + what + " by the policy of unrolled/secure"
	}
	return o
}

// inlineRuns reports whether an answer lets a script inside the page run.
func inlineRuns(a answer) bool {
	for directive := range strings.SplitSeq(a.header.Get("Content-Security-Policy"), ";") {
		if name, sources, _ := strings.Cut(strings.TrimSpace(directive), " "); name == "script-src" || name == "default-src" {
			return strings.Contains(sources, "'unsafe-inline'")
		}
	}
	return true
}

// elements returns the attributes of the first element of each name, as a browser reads them.
func elements(page string) map[string]map[string]string {
	all := make(map[string]map[string]string)
	for z := html.NewTokenizer(strings.NewReader(page)); z.Next() != html.ErrorToken; {
		t := z.Token()
		if t.Type != html.StartTagToken && t.Type != html.SelfClosingTagToken || all[t.Data] != nil {
			continue
		}
		all[t.Data] = make(map[string]string)
		for _, a := range t.Attr {
			all[t.Data][a.Key] = a.Val
		}
	}
	return all
}

// planted reports whether an element mq or an attribute onmq has come of a value.
func planted(page string) bool {
	for z := html.NewTokenizer(strings.NewReader(page)); z.Next() != html.ErrorToken; {
		t := z.Token()
		if t.Data == "mq" && t.Type == html.StartTagToken {
			return true
		}
		for _, a := range t.Attr {
			if a.Key == "onmq" {
				return true
			}
		}
	}
	return false
}

// upload keeps a file by the name that the browser gave it.
func (k *kit) upload(w http.ResponseWriter, r *http.Request) {
	file, head, err := r.FormFile("file")
	if err != nil {
		http.Error(w, "no file", http.StatusBadRequest)
		return
	}
	defer file.Close()
	out, err := os.Create(filepath.Join(k.uploads(), head.Filename))
	if err != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	}
	defer out.Close()
	n, _ := io.Copy(out, file)
	fmt.Fprintf(w, "%s, %s, %d bytes", head.Filename, head.Header.Get("Content-Type"), n)
}

// token is what a template of the kit prints into its forms.
func token(r *http.Request) string { return nosurf.Token(r) }
