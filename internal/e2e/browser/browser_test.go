package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/browser"
)

func TestMain(m *testing.M) { browser.Main(m) }

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// serve serves pages by path, each under the strict policy, and two files.
func serve(t *testing.T, pages map[string]string) string {
	t.Helper()
	mux := http.NewServeMux()
	for path, body := range pages {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, body)
		})
	}
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /missing.png", http.NotFound)
	mux.HandleFunc("GET /site.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		fmt.Fprint(w, ":root { color-scheme: light dark } .low { color: #767676 } @media (prefers-color-scheme: dark) { .low { color: #333; background: #222 } } .wide { width: 900px }")
	})
	mux.HandleFunc("GET /mark.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, "document.querySelector('h1').textContent += ' with script'")
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "__Host-club-session", Value: "v", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		if r.FormValue("name") == "" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, "<!DOCTYPE html><html lang=en><title>Error: Name</title><body><main><h1>Name is missing</h1></main></body></html>")
			return
		}
		http.Redirect(w, r, "/hello?"+r.FormValue("name")+","+r.FormValue("colour"), http.StatusSeeOther)
	})
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	return site.URL
}

const good = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Good</title><link rel="stylesheet" href="/site.css"></head>
<body><main><h1>Good</h1><form method="post" action="/">
<p><label for="name">Name</label> <input id="name" name="name" autocomplete="name" value="old"></p>
<p><label for="colour">Colour</label> <select id="colour" name="colour"><option>red</option><option>blue</option></select></p>
<p><button>Send</button></p></form></main><script src="/mark.js"></script></body>
</html>`

const bad = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Bad</title><link rel="stylesheet" href="/site.css"></head>
<body><main><h1>Bad</h1>
<img src="/missing.png">
<button></button>
<p class="low">Hard to read in the dark</p>
<p class="wide">Wide</p>
<p style="color: red">Styled</p>
<p onclick="alert(1)">Scripted</p>
<img src="https://elsewhere.example/x.png" alt="">
<script>document.title = 'Owned'</script>
</main></body>
</html>`

func TestGoodPageHasNoFaults(t *testing.T) {
	t.Parallel()
	tab := browser.Open(t)
	tab.Go(serve(t, map[string]string{"/{$}": good}) + "/")
	for _, fault := range tab.Faults() {
		t.Error(fault)
	}
}

func TestBadPageHasItsFaults(t *testing.T) {
	t.Parallel()
	tab := browser.Open(t)
	tab.Go(serve(t, map[string]string{"/{$}": bad}) + "/")
	faults := tab.Faults()
	for _, want := range []string{
		"320 light: axe button-name",
		"320 light: axe image-alt",
		"320 dark: axe color-contrast",
		"320 light: scrolls sideways: 9",
		`<p class="wide">`,
		"policy: style-src-attr blocked inline",
		"policy: script-src-attr blocked inline",
		"policy: script-src-elem blocked inline",
		"policy: img-src blocked https://elsewhere.example/x.png",
		"console: Failed to load resource: the server responded with a status of 404",
	} {
		if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, want) }) {
			t.Errorf("no fault says %q", want)
		}
	}
	for _, f := range faults {
		if strings.HasPrefix(f, "320 light: axe color-contrast") || strings.HasPrefix(f, "1280") {
			t.Errorf("got %q, want it only narrow and dark", f)
		}
		t.Log(f)
	}
	if title := tab.Title(); title != "Bad" {
		t.Errorf("title %q: the inline script ran", title)
	}
	if again := append(tab.Errors(), fmt.Sprint(tab.Violations())); len(again) != 1 || again[0] != "[]" {
		t.Errorf("got %q, want what was told once to be gone", again)
	}
}

// Every flow must work without scripts, so the harness must too.
func TestFormWithAndWithoutScript(t *testing.T) {
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script %t", script), func(t *testing.T) {
			t.Parallel()
			tab := browser.Open(t)
			tab.Script(script)
			if a := tab.Go(serve(t, map[string]string{"/{$}": good, "/hello": good}) + "/"); a.Status != 200 || a.Header.Get("Content-Security-Policy") != policy {
				t.Errorf("got %d and policy %q", a.Status, a.Header.Get("Content-Security-Policy"))
			}
			if got, want := tab.Text("h1"), map[bool]string{true: "Good with script", false: "Good"}[script]; got != want {
				t.Errorf("heading %q, want %q", got, want)
			}
			if got := tab.Value("#name"); got != "old" {
				t.Errorf("the field holds %q, want old", got)
			}
			tab.Type("#name", "ann")
			tab.Choose("#colour", "blue")
			if a := tab.Follow("button"); a.Status != 200 || !strings.HasSuffix(a.URL, "/hello?ann,blue") || tab.URL() != a.URL {
				t.Errorf("got %d at %s, tab at %s", a.Status, a.URL, tab.URL())
			}
			cookies := tab.Cookies()
			if len(cookies) != 1 || cookies[0] != (browser.Cookie{Name: "__Host-club-session", Value: "v", Domain: "127.0.0.1", Path: "/", Secure: true, HTTPOnly: true, SameSite: "Lax"}) {
				t.Errorf("cookies %+v", cookies)
			}
			tab.Back()
			tab.Type("#name", "")
			if a := tab.Follow("button"); a.Status != 422 || tab.Text("h1") != "Name is missing" {
				t.Errorf("got %d %q, want 422", a.Status, tab.Text("h1"))
			}
			if script {
				for _, fault := range tab.Errors() { // a page's own status is no console error
					t.Error(fault)
				}
			}
		})
	}
}

