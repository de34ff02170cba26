package account_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/merlontest"
)

// behindProxy is the test's site behind a proxy on this machine, which names the clients.
func behindProxy(env merlon.Env) (*merlon.Site, error) {
	env.Settings.Proxies, env.Settings.ClientHeader = []string{"127.0.0.1"}, "X-Forwarded-For"
	return open(env)
}

// TestTenThousandAddresses: one account is guessed at from ten thousand networks within an hour. At most a hundred guesses
// are compared, and the owner's own device signs in in the midst of it (AUTH-4, AUTH-5; NIST SP 800-63B 3.2.2).
func TestTenThousandAddresses(t *testing.T) {
	need.Time(t, "posts ten thousand times")
	s := merlontest.Start(t, behindProxy)
	addUser(t, s, "ann@example.test")
	owner := signIn(s.Visitor(), "ann@example.test", good).At("/")
	form := s.Visitor().Get("/sign-in")
	fields := form.Fields("/sign-in")
	fields.Set("Email", "ann@example.test")
	fields.Set("Password", "a wrong one")
	body, cookie := fields.Encode(), "__Host-test-session="+form.Cookie("__Host-test-session")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	guess := func(n int) {
		r, _ := http.NewRequest("POST", "http://"+s.Addr()+"/sign-in", strings.NewReader(body))
		r.Host = strings.TrimPrefix(s.Site.Origin(), "http://")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", s.Site.Origin())
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Cookie", cookie)
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("203.%d.%d.7", n>>8, n&255))
		res, err := client.Do(r)
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != 422 && res.StatusCode != 503 {
			t.Errorf("guess %d: status %d", n, res.StatusCode)
		}
	}
	const total = 10_000
	hashed := account.Hashed(s.Site.House())
	var next atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for n := int(next.Add(1)); n <= total && !t.Failed(); n = int(next.Add(1)) {
				s.Advance(time.Hour / total)
				guess(n)
			}
		})
	}
	for next.Load() < total/2 && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
	again := func() {
		owner.Get("/").Submit("/sign-out", nil)
		signIn(owner, "ann@example.test", good).Is(200).At("/")
	}
	again() // while it goes on
	all.Wait()
	again()
	n, hashes := strings.Count(s.Log.String(), "MRL-ACCT-002"), account.Hashed(s.Site.House())-hashed-2 // the owner's
	t.Logf("%d of %d guesses were compared, %d hashes", n, total, hashes)
	if n < 10 || n > 100 || hashes != uint64(n) {
		t.Errorf("%d guesses were compared with %d hashes, want 10 to 100 with as many", n, hashes)
	}
}

// TestASignUpIsNotLostInAFlood: who is told to come again since the line of hashes is full has used up no mail by it.
func TestASignUpIsNotLostInAFlood(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	free, err := account.FillLine(t.Context(), s.Site.House())
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		signUp(s, ann, good).Is(503)
	}
	free()
	signUp(s, ann, good).At("/sign-up/sent")
	if n := len(mails(t, s, ann)); n != 1 {
		t.Errorf("%d mails, want one", n)
	}
	for range 3 { // those that are sent count
		signUp(s, ann, good).At("/sign-up/sent")
	}
	if n := len(mails(t, s, ann)); n != 3 {
		t.Errorf("after four sign-ups %d mails, want 3", n)
	}
}
