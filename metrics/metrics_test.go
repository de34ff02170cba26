package metrics_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"embed"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/metrics"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed metrics_test.go
var none embed.FS

var noPages, noStatements = page.From(none, "."), db.From(none, ".")

type one struct {
	ID int64 `path:"id"`
}

func number(_ *merlon.Read[merlon.Visitor], in one) (*merlon.Response, error) {
	if in.ID == 13 {
		return nil, errors.New("planted")
	}
	return merlon.Text("number " + strconv.FormatInt(in.ID, 10)), nil
}

// leaf is a certificate with nine days left.
type leaf struct{ end time.Time }

func (leaf) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("none") }
func (leaf) Protocols() []string                                { return nil }
func (l leaf) Leaves(context.Context) []*x509.Certificate {
	return []*x509.Certificate{{SerialNumber: big.NewInt(1), DNSNames: []string{"shop.example"}, NotBefore: l.end.Add(-90 * 24 * time.Hour), NotAfter: l.end}}
}

func open(env merlon.Env) (*merlon.Site, error) {
	env.Certificates = leaf{time.Now().Add(9*24*time.Hour + time.Hour)}
	part := metrics.New()
	part.Gauges = func(context.Context, *merlon.House) ([]merlon.Gauge, error) { // as room backup's
		return []merlon.Gauge{{Name: "merlon_backup_age_seconds", Help: "h", Value: 90}}, errors.New("another one could not be read")
	}
	return merlon.New(env, merlon.Config{Name: "shop", Engine: sqlite.Engine("x.db"), Pages: noPages, Schema: noStatements,
		Parts:  []merlon.Part{account.New(account.Config{}), part},
		Routes: []merlon.Route{merlon.Get("/number/{id}", merlon.Public(), number)}})
}

func collect(t *testing.T, s *merlontest.Server) string {
	t.Helper()
	h := s.Site.HealthPage("/metrics")
	if h == nil {
		t.Fatal("there is no /metrics")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %s", w.Code, w.Header().Get("Content-Type"))
	}
	return w.Body.String()
}

// value is one line's number, -1 without such a line.
func value(text, line string) float64 {
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(line) + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		return -1
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	return n
}

// TestMetrics: what an operator asks for is there, with the right numbers, and a flood of what visitors choose makes no
// line more.
func TestMetrics(t *testing.T) {
	s := merlontest.Start(t, open)
	v := s.Visitor()
	v.Get("/number/1").Is(200)
	v.Get("/number/2").Is(200)
	v.Get("/number/13").Is(500)
	s.SignedIn("ann")
	s.Visitor().Get("/sign-in").Submit("/sign-in", merlontest.Values{"Email": "nobody@example.org", "Password": "wrong wrong wrong"}).Is(422)
	to, err := mailbox.ParseAddress("ann@example.org")
	if err != nil {
		t.Fatal(err)
	}
	s.Write(func(w *db.Writer) error {
		return s.Site.House().Mails.Queue(w, mailbox.Mail{To: to, Kind: "test", Subject: "s", Text: "t"})
	})
	wants := map[string]float64{
		`merlon_requests_total{method="GET",route="/number/{id}",status="200"}`: 2,
		`merlon_requests_total{method="GET",route="/number/{id}",status="500"}`: 1,
		`merlon_request_seconds_count{route="/number/{id}"}`:                    3,
		`merlon_events_total{id="MRL-ACCT-002",outcome="failed"}`:               1,
		`merlon_events_total{id="MRL-SITE-010",outcome="failed"}`:               1,
		`merlon_sessions`:               1,
		`merlon_mails{state="failed"}`:  0,
		`merlon_jobs{state="waiting"}`:  0,
		`merlon_jobs{state="given up"}`: 0,
		`merlon_backup_age_seconds`:     90,
	}
	var text string
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) { // a request is told after its answer
		there := 0
		text = collect(t, s)
		for line, want := range wants {
			if value(text, line) == want {
				there++
			}
		}
		if there == len(wants) || time.Now().After(end) {
			break
		}
	}
	for line, want := range wants {
		if got := value(text, line); got != want {
			t.Errorf("%s is %v, want %v\n%s", line, got, want, own(text))
		}
	}
	if n := value(text, `merlon_mails{state="queued"}`); n < 1 {
		t.Errorf("%v mails wait, one was queued", n)
	}
	if days := value(text, `merlon_certificate_days_left{host="shop.example"}`); days < 9 || days > 9.1 {
		t.Errorf("the certificate has %v days, want 9", days)
	}
	if value(text, "go_goroutines") < 1 || value(text, "process_open_fds") < 1 {
		t.Error("what Go and the process are is not told")
	}

	for n := range 50 {
		r, _ := http.NewRequest("GET", "http://"+s.Addr()+"/no/"+strconv.Itoa(n)+"?q="+strconv.Itoa(n), nil)
		r.Host, r.Method = "localhost", "X"+strconv.Itoa(n)
		if n%2 == 0 {
			r.Host, r.Method = "host"+strconv.Itoa(n)+".example", "GET"
		}
		r.Header.Set("User-Agent", "agent"+strconv.Itoa(n))
		v.Do(r)
	}
	before := strings.Count(own(text), "\n")
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if text = collect(t, s); value(text, `merlon_events_total{id="MRL-TRUST-001",outcome="refused"}`) == 25 || time.Now().After(end) {
			break
		}
	}
	if n := value(text, `merlon_events_total{id="MRL-TRUST-001",outcome="refused"}`); n != 25 {
		t.Errorf("25 refusals of a host are %v", n)
	}
	if after := strings.Count(own(text), "\n"); after > before+30 { // one route "", two statuses, a few rules
		t.Errorf("50 requests of a kind made %d lines of %d\n%s", after, before, own(text))
	}
	if strings.Contains(text, "agent") || strings.Contains(text, "host4") || strings.Contains(text, "X3") || strings.Contains(text, "/no/") {
		t.Errorf("a visitor's text is a label:\n%s", own(text))
	}
}

// own is what of the text is Merlon's.
func own(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "merlon_") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// Visitors do not reach it.
func TestNoVisitorReachesIt(t *testing.T) {
	s := merlontest.Start(t, open)
	s.Visitor().Get("/metrics").Is(404)
	if s.Site.HealthPage("/nowhere") != nil {
		t.Error("there is a page of another name")
	}
}

// A site that does not list the room links none of Prometheus.
func TestOnlyWhoListsItLinksIt(t *testing.T) {
	for program, want := range map[string]bool{"../examples/club": false, "../cli": false, ".": true} {
		out, err := exec.Command("go", "list", "-deps", program).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(out), "github.com/prometheus/"); got != want {
			t.Errorf("%s links Prometheus: %v, want %v", program, got, want)
		}
	}
}
