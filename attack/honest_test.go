package attack_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/attack"
)

func tallyOf(t *testing.T, report *attack.Report, class string) attack.Tally {
	t.Helper()
	for _, c := range report.Coverage.Classes {
		if c.Class == class {
			return c
		}
	}
	t.Fatalf("there is no class %s", class)
	return attack.Tally{}
}

// TestDeadSite: a site that answers no more is no site that refuses: nothing passes, and the attack ends with an error.
func TestDeadSite(t *testing.T) {
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 4 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<title>x</title><a href="/a?q=a">a</a>`)
	}))
	defer srv.Close()
	report, err := attack.URL(t.Context(), srv.URL, attack.Profile{}, attack.Options{Classes: []string{"platform", "forgery", "injection"}})
	if !errors.Is(err, attack.ErrDied) {
		t.Fatalf("got %v, want ErrDied", err)
	}
	if report.Coverage.Unanswered == 0 {
		t.Errorf("no request is told of as not answered:\n%s", report.Coverage)
	}
	for _, c := range report.Coverage.Classes {
		if c.Asked && c.Verdict != "OPEN" {
			t.Errorf("%s", c)
		}
	}
}

// TestFewSilences: of a site that is still there a request without an answer is told, is no attempt, and leaves its class open.
func TestFewSilences(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.FormValue("q"), "</script>") {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<title>x</title><a href="/?q=a">a</a>`)
	}))
	defer srv.Close()
	report, err := attack.URL(t.Context(), srv.URL, attack.Profile{}, attack.Options{Classes: []string{"injection"}})
	if err != nil {
		t.Fatal(err)
	}
	if c := tallyOf(t, report, "injection"); c.Verdict != "OPEN" || !slices.Contains(c.Left, "GET /: not answered: EOF") || c.Tried+report.Coverage.Unanswered > report.Coverage.Requests {
		t.Errorf("%s %q\n%s", c, c.Left, report.Coverage)
	}
}

// formOnce is a handler with a sign-in, and a form that is only shown at first.
type formOnce struct{ shown atomic.Int64 }

// ServeHTTP implements [http.Handler].
func (f *formOnce) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie("who")
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case r.URL.Path == "/in" && r.Header.Get("Sec-Fetch-Site") == "cross-site":
		http.Error(w, "no", http.StatusForbidden)
	case r.URL.Path == "/in" && r.Method == http.MethodPost:
		http.SetCookie(w, &http.Cookie{Name: "who", Value: "somebody-or-other", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case r.URL.Path == "/in":
		fmt.Fprint(w, `<title>in</title><form method="post" action="/in"><input name="Name"><input type="password" name="Password"></form>`)
	case err != nil || c.Value == "":
		http.Redirect(w, r, "/in", http.StatusSeeOther)
	case r.URL.Path == "/" && f.shown.Add(1) == 1:
		fmt.Fprint(w, `<title>home</title><p>yours</p><form method="post" action="/once"><input name="Text"></form>`)
	case r.URL.Path == "/":
		fmt.Fprint(w, `<title>home</title><p>yours</p>`)
	default:
		http.NotFound(w, r)
	}
}

// TestNothingForged: where no form was forged the class does not pass, and says why; pages that are loaded on the way are no attempts.
func TestNothingForged(t *testing.T) {
	report, err := attack.Probe(t.Context(), &formOnce{}, attack.Profile{SignIn: "/in", Users: []attack.User{{Fields: map[string]string{"Name": "ann", "Password": "x"}}}}, attack.Options{Classes: []string{"forgery", "access"}})
	if err != nil {
		t.Fatal(err)
	}
	c := tallyOf(t, report, "forgery")
	if told := strings.Join(c.Left, "\n"); c.Verdict != "OPEN" || !strings.Contains(told, "forgery: form /once of /: it was not sent honestly, and so not forged") || !strings.Contains(told, "Profile.State tells nothing") {
		t.Errorf("%s: %s", c, told)
	}
	if c.Tried > report.Coverage.Requests/2 {
		t.Errorf("%d of %d requests are called attempts", c.Tried, report.Coverage.Requests)
	}
	if c := tallyOf(t, report, "access"); c.Verdict != "OPEN" && c.Verdict != "NONE" {
		t.Errorf("%s", c)
	}
}

