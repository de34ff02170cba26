package account_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/merlontest"
)

// together has n visitors send the same form at once and counts the answers by status.
func together(s *merlontest.Server, n int, ready func() *merlontest.Visitor, action string, values merlontest.Values) map[int]int {
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	visitors := make([]*merlontest.Visitor, n)
	for i := range visitors {
		visitors[i] = ready()
	}
	for _, v := range visitors {
		f := v.Fields(action)
		for name, value := range values {
			f.Set(name, value)
		}
		all.Go(func() {
			status := v.Post(action, s.Site.Origin(), f).Status
			mu.Lock()
			defer mu.Unlock()
			got[status]++
		})
	}
	all.Wait()
	return got
}

// TestParallelSignUps: of fifty sign-ups with one address at once, each from a network of its own, one makes the account. Three
// mails go out, and of their links one works.
func TestParallelSignUps(t *testing.T) { // B3
	s := merlontest.Start(t, behindProxy)
	const n = 50
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for i := range n {
		v := s.Visitor().Get("/sign-up")
		f := v.Fields("/sign-up")
		f.Set("Name", "Ann")
		f.Set("Email", ann)
		f.Set("Password", good)
		r, err := http.NewRequest(http.MethodPost, s.URL("/sign-up"), strings.NewReader(f.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", s.Site.Origin())
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("203.%d.113.7", i))
		all.Go(func() {
			status := v.Do(r).Status
			mu.Lock()
			defer mu.Unlock()
			got[status]++
		})
	}
	all.Wait()
	if got[303]+got[503] != n || got[303] < 3 { // those for whom the line of hashes was full are told to come back
		t.Errorf("answers by status: %v, want 303 or 503 %d times", got, n)
	}
	t.Logf("answers by status: %v", got)
	if n := countUsers(t, s); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
	if n := len(mails(t, s, ann)); n != 3 {
		t.Errorf("%d mails, want 3 in an hour", n)
	}
	works := 0
	for _, m := range mails(t, s, ann) {
		if s.Visitor().Get(linkInMail.FindStringSubmatch(m.Text)[2]).Status == 200 {
			works++
		}
	}
	if works != 1 {
		t.Errorf("%d links work, want 1", works)
	}
}

func TestParallelVerifications(t *testing.T) { // B3
	var ran calls
	s := merlontest.Start(t, openWith(account.Config{Hooks: ran.hooks()}))
	v := signUp(s, ann, good)
	to := link(t, s, ann, 0)
	got := together(s, 50, func() *merlontest.Visitor { return v.Clone().Get(to) }, "/account/verify", nil)
	if got[303] != 1 || got[410] != 49 {
		t.Errorf("answers by status: %v, want 1 times 303 and 49 times 410", got)
	}
	ran.want(t, "signed up "+ann, "verified "+ann)
}

// B2: the same status, headers and length; as many statements, hashes and mails.
func TestKnownAndUnknownCostTheSame(t *testing.T) {
	var counter *db.Counter
	s := merlontest.Start(t, openWith(account.Config{}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if counter != nil {
				r = r.WithContext(db.Counted(r.Context(), counter))
			}
			next.ServeHTTP(w, r)
		})
	}))
	const ben = "ben@example.test"
	addUser(t, s, ann)
	addUser(t, s, ben)
	gone := addUser(t, s, "off@example.test")
	s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, gone, true) })
	signUp(s, "dup@example.test", good)

	cost := func(page, action, email string, values merlontest.Values) string {
		v := s.Visitor().Get(page)
		f := v.Fields(action)
		for name, value := range values {
			f.Set(name, value)
		}
		f.Set("Email", email)
		hashed, before := account.Hashed(s.Site.House()), len(mails(t, s, email))
		counter = &db.Counter{}
		v.Post(action, s.Site.Origin(), f)
		ran := counter.Ran()
		counter = nil
		if ran == 0 {
			t.Fatal("no statement was counted")
		}
		h := v.Header.Clone()
		cookies := ""
		for _, c := range h["Set-Cookie"] {
			name, value, _ := strings.Cut(c, "=")
			cookies += fmt.Sprint(" ", name, " ", len(value))
		}
		h.Del("Set-Cookie")
		h.Del("Date")
		return fmt.Sprintf("status %d, header %v, cookies%s, body of %d, %d statements, %d hashes, %d mails", v.Status, h, cookies, len(v.Body),
			ran, account.Hashed(s.Site.House())-hashed, len(mails(t, s, email))-before)
	}
	for _, c := range []struct {
		page, action string
		values       merlontest.Values
		others       []string
	}{
		{"/sign-up", "/sign-up", merlontest.Values{"Name": "Ann", "Password": good}, []string{"off@example.test", "dup@example.test"}},
		{"/account/reset/ask", "/account/reset/ask", nil, []string{"off@example.test", "dup@example.test"}},
		{"/sign-in", "/sign-in", merlontest.Values{"Password": "wrong"}, []string{"off@example.test", "dup@example.test"}},
	} {
		unknown := cost(c.page, c.action, "new@example.test", c.values)
		t.Logf("%s: %s", c.action, unknown)
		for _, email := range append([]string{ann}, c.others...) {
			if got := cost(c.page, c.action, email, c.values); got != unknown {
				t.Errorf("%s of %s:\n%s\nof an unknown address:\n%s", c.action, email, got, unknown)
			}
		}
	}
	var eleventh [2]string // the one of which an owner is told
	for i, email := range []string{ben, "bob@example.test"} {
		for range 10 {
			signIn(s.Visitor(), email, "wrong").Is(422)
		}
		eleventh[i] = cost("/sign-in", "/sign-in", email, merlontest.Values{"Password": "wrong"})
		tellGuessed(t, s)
	}
	if eleventh[0] != eleventh[1] || !strings.Contains(eleventh[0], "0 hashes") {
		t.Errorf("the eleventh wrong password of an account:\n%s\nof an unknown address:\n%s", eleventh[0], eleventh[1])
	}
	if n := len(mails(t, s, ben)); n != 1 {
		t.Errorf("the owner of the account got %d mails, want 1", n)
	}
}

