// Package club_test drives the club with a real browser: every page in every look, every flow without JavaScript, and a
// club whose every stored text is an attack.
package club_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/browser"
	"github.com/merlon-web/merlon/merlontest"
)

func TestMain(m *testing.M) { browser.Main(m) }

// demoClub is a club with its demo data, and the password of its three accounts.
func demoClub(t *testing.T) (*merlontest.Server, string) {
	t.Helper()
	s := merlontest.Start(t, site.Open)
	lines, err := s.Site.Demo(context.Background())
	if err != nil || len(lines) == 0 {
		t.Fatalf("demo: %v, %v", lines, err)
	}
	_, password, _ := strings.Cut(lines[0][1], "password: ")
	return s, password
}

func signIn(t *testing.T, tab *browser.Tab, s *merlontest.Server, email, password string) {
	t.Helper()
	tab.Go(s.URL("/sign-in"))
	tab.Type(`[name="Email"]`, email)
	tab.Type(`[name="Password"]`, password)
	tab.Follow("main button")
	if !strings.Contains(tab.Text("header.top"), "Sign out") {
		t.Fatalf("not signed in: %s", tab.Text("body"))
	}
}

var (
	openPages   = []string{"/", "/news", "/news/1", "/outings", "/outings/1", "/contact", "/sign-in", "/sign-up", "/sign-up/sent", "/nowhere", "/_merlon/dev/mail"}
	memberPages = []string{"/", "/news/1", "/outings/1", "/outings/2", "/members", "/members/1", "/members?q=nobody&sort=boat", "/profile"}
	boardPages  = []string{"/board", "/board/news/new", "/board/news/1/delete", "/board/outings/new", "/board/log"}
)

// TestEveryPage: 0 axe faults, 0 policy violations, no sideways scroll, light and dark, 320, 768 and 1280 px.
func TestEveryPage(t *testing.T) {
	s, password := demoClub(t)
	look := func(t *testing.T, tab *browser.Tab, pages []string) {
		for _, path := range pages {
			tab.Go(s.URL(path))
			for _, fault := range tab.Faults() {
				if path == "/nowhere" && strings.Contains(fault, "404") {
					continue // the browser notes the status itself
				}
				t.Errorf("%s: %s", path, fault)
			}
		}
	}
	t.Run("visitor", func(t *testing.T) {
		t.Parallel()
		look(t, browser.Open(t), openPages)
	})
	t.Run("board", func(t *testing.T) {
		t.Parallel()
		tab := browser.Open(t)
		signIn(t, tab, s, "ben@club.example", password)
		look(t, tab, append(memberPages, boardPages...))
	})
}

// TestFlowsWithoutScript: each flow of the club, once with scripts and once without.
func TestFlowsWithoutScript(t *testing.T) {
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script %v", script), func(t *testing.T) {
			t.Parallel()
			s, password := demoClub(t)
			tab := browser.Open(t)
			tab.Script(script)

			// a visitor writes to the board
			tab.Go(s.URL("/contact"))
			tab.Type(`[name="Name"]`, "Nora")
			tab.Type(`[name="Email"]`, "nora@example.org")
			tab.Type(`[name="Text"]`, "Is there a <b>trial</b> hour?")
			tab.Follow("main button")
			expect(t, tab, "main", "Thank you.")

			// a wrong password, then the right one, and the way back to where it was asked
			tab.Go(s.URL("/members"))
			tab.Type(`[name="Email"]`, "ann@club.example")
			tab.Type(`[name="Password"]`, "wrong")
			tab.Follow("main button")
			expect(t, tab, "main", "do not belong together")
			if got := tab.Value(`[name="Email"]`); got != "ann@club.example" {
				t.Errorf("the address is lost: %q", got)
			}
			if got := tab.Value(`[name="Password"]`); got != "" {
				t.Errorf("the password is echoed: %q", got)
			}
			tab.Type(`[name="Password"]`, password)
			tab.Follow("main button")
			expect(t, tab, "h1", "Members")

			// comments, takes a place, changes the profile
			tab.Go(s.URL("/news/1"))
			tab.Type(`[name="Text"]`, "Lovely")
			tab.Follow("main button")
			expect(t, tab, "main", "Lovely")
			tab.Go(s.URL("/outings/3"))
			tab.Follow("main button")
			expect(t, tab, "main", "You have a place.")
			tab.Go(s.URL("/profile"))
			tab.Type(`[name="Phone"]`, "0461 99")
			tab.Follow("main button")
			expect(t, tab, "main", "Your profile is saved.")

			// signs out; the back button shows no private page
			tab.Follow("header.top button")
			tab.Back()
			if strings.Contains(tab.Text("body"), "0461 99") {
				t.Error("after signing out the back button shows the profile")
			}

			// the board reads the message as text
			signIn(t, tab, s, "ben@club.example", password)
			tab.Go(s.URL("/board"))
			expect(t, tab, "main", "Is there a <b>trial</b> hour?")
		})
	}
}

func expect(t *testing.T, tab *browser.Tab, css, text string) {
	t.Helper()
	if got := tab.Text(css); !strings.Contains(got, text) {
		t.Fatalf("%s: %s reads %q, want %q", tab.URL(), css, got, text)
	}
}

// TestPlantedScripts: a script in every stored text runs on no page.
func TestPlantedScripts(t *testing.T) {
	s := merlontest.Start(t, site.Open)
	const evil = `"><script>document.title='owned'</script><img src=x onerror="document.title='owned'">`
	ben := s.SignedIn(`Ben`+evil, "board") // longer than the form lets anybody be
	ben.Get("/board/news/new").Submit("/board/news", merlontest.Values{"Title": evil, "Text": evil}).Is(200)
	ben.Get("/news/1").Submit("/news/1/comments", merlontest.Values{"Text": evil}).Is(200)
	ben.Get("/board/outings/new").Submit("/board/outings", merlontest.Values{"Title": evil, "Place": evil, "Day": "2099-01-01", "Places": "3", "About": evil}).Is(200)
	ben.Get("/outings/1").Submit("/outings/1/join", nil).Is(200)
	ben.Get("/profile").Submit("/profile", merlontest.Values{"Name": `Ben"><script>x</script>`, "Phone": `"><script>x</script>`, "About": evil, "Shown": "on"}).Is(200)
	ben.Get("/contact").Submit("/contact", merlontest.Values{"Name": `"><script>x</script>`, "Email": "a@example.org", "Text": evil}).Is(200)

	tab := browser.Open(t)
	tab.Go(s.URL("/"))
	cookie := ben.Cookie("__Host-club-session")
	setCookie(t, tab, s, cookie)
	for _, path := range []string{"/", "/news", "/news/1", "/outings", "/outings/1", "/members", "/members/1", "/profile", "/board", "/board/news/1/delete", "/board/log"} {
		tab.Go(s.URL(path))
		if tab.Title() == "owned" {
			t.Errorf("%s: the planted script ran", path)
		}
		if v := tab.Violations(); len(v) > 0 {
			t.Errorf("%s: the policy had to stop something: %v", path, v)
		}
		if n := tab.Count("main script, main img[src=x]"); n > 0 {
			t.Errorf("%s: %d planted elements", path, n)
		}
	}
}