// TestNobodyTellsOf: what a profile does not tell is told of, in the classes that would look at it.
func TestNobodyTellsOf(t *testing.T) {
	k := newKit(t)
	p := k.profile()
	p.Log, p.Mail, p.Noticed, p.State = nil, nil, nil, nil
	report, err := attack.Probe(t.Context(), k, p, attack.Options{Classes: []string{"forgery", "injection"}, Budget: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for class, all := range map[string][]string{"forgery": {"Profile.State", "Profile.Noticed"}, "injection": {"Profile.Log", "Profile.Mail"}} {
		c := tallyOf(t, report, class)
		for _, what := range all {
			if !slices.ContainsFunc(c.Left, func(s string) bool { return strings.HasPrefix(s, what+" tells nothing") }) {
				t.Errorf("%s says nothing of %s: %v", c, what, c.Left)
			}
		}
	}
}

// TestTokenLeavesFails: a form that gives its token away fails a test of the class forgery, as the docs say.
func TestTokenLeavesFails(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<title>x</title><form method="post" action="https://elsewhere.test/"><input type="hidden" name="csrf_token" value="0123456789abcdef"><input name="Text"></form><form method="post" action="/keep"><input type="hidden" name="csrf_token" value="0123456789abcdef"></form>`)
	})
	said := &recorder{ctx: t.Context()}
	report := attack.Handler(said, h, attack.Profile{}, func(o *attack.Options) { o.Classes = []string{"forgery"} })
	if got := said.errors(); len(got) != 1 || !strings.Contains(got[0], attack.RuleTokenLeaves.ID) {
		t.Errorf("the test says %q\n%s", got, report.Coverage)
	}
}

// slowly is a page that comes late.
func slowly(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, `<title>x</title><a href="/?q=a">a</a>`)
	w.(http.Flusher).Flush()
	select {
	case <-r.Context().Done():
	case <-time.After(2500 * time.Millisecond):
	}
}

// many is a site of more pages than are loaded; the last one reflects its parameter.
func many(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, `<title>x</title>`)
	if r.URL.Path == "/" {
		for i := range 450 {
			fmt.Fprintf(w, `<a href="/page-%d-of-many">x</a>`, i)
		}
		for i := range 9 {
			fmt.Fprintf(w, `<a href="/items/%d">x</a>`, i)
		}
	}
}

// TestTooManyPages: what is not loaded is not reached, and no class passes over it.
func TestTooManyPages(t *testing.T) {
	report, err := attack.Probe(t.Context(), http.HandlerFunc(many), attack.Profile{}, attack.Options{Classes: []string{"injection"}, Budget: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	c := report.Coverage
	if c.Routes != 452 || c.Reached != 400 || !strings.Contains(strings.Join(tallyOf(t, report, "injection").Left, "\n"), "pages as anonymous: 400 were loaded") {
		t.Errorf("%d of %d reached\n%s", c.Reached, c.Routes, c)
	}
}

// TestSampled: that of a route some pages were loaded is told.
func TestSampled(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for i := range 9 {
			fmt.Fprintf(w, `<title>x</title><a href="/items/%d">x</a>`, i)
		}
	})
	report, err := attack.Probe(t.Context(), h, attack.Profile{}, attack.Options{Classes: []string{"access"}})
	if err != nil || !slices.Equal(report.Coverage.Sampled, []string{"GET /items/{id}: there are at least 9"}) {
		t.Errorf("%v, %v", err, report.Coverage.Sampled)
	}
}

// TestChosenClasses: a test of one class fails for no other, and classes that were asked for and not begun are not called NONE.
func TestChosenClasses(t *testing.T) {
	k := newKit(t)
	said := &recorder{ctx: t.Context()}
	attack.Handler(said, k, k.profile(), func(o *attack.Options) { o.Classes = []string{"platform"} })
	if got := said.errors(); len(got) != 0 {
		t.Errorf("the test says %q", got)
	}
	report, err := attack.Probe(t.Context(), http.HandlerFunc(slowly), attack.Profile{}, attack.Options{Classes: []string{"access"}, Budget: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if c := tallyOf(t, report, "access"); c.Verdict != "OPEN" || c.Complete {
		t.Errorf("%s", c)
	}
	if c := tallyOf(t, report, "limits"); c.Asked || c.Verdict != "NONE" {
		t.Errorf("%s", c)
	}
}

// TestToldWhole: a finding is told with what makes it happen again, also one of the class backup.
func TestToldWhole(t *testing.T) {
	k := newKit(t, "nocopy")
	told := 0
	_, err := attack.Probe(t.Context(), k, k.profile(), attack.Options{Classes: []string{"backup"}, Told: func(_ string, f *attack.Finding) {
		if f == nil {
			return
		}
		if told++; f.Test == "" {
			t.Errorf("%s is told without a way to repeat it", f.ID)
		}
	}})
	if err != nil || told == 0 {
		t.Errorf("%d told, %v", told, err)
	}
}

// TestLetInAgain: a user whom an attack has disabled is let in again, also when the time is over meanwhile.
func TestLetInAgain(t *testing.T) {
	k := newKit(t)
	p := k.profile()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := 0
	p.Disable = func(u attack.User, on bool) {
		if k.disable(u, on); on {
			out++
			cancel()
		} else {
			out--
		}
	}
	if _, err := attack.Probe(ctx, k, p, attack.Options{Classes: []string{"sessions"}, Budget: 5 * time.Minute}); !errors.Is(err, context.Canceled) || out != 0 {
		t.Errorf("%v: %d users are still shut out", err, out)
	}
}

// TestMailsThatShrink: a profile may drop the oldest of its mails.
func TestMailsThatShrink(t *testing.T) {
	k := newKit(t)
	p := k.profile()
	asked := 0
	p.Mail = func() string {
		if asked++; asked%2 == 1 {
			return strings.Repeat("an older mail\n", 1000) + k.mails.String()
		}
		return k.mails.String()
	}
	if _, err := attack.Probe(t.Context(), k, p, attack.Options{Classes: []string{"sessions"}, Budget: 5 * time.Minute}); err != nil {
		t.Fatal(err)
	}
}

// TestWordsOfHandlers: what is said of a handler's forms is of forms that it has, and nobody's role is a user's.
func TestWordsOfHandlers(t *testing.T) {
	for want, c := range map[string]struct {
		choice attack.Choice
		role   string
	}{
		`no page that was loaded has a form that is sent to "/note": did you mean /notes?`: {attack.Typed("/note", "Body", "x"), ""},
		`the form of /notes has no field "Boddy": did you mean Body?`:                      {attack.Typed("/notes", "Boddy", "x"), ""},
		`form that is sent to "/nowhere-at-all"`:                                           {attack.Unfilled("/nowhere-at-all", "x"), ""},
		`Unfilled of /notes has no reason`:                                                 {attack.Unfilled("/notes", ""), ""},
		`the role of a user is "anonymous"`:                                                {func(*attack.Options) {}, "anonymous"},
	} {
		k := newKit(t)
		p := k.profile()
		p.Users[1].Role = c.role
		said := &recorder{ctx: t.Context()}
		attack.Handler(said, k, p, c.choice, func(o *attack.Options) { o.Classes = []string{"platform"} })
		if got := strings.Join(said.errors(), "\n"); !strings.Contains(got, want) {
			t.Errorf("the test says %q, want %q", got, want)
		}
	}
	starts := append(make([]string, 0, 8), "/")
	k := newKit(t)
	p := k.profile()
	p.Starts, p.Calls = starts, []attack.Call{{Method: "GET", Path: "/news"}}
	if _, err := attack.Probe(t.Context(), k, p, attack.Options{Classes: []string{"platform"}}); err != nil || starts[:2][1] != "" {
		t.Errorf("the profile's starts are written to: %q, %v", starts[:2], err)
	}
}

// keep notes notes, users and sessions of a kit.
func (k *kit) keep(t *testing.T) func() func() {
	type note struct {
		id          int
		owner, body string
	}
	return func() func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		rows, err := k.db.Query("SELECT id, owner, body FROM note")
		if err != nil {
			t.Error(err)
			return func() {}
		}
		defer rows.Close()
		var notes []note
		for rows.Next() {
			var n note
			if err := rows.Scan(&n.id, &n.owner, &n.body); err != nil {
				t.Error(err)
			}
			notes = append(notes, n)
		}
		users, live := map[string]kitUser{}, maps.Clone(k.live)
		for name, u := range k.users {
			users[name] = *u
		}
		return func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			if _, err := k.db.Exec("DELETE FROM note"); err != nil {
				t.Error(err)
			}
			for _, n := range notes {
				if _, err := k.db.Exec("INSERT INTO note (id, owner, body) VALUES (?, ?, ?)", n.id, n.owner, n.body); err != nil {
					t.Error(err)
				}
			}
			for name, u := range users {
				*k.users[name] = u
			}
			k.live = maps.Clone(live)
		}
	}
}

// TestPassIsThere: a site that is fine, of which the profile tells all, passes the classes of which nothing was left out.
func TestPassIsThere(t *testing.T) {
	k := newKit(t)
	p := k.profile()
	p.Sent, p.Keep = func() string { return "" }, k.keep(t)
	said := &recorder{ctx: t.Context()}
	report := attack.Handler(said, k, p, attack.Unfilled("/forgot", "nobody has the address that is typed"))
	if got := said.errors(); len(got) != 0 {
		t.Errorf("the test says %q", got)
	}
	for _, class := range []string{"output", "injection", "sessions"} {
		if c := tallyOf(t, report, class); c.Verdict != "PASS" {
			t.Errorf("%s: %q", c, c.Left)
		}
	}
}
