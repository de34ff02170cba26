package attack_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/internal/e2e/need"
)

// noSlow is a budget in which half a head is not held for twenty seconds: that needs more than forty.
const noSlow = 40 * time.Second

// framed are the vectors of what class platform tells of framing at an address.
func framed(t *testing.T, address string, budget time.Duration) (lax []string, report *attack.Report) {
	t.Helper()
	report, err := attack.URL(t.Context(), address, attack.Profile{}, attack.Options{Classes: []string{"platform"}, Budget: budget})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.ID == attack.RuleFraming.ID {
			lax = append(lax, strings.TrimSuffix(strings.TrimPrefix(f.Route, "every route ("), ")"))
		}
	}
	slices.Sort(lax)
	return lax, report
}

// TestFraming: what net/http itself takes is told, whatever the handler says to a POST and however long it thinks.
func TestFraming(t *testing.T) {
	t.Parallel()
	want := []string{"Transfer-Encoding in HTTP/1.0", "Transfer-Encoding with Content-Length", "a folded header", "a line that ends in LF alone", "a request smuggled behind both"}
	for name, c := range map[string]struct {
		post int
		slow time.Duration
	}{"taken": {http.StatusOK, 0}, "no form": {http.StatusMethodNotAllowed, 0}, "forged": {http.StatusForbidden, 0}, "slow": {http.StatusForbidden, 700 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(c.slow)
				if r.Method == http.MethodPost {
					w.WriteHeader(c.post)
				}
			}))
			defer srv.Close()
			if lax, report := framed(t, srv.URL, noSlow); !slices.Equal(lax, want) {
				t.Errorf("found %q, want %q\n%s", lax, want, report.Coverage)
			}
		})
	}
}

// wireServer answers each connection with what answer makes of the first bytes, and keeps it open if that is nothing.
func wireServer(t *testing.T, answer func(head string) string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 4096)
				n, err := c.Read(b)
				if err != nil {
					return
				}
				if text := answer(string(b[:n])); text != "" {
					_, _ = io.WriteString(c, text)
					return
				}
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

const (
	wireOK  = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	wireBad = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)

// inDoubt reports whether a head is one of those that the attacker writes to be refused.
func inDoubt(head string) bool {
	return strings.Contains(head, "Transfer-Encoding") || strings.Count(head, "Content-Length") > 1 || strings.Contains(head, "\n c") || strings.Count(head, "Host") > 1 || !strings.Contains(head, "\r\n")
}

// TestFramingRefused: a server that refuses what is in doubt, or closes, has no finding; one that says nothing, or the same to all, is
// not called clean.
func TestFramingRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		doubt, plain string
		told         string
	}{
		"refuses": {wireBad, wireOK, ""},
		"closes":  {"\r\n", wireOK, ""},
		"silent":  {"", wireOK, "framing: a folded header: no answer within "},
		"always":  {wireBad, wireBad, "framing: a folded header was answered with 400, which does not tell"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := wireServer(t, func(head string) string {
				if inDoubt(head) {
					return c.doubt
				}
				return c.plain
			})
			lax, report := framed(t, address, noSlow)
			told := strings.Join(report.Coverage.NotReached, "\n")
			if len(lax) > 0 || strings.Contains(told, "framing: ") != (c.told != "") || !strings.Contains(told, c.told) {
				t.Errorf("found %q; not reached:\n%s", lax, told)
			}
			if c.told != "" && !tally(report, "platform").Open {
				t.Errorf("the class is called %s", tally(report, "platform").Verdict)
			}
		})
	}
}

// TestSlowHead: a server that waits for the end of a head for ever is told, one that does not is not.
func TestSlowHead(t *testing.T) {
	t.Parallel()
	need.Time(t, "holds a connection for 20 seconds")
	for name, limit := range map[string]time.Duration{"for ever": 0, "for a second": time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewUnstartedServer(http.NotFoundHandler())
			srv.Config.ReadHeaderTimeout = limit
			srv.Start()
			defer srv.Close()
			_, report := framed(t, srv.URL, 10*time.Minute)
			if found := slices.Contains(told(report), attack.RuleSlow.ID+" every route"); found != (limit == 0) {
				t.Errorf("found %v\n%s", found, report.Coverage)
			}
		})
	}
}