// The fourth sign-up within an hour is answered as the third: hashed as well, and the cookie is as long.
func TestTheFourthSignUpCostsTheSame(t *testing.T) { // AUTH-6
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	for _, email := range []string{ann, "new@example.test"} {
		var length int
		for n := range 5 {
			hashed := account.Hashed(s.Site.House())
			v := signUp(s, email, good).At("/sign-up/sent")
			if got := account.Hashed(s.Site.House()) - hashed; got != 1 {
				t.Errorf("sign-up %d of %s: %d hashes, want 1", n+1, email, got)
			}
			if size := len(v.Cookie("__Host-test-step")); n > 0 && size != length || size == 0 {
				t.Errorf("sign-up %d of %s: a cookie of %d bytes, want %d", n+1, email, size, length)
			} else {
				length = size
			}
		}
		if n := len(mails(t, s, email)); n != 3 {
			t.Errorf("%d mails to %s, want 3", n, email)
		}
	}
	signIn(s.Visitor(), ann, good).At("/")
}

// B2: what is written is the same too, as often as one asks: rows, and entries in the index of the log.
func TestResetLeavesTheSame(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	for n := range 2 {
		var left [2]string
		for i, email := range []string{ann, "new@example.test"} {
			s.Visitor().Get("/account/reset/ask").Submit("/account/reset/ask", merlontest.Values{"Email": email})
			s.Read(func(r *db.Reader) error {
				tickets, err := account.Traces(r, email)
				if err != nil {
					return err
				}
				events, err := journal.List(r, journal.Filter{ID: account.RuleResetAsked.ID})
				if err != nil {
					return err
				}
				indexed := 0
				for _, e := range events {
					if strings.Contains(string(e.Detail), `"account":`) {
						indexed++
					}
				}
				if indexed != 2*n+i+1 {
					t.Errorf("%d of the events name an account, or that it is nobody's, want all %d", indexed, 2*n+i+1)
				}
				left[i] = fmt.Sprintf("tickets by life and end %v, %d mails", tickets, len(mails(t, s, email)))
				return nil
			})
		}
		if left[0] != left[1] || !strings.Contains(left[0], "{1800000000 0 1}") {
			t.Errorf("after asking %d times\n%s of an account\n%s of none", n+1, left[0], left[1])
		}
	}
}
