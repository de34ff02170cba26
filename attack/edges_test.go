package attack_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/merlon-web/merlon/attack"
)

// events is a handler with a page, and a stream of events that never ends.
type events struct{ deaf bool }

// ServeHTTP implements [http.Handler].
func (e events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<title>x</title><p>%s</p><a href="/?q=a">q</a> <a href="/events">events</a>`, r.FormValue("q"))
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(w, "data: %d\n\n", i); err != nil {
				return // a handler that does not look at the context ends here
			}
			w.(http.Flusher).Flush()
			select {
			case <-time.After(20 * time.Millisecond):
			case <-r.Context().Done():
				if !e.deaf {
					return
				}
			}
		}
	default:
		http.NotFound(w, r)
	}
}

// TestEndless: an answer without an end takes a moment and no more, is told, and keeps nothing else from being found.
func TestEndless(t *testing.T) {
	t.Parallel()
	o := attack.Options{Classes: []string{"injection"}, Budget: 5 * time.Minute}
	for name, deaf := range map[string]bool{"listens": false, "deaf": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := attack.Probe(t.Context(), events{deaf}, attack.Profile{}, o)
			endless(t, report, err)
		})
	}
	t.Run("URL", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewServer(events{})
		defer srv.Close()
		report, err := attack.URL(t.Context(), srv.URL, attack.Profile{}, o)
		endless(t, report, err)
	})
}

func endless(t *testing.T, report *attack.Report, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) != 1 || report.Findings[0].ID != attack.RuleMarkup.ID {
		t.Errorf("found %v", report.Findings)
	}
	if told := strings.Join(report.Coverage.NotReached, "\n"); !strings.Contains(told, "the rest of /events: its answer has no end") {
		t.Errorf("not reached:\n%s", told)
	}
	for _, c := range report.Coverage.Classes {
		if c.Class == "injection" && !c.Complete {
			t.Errorf("the class was not ended: %+v", c)
		}
	}
}

// desks is a handler with two roles, each with a page of its own.
type desks struct{ open bool }

// ServeHTTP implements [http.Handler].
func (d desks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who := ""
	if c, err := r.Cookie("who"); err == nil {
		who = c.Value
	}
	w.Header().Set("Content-Type", "text/html")
	switch path := strings.TrimPrefix(r.URL.Path, "/"); {
	case path == "" && who == "":
		_, _ = io.WriteString(w, `<title>in</title><form method="post" action="/in"><input name="Name"><input type="password" name="Password"></form>`)
	case path == "in":
		http.SetCookie(w, &http.Cookie{Name: "who", Value: r.FormValue("Name"), Path: "/"})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case path == "":
		fmt.Fprintf(w, `<title>home</title><a href="/%s">my desk</a>`, who)
	case path == "editor" && who == "editor" || path == "cashier" && (who == "cashier" || d.open && who != ""):
		fmt.Fprintf(w, `<title>%[1]s</title><h1>The desk of the %[1]s</h1><p>what only the %[1]s may read, and much of it</p>`, path)
	default:
		http.Error(w, "no", http.StatusForbidden)
	}
}

// TestRolesAreApart: a plain handler's page for one role is tried as another, also where neither is above the other.
func TestRolesAreApart(t *testing.T) {
	user := func(role string) attack.User {
		return attack.User{Role: role, Fields: map[string]string{"Name": role, "Password": "x"}}
	}
	for _, open := range []bool{false, true} {
		report, err := attack.Probe(t.Context(), desks{open}, attack.Profile{SignIn: "/", Users: []attack.User{user("editor"), user("cashier")}}, attack.Options{Classes: []string{"access"}})
		if err != nil {
			t.Fatal(err)
		}
		found := ""
		for _, f := range report.Findings {
			found += f.ID + " " + f.Route + " " + f.As + "\n"
		}
		want := ""
		if open {
			want = attack.RuleOpenRoute.ID + " GET /cashier editor\n"
		}
		if found != want {
			t.Errorf("open %v: found %q, want %q", open, found, want)
		}
	}
}

// TestHolds: a text is found wherever it lies, also across two pieces of the stream, and none is invented.
func TestHolds(t *testing.T) {
	const piece, text = 256 << 10, "the-token-of-a-session"
	for at := piece - 2*len(text); at < piece+2*len(text); at++ {
		data := strings.Repeat("x", at) + text + strings.Repeat("y", piece)
		for _, in := range []io.Reader{strings.NewReader(data), iotest.HalfReader(strings.NewReader(data))} {
			if found, err := attack.Holds(in, []byte(text)); !found || err != nil {
				t.Fatalf("at %d: found %v, %v", at, found, err)
			}
		}
	}
	for _, data := range []string{"", text[1:], strings.Repeat(text[:len(text)-1], 40000)} {
		if found, err := attack.Holds(strings.NewReader(data), []byte(text)); found || err != nil {
			t.Errorf("%d bytes: found %v, %v", len(data), found, err)
		}
	}
}
