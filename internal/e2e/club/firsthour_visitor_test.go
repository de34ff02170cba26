package club_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/browser"
)

const (
	ann         = "ann@example.org"
	annFirst    = "four wide green rivers"
	annChanged  = "seven slow paper boats"
	annPassword = "nine loud glass birds" // after her "that was not me"
)

// told is what a page says in development alone, of a limit that is on.
var told = regexp.MustCompile(`(?s)Shown in development only.*?explain MRL-[A-Z]+-\d+`)

// signsUp: A3.1, the same page for an address that has an account; the mail differs.
func signsUp(t *testing.T, h *hour) {
	signUp := func(tab *browser.Tab, email string) (page string) {
		tab.Go(h.URL("/sign-up"))
		tab.Type(`[name="Name"]`, "Ann")
		tab.Type(`[name="Email"]`, email)
		tab.Type(`[name="Password"]`, annFirst)
		answer := tab.Follow("main form button:not([name])")
		expect(t, tab, "h1", "We sent you a mail")
		return fmt.Sprint(answer.Status, strings.ReplaceAll(tab.Text("main"), email, "ADDRESS"))
	}
	fresh, known := signUp(h.ann, ann), signUp(h.browser(t), "root@club.example")
	if fresh != known {
		t.Errorf("an address without an account is told %q, one with an account %q", fresh, known)
	}
	h.mail(t, "Welcome to Harbour Rowing Club", 0)
	h.mail(t, "You have an account at Harbour Rowing Club", 0)
}

// verifies: A3.2, programs that open the links of mails change nothing; the button does.
func verifies(t *testing.T, h *hour) {
	state := func() string {
		out, _ := h.command(t, 0, "user", "list", "--json")
		var list struct {
			Users []struct{ Email, State string }
		}
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			t.Fatal(err)
		}
		for _, u := range list.Users {
			if u.Email == ann {
				return u.State
			}
		}
		return "none"
	}
	link, _ := h.mail(t, "Welcome", 0)
	at, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if status, _ := h.fetch(t, at.Path); status != 303 {
			t.Errorf("a program that opens the link gets %d", status)
		}
	}
	h.ann.Go(link)
	expect(t, h.ann, "h1", "Confirm your address")
	if s := state(); s != "unverified" {
		t.Fatalf("after eleven looks at the link the account is %s", s)
	}
	h.ann.Follow("main form button")
	expect(t, h.ann, "main", "Your address is confirmed.")
	if s := state(); s != "active" {
		t.Errorf("after the button the account is %s", s)
	}
}

// fetch asks for a path as a program without cookies does.
func (h *hour) fetch(t *testing.T, path string) (int, *http.Response) {
	t.Helper()
	r, _ := http.NewRequest("GET", "http://127.0.0.1:"+h.port+path, nil)
	r.Host = "club.localhost:" + h.port
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res.StatusCode, res
}

// overview: A3.3.
func overview(t *testing.T, h *hour) {
	h.signIn(h.ann, ann, annFirst)
	in(t, h.ann)
	h.ann.Follow(`header.top a[href="/account"]`)
	type box struct {
		Title, State string
		Buttons      int
	}
	boxes := map[string]box{}
	for _, b := range browser.Eval[[]box](h.ann, `[...document.querySelectorAll('.boxes > li')].map(b => ({Title: b.querySelector('h2').textContent.trim(), State: b.querySelector('.pill')?.textContent ?? '', Buttons: b.querySelectorAll('a.button, button').length}))`) {
		boxes[b.Title] = b
	}
	for _, title := range []string{"Password", "Passkeys", "Authenticator app", "Recovery codes", "Sessions", "Security log"} {
		if b := boxes[title]; b.State == "" || b.Buttons != 1 {
			t.Errorf("the box %q: %+v; all of them: %v", title, b, boxes)
		}
	}
}

// sessions: A3.4, two browsers, one ended, then all others.
func sessions(t *testing.T, h *hour) {
	for _, button := range []string{`button[name="End"]`, `button[name="Others"]`} {
		h.signIn(h.phone, ann, annFirst)
		in(t, h.phone)
		h.ann.Go(h.URL("/account/sessions"))
		rows := browser.Eval[[]string](h.ann, `[...document.querySelectorAll('.boxes > li')].map(r => r.innerText)`)
		if len(rows) != 2 || !strings.Contains(rows[0], "this one") || strings.Contains(rows[1], "this one") {
			t.Fatalf("the list of sessions: %q", rows)
		}
		for _, row := range rows {
			for _, want := range []string{"Chrome", "Linux", "With a password", "Signed in", "Last seen"} {
				if !strings.Contains(row, want) {
					t.Errorf("a session does not tell %q: %q", want, row)
				}
			}
		}
		h.ann.Follow(button)
		expect(t, h.ann, "main", "Signed out there.")
		h.phone.Go(h.URL("/members"))
		expect(t, h.phone, "main", "signed out here from another device")
	}
}