// Chromium 156 may keep a page in its back-forward cache although it is no-store (it often did in these tests), until one of
// the site's cookies changes: what a visitor saw while signed in must be asked for again once signing out has cleared the
// cookie.
func TestBackToAPageThatIsNotStored(t *testing.T) {
	for _, c := range []struct {
		name, second string
		mayKeep      bool
	}{
		{"cookies stay", "/second", true},
		{"a cookie is cleared", "/out", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			mux := http.NewServeMux()
			mux.HandleFunc("GET /{page}", func(w http.ResponseWriter, r *http.Request) {
				cookie := http.Cookie{Name: "__Host-session", Value: "v", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
				switch r.PathValue("page") {
				case "first":
					if asked.Add(1) == 1 {
						http.SetCookie(w, &cookie)
					}
				case "out":
					cookie.MaxAge = -1
					http.SetCookie(w, &cookie)
				}
				w.Header().Set("Cache-Control", "no-store")
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprint(w, "<!DOCTYPE html><title>t</title><p id=p>", asked.Load())
			})
			site := httptest.NewServer(mux)
			defer site.Close()
			tab := browser.Open(t)
			tab.Go(site.URL + "/first")
			tab.Go(site.URL + c.second)
			restored := tab.Back()
			if got, want := tab.Text("#p"), map[bool]string{true: "1", false: "2"}[restored]; got != want || restored && !c.mayKeep {
				t.Errorf("restored %t, page says %q, want %q", restored, got, want)
			}
			before := tab.Text("#p")
			tab.Reload()
			if after := tab.Text("#p"); after <= before {
				t.Errorf("the page says %q, after reload %q: it was not asked for again", before, after)
			}
		})
	}
}

// An element that cannot be clicked is a fault of the page, told with its cause.
func TestWhatCannotBeClicked(t *testing.T) {
	t.Parallel()
	browser.Need(t) // skips the test, and not what it takes for one
	site := serve(t, map[string]string{"/{$}": `<!DOCTYPE html><html lang=en><title>t</title><button id=off disabled>Off</button><button id=gone hidden>Gone</button><p><button id=on>On</button>`})
	for css, want := range map[string]string{"#off": "it is disabled", "#gone": "it is not visible", "#none": "no such element"} {
		r := &ended{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			tab := browser.Open(r)
			tab.Go(site + "/")
			tab.Click("#on")
			tab.Patience(200 * time.Millisecond)
			tab.Click(css)
		}()
		<-done
		if !strings.Contains(r.text, want) || !strings.Contains(r.text, css) {
			t.Errorf("click %s: %q, want %q", css, r.text, want)
		}
	}
}

// ended is a test whose failure is noted.
type ended struct {
	testing.TB
	text string
}

func (e *ended) Fatalf(format string, args ...any) {
	e.text = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestTabsShareNothing(t *testing.T) {
	t.Parallel()
	site := serve(t, map[string]string{"/{$}": good, "/hello": good})
	first, second := browser.Open(t), browser.Open(t)
	first.Go(site + "/")
	first.Follow("button")
	second.Go(site + "/")
	if n := len(second.Cookies()); n != 0 {
		t.Errorf("the second tab has %d cookies of the first", n)
	}
	if n := len(first.Cookies()); n != 1 {
		t.Errorf("the first tab has %d cookies, want 1", n)
	}
}

func TestFormActionIsSeen(t *testing.T) {
	t.Parallel()
	tab := browser.Open(t)
	tab.Go(serve(t, map[string]string{"/{$}": strings.Replace(good, `action="/"`, `action="http://localhost:1/"`, 1)}) + "/")
	tab.Click("button")
	var seen []browser.Violation
	for range 1000 { // each is a round trip
		if seen = append(seen, tab.Violations()...); len(seen) > 0 {
			break
		}
	}
	if len(seen) != 1 || seen[0].Directive != "form-action" {
		t.Errorf("got %v, want one of form-action", seen)
	}
}

func TestConsoleErrors(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!DOCTYPE html><title>t</title><script>console.error('one', 2); console.log('no fault'); nothing.there</script>")
	})
	site := httptest.NewServer(mux)
	defer site.Close()
	tab := browser.Open(t)
	tab.Go(site.URL)
	got := tab.Errors()
	if len(got) != 2 || got[0] != "one 2" || !strings.Contains(got[1], "ReferenceError: nothing is not defined") {
		t.Errorf("got %q", got)
	}
}

func TestLookAndLanguage(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Accept-Language")
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!DOCTYPE html><meta name=viewport content='width=device-width'><title>t</title><p id=p>p</p>")
	})
	site := httptest.NewServer(mux)
	defer site.Close()
	tab := browser.Open(t)
	tab.Language("de")
	tab.Go(site.URL)
	if got := <-asked; got != "de" {
		t.Errorf("Accept-Language %q, want de", got)
	}
	for _, width := range []int{320, 768, 1280} {
		tab.Width(width)
		if got := browser.Eval[int](tab, "innerWidth"); got != width {
			t.Errorf("the page is %d wide, want %d", got, width)
		}
	}
	for _, dark := range []bool{true, false} {
		tab.Dark(dark)
		if got := browser.Eval[bool](tab, "matchMedia('(prefers-color-scheme: dark)').matches"); got != dark {
			t.Errorf("dark is %t, want %t", got, dark)
		}
	}
	if png := tab.Screenshot(); !strings.HasPrefix(string(png), "\x89PNG") {
		t.Error("the screenshot is no PNG")
	}
	if value, ok := tab.Attr("#p", "id"); value != "p" || !ok {
		t.Errorf("attribute id is %q, %t", value, ok)
	}
	if _, ok := tab.Attr("#p", "class"); ok || tab.Count("p") != 1 || tab.Count("q") != 0 || !strings.Contains(tab.HTML(), `<p id="p">`) {
		t.Errorf("reading %s", tab.HTML())
	}
}
