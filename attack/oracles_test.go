package attack_test

import (
	"encoding/csv"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/attack"
)

// told are the findings of a report: rule and route.
func told(report *attack.Report) (all []string) {
	for _, f := range report.Findings {
		all = append(all, f.ID+" "+f.Route)
	}
	slices.Sort(all)
	return all
}

// probed attacks a handler with some classes, and holds what is told against what is wanted.
func probed(t *testing.T, h http.Handler, p attack.Profile, want []string, classes ...string) *attack.Report {
	t.Helper()
	report, err := attack.Probe(t.Context(), h, p, attack.Options{Classes: classes, Budget: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if got := told(report); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
		for _, f := range report.Findings {
			t.Logf("%s\n%s", f.Text(), f.Curl)
		}
		t.Log(report.Coverage)
	}
	return report
}

// A board has two forms, whose texts come out on one page and in one list, those of the form that is sound beside the others.
type board struct {
	mu    sync.Mutex
	texts map[string][]string
}

// ServeHTTP implements [http.Handler].
func (b *board) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/")
	switch {
	case r.Method == http.MethodPost && (name == "sound" || name == "open"):
		b.texts[name] = append(b.texts[name], r.FormValue("Text"))
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case name == "list.csv":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		out := csv.NewWriter(w)
		for _, text := range b.texts["open"] {
			_ = out.Write([]string{text})
		}
		for _, text := range b.texts["sound"] {
			_ = out.Write([]string{"'" + text})
		}
		out.Flush()
	case name == "":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<title>board</title><a href="/list.csv">list</a>`)
		for _, form := range []string{"open", "sound"} {
			fmt.Fprintf(w, `<form method="post" action="/%s"><input name="Text"><button>send</button></form>`, form)
			for _, text := range b.texts[form] {
				if form == "sound" {
					text = template.HTMLEscapeString(text)
				}
				fmt.Fprintf(w, "<p>%s</p>", text)
			}
		}
	default:
		http.NotFound(w, r)
	}
}

func (b *board) state() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprint(b.texts)
}

// TestMarkupIsTheFormsOwn: of two forms whose texts stand side by side the one is told whose text became markup or a formula.
func TestMarkupIsTheFormsOwn(t *testing.T) {
	b := &board{texts: map[string][]string{}}
	probed(t, b, attack.Profile{State: b.state}, []string{attack.RuleFormula.ID + " POST /open", attack.RuleMarkup.ID + " POST /open"}, "injection")
}

// A restless site says something else with each load: a nonce, the number of the request, how late it is. What it says of the
// visitor is another thing.
type restless struct {
	greets, tells bool
	loads         atomic.Int64
	tries         sync.Map
}

// ServeHTTP implements [http.Handler].
func (s *restless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.loads.Add(1)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Strict-Transport-Security", "max-age=63072000")
	h.Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src 'nonce-%d'; frame-ancestors 'none'; require-trusted-types-for 'script'", n))
	who := ""
	if c, err := r.Cookie("__Host-who"); err == nil && c.Value == restlessCookie {
		who = "ann@restless.test"
	}
	says := ""
	switch path := r.URL.Path; {
	case path == "/":
		h.Set("Cache-Control", "public, max-age=60")
		if says = "what everybody may read"; s.greets && who != "" {
			says += " and welcome"
		}
	case path == "/mine" && who != "":
		h.Set("Cache-Control", "no-store")
		says = "what ann alone may read"
	case path == "/in" && r.Method == http.MethodPost:
		email := r.FormValue("Email")
		count, _ := s.tries.LoadOrStore(email, new(atomic.Int64))
		tried := count.(*atomic.Int64).Add(1)
		switch known := email == "ann@restless.test"; {
		case tried > 20:
			w.WriteHeader(http.StatusTooManyRequests)
		case known && r.FormValue("Password") == "ann-long-password-1":
			http.SetCookie(w, &http.Cookie{Name: "__Host-who", Value: restlessCookie, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		case s.tells && !known:
			says = "nobody has this address"
		default:
			says = "this is not right"
		}
	case path == "/in":
	default:
		http.NotFound(w, r)
		return
	}
	fmt.Fprintf(w, `<!doctype html><title>restless</title><script nonce="%[1]d">var at = "load-%[1]d";</script><p>%[2]s</p><p>request r%[1]d at second %[3]d</p>
<a href="/">home</a> <a href="/mine">mine</a><form method="post" action="/in"><input type="email" name="Email"><input type="password" name="Password"></form>`, n, says, n/3)
}

const restlessCookie = "ann-0123456789abcdef0123456789abcdef"

// TestRestless: what differs from one load to the next tells nothing of the visitor, and hides nothing that does.
func TestRestless(t *testing.T) {
	for name, c := range map[string]struct {
		site *restless
		want []string
	}{
		"sound":  {&restless{}, nil},
		"greets": {&restless{greets: true}, []string{attack.RuleCached.ID + " GET /"}},
		"tells":  {&restless{tells: true}, []string{attack.RuleTold.ID + " POST /in"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := attack.Profile{SignIn: "/in", Users: []attack.User{{Fields: map[string]string{"Email": "ann@restless.test", "Password": "ann-long-password-1"}}}}
			report, err := attack.Probe(t.Context(), c.site, p, attack.Options{Classes: []string{"output", "limits"}, Budget: 5 * time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(told(report), func(s string) bool { return strings.HasPrefix(s, attack.RuleLockedOut.ID) })
			if !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q\n%s", got, c.want, report.Coverage)
			}
		})
	}
}

// A desk is a site with a user, whose data may change by themselves, and of which one thing at a time is wrong.
type desk struct {
	hole  string
	mu    sync.Mutex
	begun time.Time
	loads int
	texts []string
}

// ServeHTTP implements [http.Handler].
func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := r.Cookie("who")
	in := err == nil && c.Value == "ann"
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	switch path := r.URL.Path; {
	case path == "/in":
		if r.Method == http.MethodPost {
			http.SetCookie(w, &http.Cookie{Name: "who", Value: r.FormValue("Name"), Path: "/"})
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		fmt.Fprint(w, `<title>in</title><form method="post" action="/in"><input name="Name"><input type="password" name="Password"></form>`)
	case path == "/":
		fmt.Fprintf(w, `<title>desk</title><p>%d loads</p><a href="/in">in</a><a href="/help">help</a>`, d.loads)
		if in {
			for i, text := range d.texts {
				if text != "" {
					fmt.Fprintf(w, `<a href="/texts/%d/delete">delete</a>`, i)
				}
			}
			fmt.Fprint(w, `<form method="post" action="/texts"><input name="Text"><input name="Kind"></form>`)
		}
	case path == "/help":
		if d.hole == "visits" && !in || d.hole == "reads" && in {
			d.loads++
		}
		fmt.Fprint(w, `<title>help</title><a href="/">back</a>`)
	case path == "/texts" && r.Method == http.MethodPost && in:
		if kind := r.FormValue("Kind"); strings.Contains(kind, "?") || strings.Contains(r.FormValue("Text"), "?") {
			if d.hole == "half" || d.hole == "audits" {
				d.texts = append(d.texts, r.FormValue("Text"))
			}
			http.Error(w, "no", http.StatusUnprocessableEntity)
			return
		}
		d.texts = append(d.texts, r.FormValue("Text"))
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case strings.HasSuffix(path, "/delete") && in:
		var i int
		if _, err := fmt.Sscanf(path, "/texts/%d/delete", &i); err == nil && d.hole == "deletes" && i < len(d.texts) {
			d.texts[i] = ""
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		if d.hole == "audits" {
			d.texts = append(d.texts, r.FormValue("Text"))
		}
		http.Error(w, "no", http.StatusForbidden)
	}
}

// state is all that the desk keeps, and what its upkeep has written meanwhile.
func (d *desk) state() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprint(d.loads, d.texts)
}

func (d *desk) busy() string { return fmt.Sprint(d.state(), time.Since(d.begun)/(3*time.Millisecond)) }

// TestUpkeep: what a site writes by itself is laid to no request, with and without knowledge of its data; what a load writes is.
func TestUpkeep(t *testing.T) {
	reads, visits := attack.RuleGetWrites.ID+" GET /help", attack.RuleRowsForAll.ID+" GET /help"
	deletes, half := attack.RuleGetWrites.ID+" GET /texts/{id}/delete", attack.RuleHalf.ID+" POST /texts"
	for _, c := range []struct {
		hole  string
		known bool // the data
		busy  bool
		want  []string
	}{
		{"", true, false, nil}, {"", true, true, nil}, {"", false, false, nil},
		{"reads", true, false, []string{reads}}, {"reads", false, false, []string{reads}},
		{"visits", true, false, []string{visits}}, {"visits", false, false, []string{reads}},
		{"deletes", true, false, []string{deletes}}, {"deletes", false, false, []string{deletes}},
		{"half", true, false, []string{half}}, {"audits", true, false, nil},
	} {
		t.Run(fmt.Sprint(c.hole, c.known, c.busy), func(t *testing.T) {
			t.Parallel()
			d := &desk{hole: c.hole, begun: time.Now()}
			p := attack.Profile{SignIn: "/in", Users: []attack.User{{Fields: map[string]string{"Name": "ann", "Password": "x"}}}}
			switch {
			case c.busy:
				p.State = d.busy
			case c.known:
				p.State = d.state
			}
			report, err := attack.Probe(t.Context(), d, p, attack.Options{Classes: []string{"forgery", "limits"}, Budget: 5 * time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(told(report), func(s string) bool {
				return !slices.ContainsFunc([]string{reads, visits, half}, func(of string) bool { return s[:11] == of[:11] })
			})
			if !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q\n%s", got, c.want, report.Coverage)
			}
			if told := report.Coverage.String(); c.busy != strings.Contains(told, "they change by themselves meanwhile") {
				t.Errorf("the report says\n%s", told)
			}
		})
	}
}

// A fetcher has an address that fetches what it is told, some time after it has answered, and one that fetches nothing.
type fetcher struct {
	late time.Duration
	icon bool // it fetches the icon of the host, and not the path
	done sync.WaitGroup
}

// ServeHTTP implements [http.Handler].
func (f *fetcher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, `<title>x</title><a href="/hook?url=x">hook</a> <a href="/innocent?url=x">innocent</a> <a href="/late?url=x">late</a>`)
	to, err := url.Parse(r.FormValue("url"))
	if err != nil || to.Host == "" || !strings.HasPrefix(to.Host, "127.0.0.1:") || r.URL.Path != "/hook" {
		return
	}
	if f.icon {
		to.Path = "/favicon.ico"
	}
	fetch := func() {
		time.Sleep(f.late)
		if res, err := http.Get(to.String()); err == nil {
			_ = res.Body.Close()
		}
	}
	if f.late == 0 {
		fetch()
		return
	}
	f.done.Go(fetch)
}

// TestTrap: what is fetched is told of the request that led to it, also when it comes late or without its path.
func TestTrap(t *testing.T) {
	hook := []string{attack.RuleFetch.ID + " GET /hook"}
	for name, f := range map[string]*fetcher{"at once": {}, "late": {late: 5 * time.Millisecond}, "icon": {icon: true}} {
		t.Run(name, func(t *testing.T) {
			defer f.done.Wait()
			probed(t, f, attack.Profile{}, hook, "injection")
		})
	}
	t.Run("the last", func(t *testing.T) { // of the class, so that nothing is asked for after it
		f := &fetcher{late: 5 * time.Millisecond}
		defer f.done.Wait()
		report, err := attack.Probe(t.Context(), f, attack.Profile{}, attack.Options{Classes: []string{"injection"}, Routes: []string{"/hook"}})
		if err != nil || !slices.Equal(told(report), hook) {
			t.Errorf("found %q, %v", told(report), err)
		}
	})
}

// TestNoTrap: where no trap can be set the class is open, and nothing is made elsewhere.
func TestNoTrap(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", "/nowhere/there")
	report := probed(t, &fetcher{}, attack.Profile{}, []string{attack.RuleFetch.ID + " GET /hook"}, "injection")
	if told := report.Coverage.String(); !tally(report, "injection").Open || !strings.Contains(told, "not reached: values that a shell runs: there is no folder for what they would make") {
		t.Errorf("the report says\n%s", told)
	}
}

// TestDebugPages: a page that answers whatever it is asked for is no page for developers, one that says what only such a page says is.
func TestDebugPages(t *testing.T) {
	const catchAll = "Learn PHP, trace your property and run Apache: goroutine by goroutine. phpinfo() and \"memstats\": 1 are words, too."
	for name, c := range map[string]struct {
		pages  map[string]string
		routes []string
		want   []string
	}{
		"catch-all":  {map[string]string{"": catchAll}, nil, nil},
		"words":      {map[string]string{"/server-status": "We do not run Apache.", "/debug/requests": "trace your parcel", "/phpinfo.php": "Learn PHP", "/actuator/env": "property", "/.env": "a=b"}, nil, nil},
		"both":       {map[string]string{"": catchAll, "/metrics": "# HELP up x\n"}, nil, []string{attack.RuleDebug.ID + " GET /metrics"}},
		"not asked":  {map[string]string{"/metrics": "# HELP up x\n"}, []string{"/debug*"}, nil},
		"the sign":   {map[string]string{"/phpinfo.php": "<title>phpinfo()</title>", "/.git/HEAD": "ref: refs/heads/main\n", "/.env": "A=1\nSECRET_KEY=x\n"}, nil, []string{attack.RuleDebug.ID + " GET /.env", attack.RuleDebug.ID + " GET /.git/HEAD", attack.RuleDebug.ID + " GET /phpinfo.php"}},
		"a mutex":    {map[string]string{"/debug": "goroutine 7 [running]:\nmain.main()"}, nil, []string{attack.RuleDebug.ID + " GET /debug"}},
		"go's own":   {map[string]string{"/debug/pprof/": "<title>/debug/pprof/</title>Types of profiles available: goroutine"}, nil, []string{attack.RuleDebug.ID + " GET /debug/pprof/"}},
		"of a frame": {map[string]string{"/actuator/env": `{"propertySources":[]}`}, nil, []string{attack.RuleDebug.ID + " GET /actuator/env"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				text, known := c.pages[r.URL.Path]
				if all, caught := c.pages[""]; !known && caught {
					text, known = all, true
				}
				if !known {
					http.NotFound(w, r)
					return
				}
				_, _ = io.WriteString(w, text)
			})
			report, err := attack.Probe(t.Context(), h, attack.Profile{}, attack.Options{Classes: []string{"platform"}, Routes: c.routes})
			got := slices.DeleteFunc(told(report), func(s string) bool { return !strings.HasPrefix(s, attack.RuleDebug.ID) })
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q (%v)", got, c.want, err)
			}
		})
	}
}