// password: A3.5, one question, the others end, and the mail's way back works.
func password(t *testing.T, h *hour) {
	h.signIn(h.phone, ann, annFirst)

	// what asks for a fresh sign-in asks once, and what was typed meanwhile waits
	h.ann.Go(h.URL("/account/address"))
	h.ann.Type(`[name="Email"]`, "ann@new.example")
	h.wait(16 * time.Minute)
	h.ann.Follow("main form button")
	expect(t, h.ann, "h1", "Sign in again")
	h.ann.Type(`[name="Password"]`, annFirst)
	h.ann.Follow("main form button:not([name])")
	if typed := h.ann.Value(`[name="Email"]`); typed != "ann@new.example" {
		t.Errorf("after signing in again the address is %q", typed)
	}
	h.wait(16 * time.Minute)

	change := func(current string) {
		h.ann.Type(`[name="Current"]`, current)
		h.ann.Type(`[name="New"]`, annChanged)
		h.ann.Follow("main form button:not([name])")
	}
	h.ann.Go(h.URL("/account/password"))
	change("wrong")
	expect(t, h.ann, "main", "not your current password")
	change(annFirst)
	expect(t, h.ann, "main", "Your password is changed.")
	h.phone.Go(h.URL("/members"))
	expect(t, h.phone, "main", "the password of the account was changed")

	notMe, _ := h.mail(t, "Your password at Harbour Rowing Club was changed", 0)
	h.phone.Go(notMe)
	expect(t, h.phone, "h1", "That was not me")
	h.phone.Follow("main form button")
	expect(t, h.phone, "main", "All devices are signed out.")
	h.ann.Go(h.URL("/account"))
	if !strings.Contains(h.ann.URL(), "/sign-in") {
		t.Errorf("after \"that was not me\" the session goes on: %s", h.ann.URL())
	}
	reset, _ := h.mail(t, "A new password for Harbour Rowing Club", 0)
	h.ann.Go(reset)
	h.ann.Type(`[name="Password"]`, annPassword)
	h.ann.Follow("main form button:not([name])")
	h.signIn(h.ann, ann, annPassword)
	in(t, h.ann)
}

// limits: A3.6.
func limits(t *testing.T, h *hour) {
	t.Run("passwords", func(t *testing.T) { passwordLimits(t, h.in(t)) })
	t.Run("codes", func(t *testing.T) { codeLimits(t, h.in(t)) })
	t.Run("reset", func(t *testing.T) { resetLimit(t, h.in(t)) })
	h.in(t)
}

