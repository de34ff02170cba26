package account_test

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/outbound/fetch"
	"github.com/merlon-web/merlon/password"
)

// stolen is on the list of another site, and on none of this program's.
const stolen = "purple monkey dishwasher trombone"

// pwned is a real server on loopback that speaks the protocol of the list.
type pwned struct {
	down  atomic.Bool
	asked atomic.Int64
	paths chan string
}

func (p *pwned) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	p.asked.Add(1)
	p.paths <- r.URL.Path
	if p.down.Load() {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	sum := sha1.Sum([]byte(stolen))
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	fmt.Fprint(rw, "0018A45C4D1DEF81644B54AB7F969B88D65:0\r\n")
	if r.URL.Path == "/range/"+digits[:5] {
		fmt.Fprint(rw, digits[5:]+":12\r\n")
	}
}

// startPwned returns the list and what a site is configured with.
func startPwned(t *testing.T) (*pwned, *password.Breaches) {
	t.Helper()
	list := &pwned{paths: make(chan string, 100)}
	listener, pattern := listenForList(t)
	server := httptest.NewUnstartedServer(list)
	_ = server.Listener.Close()
	server.Listener = listener
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client, err := fetch.New(fetch.Config{Hosts: []string{"127.0.0.1"}, Roots: roots, InsecurePrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		InsecurePorts: []string{listener.Addr().String()}, InsecureReason: "the test's own server"})
	if err != nil {
		t.Fatal(err)
	}
	return list, password.NewBreaches(client, pattern)
}

// Addresses are constants, so the port is the first that is free of three.
func listenForList(t *testing.T) (net.Listener, fetch.Pattern) {
	t.Helper()
	for at, pattern := range map[string]fetch.Pattern{
		"127.0.0.1:28446": fetch.At("https://127.0.0.1:28446/range/{}"),
		"127.0.0.1:28447": fetch.At("https://127.0.0.1:28447/range/{}"),
		"127.0.0.1:28448": fetch.At("https://127.0.0.1:28448/range/{}"),
	} {
		if l, err := net.Listen("tcp", at); err == nil {
			return l, pattern
		}
	}
	t.Fatal("none of three ports is free")
	return nil, fetch.Pattern{}
}

// TestBreachedPasswordIsRefused: wherever a password is chosen it is looked for in the site's list, which learns five digits of
// its sum; a list that does not answer keeps nobody out, and is left alone for a minute (OWASP ASVS 5.0 6.2.12).
func TestBreachedPasswordIsRefused(t *testing.T) {
	list, breaches := startPwned(t)
	s := merlontest.Start(t, openWith(account.Config{Breaches: breaches}))
	addUser(t, s, ann)
	const words = "collection of passwords that were stolen"
	up := merlontest.Values{"Name": "Ben", "Email": "ben@example.test", "Password": stolen}
	for range 4 { // uses up no mails of the address
		s.Visitor().Get("/sign-up").Submit("/sign-up", up).Is(422).Has(words)
	}
	up["Password"] = "short"
	s.Visitor().Get("/sign-up").Submit("/sign-up", up).Is(422)
	if n := list.asked.Load(); n != 4 {
		t.Errorf("the list was asked %d times, want 4: what is too short is refused without it", n)
	}
	up["Password"] = other
	s.Visitor().Get("/sign-up").Submit("/sign-up", up).At("/sign-up/sent")
	v := signIn(s.Visitor(), ann, good)
	v.Get("/account/password").Submit("/account/password", merlontest.Values{"Current": good, "New": stolen}).Is(422).Has(words)
	v.Submit("/account/password", merlontest.Values{"Current": good, "New": other}).At("/account")
	s.Visitor().Get("/account/reset/ask").Submit("/account/reset/ask", merlontest.Values{"Email": ann})
	r := s.Visitor().Get(link(t, s, ann, 0)).Submit("/account/reset", merlontest.Values{"Password": stolen}).Is(422).Has(words)
	close(list.paths)
	for path := range list.paths {
		if len(path) != len("/range/5BAA6") {
			t.Errorf("the list was told %q", path)
		}
	}

	list.paths = make(chan string, 100)
	list.down.Store(true)
	before := list.asked.Load()
	r.Submit("/account/reset", merlontest.Values{"Password": stolen}).At("/sign-in") // it cannot be known
	up["Email"], up["Password"] = "cem@example.test", stolen
	s.Visitor().Get("/sign-up").Submit("/sign-up", up).At("/sign-up/sent")
	if n := list.asked.Load() - before; n != 1 {
		t.Errorf("a list that does not answer was asked %d times within a minute, want once", n)
	}
	if !strings.Contains(fmt.Sprint(s.Site.CheckDeploy(t.Context()).Findings(0)), account.RuleBreaches.ID) {
		t.Error("check does not say that the list does not answer")
	}
	list.down.Store(false)
	s.Advance(2 * time.Minute)
	s.Visitor().Get("/sign-up").Submit("/sign-up", up).Is(422).Has(words)
	if strings.Contains(fmt.Sprint(s.Site.CheckDeploy(t.Context()).Findings(0)), account.RuleBreaches.ID) {
		t.Error("check says that the list does not answer, which it does again")
	}
}

// TestNobodyIsAskedUnlessNamed: a site without a list asks none.
func TestNobodyIsAskedUnlessNamed(t *testing.T) {
	list, _ := startPwned(t)
	s := merlontest.Start(t, openWith(account.Config{}))
	s.Visitor().Get("/sign-up").Submit("/sign-up", merlontest.Values{"Name": "Ben", "Email": "ben@example.test", "Password": stolen}).At("/sign-up/sent")
	if n := list.asked.Load(); n != 0 {
		t.Errorf("a list was asked %d times", n)
	}
}