func passwordLimits(t *testing.T, h *hour) {
	_, mailed := h.mail(t, "Somebody is trying passwords", -1)
	// on a device that is known
	lock := func() (free time.Duration) {
		t.Helper()
		h.ann.Go(h.URL("/sign-in"))
		for try := 1; try <= 10; try++ {
			if answer := h.again(h.ann, ann, "wrong"); answer.Status != 422 {
				t.Fatalf("known device, try %d: %d", try, answer.Status)
			}
		}
		answer := h.again(h.ann, ann, "wrong")
		seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		if answer.Status != 429 || err != nil {
			t.Fatalf("known device, try 11: %d, Retry-After %q", answer.Status, answer.Header.Get("Retry-After"))
		}
		free = time.Duration(seconds) * time.Second
		named := false // it may have been rounded to either side
		for _, at := range []time.Time{h.now().Add(free), h.now().Add(free - 2*time.Second)} {
			named = named || strings.Contains(h.ann.Text("main"), at.UTC().Format("15:04"))
		}
		if !named || !strings.Contains(h.ann.Text("main"), "UTC") {
			t.Errorf("when to try again is not named: %s", h.ann.Text("main"))
		}
		return free
	}
	h.ann.Follow("header.top button")
	lock()

	// on one that is not, a wrong password and a locked account look the same, and so does the right password
	stranger := h.browser(t)
	stranger.Go(h.URL("/sign-in"))
	said := ""
	for try := 1; try <= 12; try++ {
		typed := "wrong"
		if try == 12 {
			typed = annPassword
		}
		answer := h.again(stranger, ann, typed)
		got := fmt.Sprint(answer.Status, strings.Fields(told.ReplaceAllString(stranger.Text("main"), " "))) // what visitors see
		switch {
		case try == 1 && strings.Contains(got, "pause"):
			t.Errorf("the first wrong password is told of a pause: %s", got)
		case try == 4: // from the third on
			said = got
		case try > 4 && got != said:
			t.Errorf("unknown device, try %d: %s\nbefore: %s", try, got, said)
		}
	}
	if !strings.Contains(said, "422") || !strings.Contains(said, "ten tries") {
		t.Errorf("unknown device: %s", said)
	}
	n := mailed
	for range 300 { // she is told a moment later
		if _, n = h.mail(t, "Somebody is trying passwords", -1); n > mailed {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	if n != mailed+1 {
		t.Errorf("Ann gets %d mails, want one", n-mailed)
	}
	neighbour := h.browser(t) // the same network
	h.signIn(neighbour, "root@club.example", adminPassword)
	expect(t, neighbour, "h1", "Second step")

	h.command(t, 0, "user", "unlock", ann, "--reason", "called, was recognised")
	h.signIn(stranger, ann, annPassword)
	in(t, stranger)
	h.signIn(h.ann, ann, annPassword)
	in(t, h.ann)

	// unreleased it frees itself
	h.ann.Follow("header.top button")
	h.wait(lock())
	h.signIn(h.ann, ann, annPassword)
	in(t, h.ann)
}

// codeLimits: five codes in a quarter of an hour, of the app and of recovery together.
func codeLimits(t *testing.T, h *hour) {
	tab := h.browser(t)
	h.wait(time.Minute) // a code works once: another one
	h.signIn(tab, "root@club.example", adminPassword)
	for try, code := range []string{"000000", "000000", "000000", "AAAAA-AAAAA-AAAAA-AAAAA-AAAA", "BBBBB-BBBBB-BBBBB-BBBBB-BBBB", h.code()} {
		expect(t, tab, "h1", "Second step")
		tab.Type(`[name="Code"]`, code)
		want := 422
		if try == 5 {
			want = 429
		}
		if answer := tab.Follow("main form button"); answer.Status != want {
			t.Fatalf("code %d: %d %s, want %d", try+1, answer.Status, tab.Text("main"), want)
		}
	}
	h.command(t, 0, "user", "unlock", "root@club.example", "--reason", "showed a passport")
	h.wait(time.Minute)
	h.signIn(tab, "root@club.example", adminPassword)
	tab.Type(`[name="Code"]`, h.code())
	tab.Follow("main form button")
	in(t, tab)
}

// resetLimit: three mails an hour; the fourth answer is the third.
func resetLimit(t *testing.T, h *hour) {
	h.wait(time.Hour)
	tab := h.browser(t)
	_, before := h.mail(t, "A new password for", -1)
	said := ""
	for try := 1; try <= 4; try++ {
		tab.Go(h.URL("/account/reset/ask"))
		tab.Type(`[name="Email"]`, ann)
		answer := tab.Follow("main form button")
		got := fmt.Sprint(answer.Status, tab.URL(), tab.Text("main"))
		if try > 1 && got != said {
			t.Errorf("try %d: %s\nbefore: %s", try, got, said)
		}
		said = got
	}
	if _, n := h.mail(t, "A new password for", -1); n != before+3 {
		t.Errorf("%d mails, want 3", n-before)
	}
	h.command(t, 0, "user", "unlock", ann, "--reason", "the test goes on")
}

// sameAnswer: A3.7 as a browser sees it; TestKnownAndUnknownCostTheSame counts hashes, statements and mails.
func sameAnswer(t *testing.T, h *hour) {
	try := func(email string) string {
		tab := h.browser(t)
		answer := h.signIn(tab, email, "wrong")
		answer.Header.Del("Date")
		answer.Header.Del("Set-Cookie") // of tokens, whose names and lengths that test compares
		return fmt.Sprintf("%d %v %d bytes: %s", answer.Status, answer.Header, len(tab.HTML()), tab.Text("main"))
	}
	known, unknown := try(ann), try("bob@example.org")
	if known != unknown {
		t.Errorf("known: %s\nunknown: %s", known, unknown)
	}
}

// forgery: A3.8, a form from before another sign-in keeps what was typed; one from another site is refused.
func forgery(t *testing.T, h *hour) {
	h.ann.Go(h.URL("/profile"))
	h.ann.Type(`[name="Phone"]`, "0461 77")
	beside := h.ann.Beside()
	beside.Script(h.script)
	beside.Go(h.URL("/"))
	beside.Follow("header.top button")
	h.signIn(beside, ann, annPassword)
	in(t, beside)
	h.ann.Follow("main form button")
	expect(t, h.ann, `main p[role="status"]`, "Nothing was changed.")
	if typed := h.ann.Value(`[name="Phone"]`); typed != "0461 77" {
		t.Errorf("what was typed is lost: %q", typed)
	}
	if n := h.ann.Count("main button"); n != 1 {
		t.Errorf("%d buttons, want one", n)
	}
	h.ann.Follow("main button")
	expect(t, h.ann, "main", "Your profile is saved.")

	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<form method="post" action=%q><input name="Name" value="Eve of Evil"><input name="Phone" value="666 666"><button>Win</button></form>`, h.URL("/profile"))
	}))
	defer evil.Close()
	before := h.events(t, "MRL-CSRF-")
	h.ann.Go(evil.URL)
	if answer := h.ann.Follow("button"); answer.Status != 403 {
		t.Errorf("from another site: %d", answer.Status)
	}
	if text := h.ann.HTML(); strings.Contains(text, "666 666") || strings.Contains(text, "Eve of Evil") {
		t.Errorf("what another site sent is kept: %s", text)
	}
	for wait := 0; h.events(t, "MRL-CSRF-") <= before; wait++ { // refusals are counted, and written now and then
		if wait > 600 {
			t.Fatal("no event in the log")
		}
		time.Sleep(100 * time.Millisecond)
	}
	h.ann.Go(h.URL("/profile"))
	if phone := h.ann.Value(`[name="Phone"]`); phone != "0461 77" {
		t.Errorf("the other site changed the profile: %q", phone)
	}
}

// backButton: A3.9.
func backButton(t *testing.T, h *hour) {
	h.ann.Go(h.URL("/account"))
	expect(t, h.ann, "main", ann)
	h.ann.Follow("header.top button")
	h.ann.Back()
	if strings.Contains(h.ann.Text("body"), ann) {
		t.Error("after signing out the back button shows the account")
	}
	h.signIn(h.ann, ann, annPassword)
}

// wellKnown: A3.10.
func wellKnown(t *testing.T, h *hour) {
	if status, res := h.fetch(t, "/.well-known/change-password"); status != 303 || !strings.HasSuffix(res.Header.Get("Location"), "/account/password") {
		t.Errorf("change-password: %d %s", status, res.Header.Get("Location"))
	}
	for path, want := range map[string]string{"passkey-endpoints": `"enroll":"` + h.URL("/account/passkeys"), "security.txt": "Contact: mailto:security@club.example"} {
		status, res := h.fetch(t, "/.well-known/"+path)
		if body, _ := io.ReadAll(res.Body); status != 200 || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// weight: A3.11, what the pages of the account load: a first visit, and after.
func weight(t *testing.T, h *hour) {
	const firstVisit, after, script = 40 << 10, 12 << 10, 3 << 10
	most, mostAfter, heaviest, heaviestAfter := 0, 0, "", ""
	h.ann.Go(h.URL("/account/app"))
	h.ann.Follow("main form button") // the page has its picture then
	h.ann.Loads()
	for _, path := range append(accountPages, "/account/app", "/account/codes", "/account/address", "/account/passkeys", "/account/passkeys/add", "/passkey/sign-in", "/sign-in", "/sign-up",
		"/sign-up/sent", "/account/reset/ask", "/account/reset/sent", "/account/link/reset/over", "/account/not-me", "/_merlon/setup") {
		h.ann.Forget()
		for visit, limit := range []int{firstVisit, after} {
			h.ann.Go(h.URL(path))
			sum := 0
			for _, l := range h.ann.Loads() {
				sum += l.Bytes
				if !strings.HasPrefix(l.URL, h.url+"/") {
					t.Errorf("%s loads %s", path, l.URL)
				}
				if l.Kind == "Script" && (!strings.HasPrefix(l.URL, h.URL("/_merlon/passkey/passkey")) || l.Bytes > script) {
					t.Errorf("%s loads the script %s with %d bytes", path, l.URL, l.Bytes)
				}
			}
			if sum > limit || sum == 0 {
				t.Errorf("%s, visit %d: %d bytes, at most %d", path, visit+1, sum, limit)
			}
			if visit == 0 && sum > most {
				most, heaviest = sum, path
			} else if visit == 1 && sum > mostAfter {
				mostAfter, heaviestAfter = sum, path
			}
		}
	}
	t.Logf("the heaviest page: %d bytes at a first visit (%s), %d after (%s)", most, heaviest, mostAfter, heaviestAfter)
}
