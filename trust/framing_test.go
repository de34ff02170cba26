package trust_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/trust"
)

type framingCase struct {
	ID, Title, Raw string
	Guard          bool
	Repeat         *struct {
		Marker, Text string
		Times        int
	}
	Expect struct {
		Status    any
		NotStatus int `json:"not_status"`
		Close     *bool
		Answers   int
		Body      *string
		Seen      string
		NotSeen   string `json:"not_seen"`
		Header    string
		NoHeader  string `json:"no_header"`
		Nobody    bool
		HalfClose bool `json:"half_close"`
	}
}

// framingSite is the site of vectors/README.md: plain handlers behind the policy. The cases about reading a body (http-026
// to 029, 080, 081, 088) are not this room's: room form and the site's own limits decide them. The handlers here answer
// them as any program should, so they run too and must not be spoilt.
func framingSite(t *testing.T, wrap func(http.Handler) http.Handler) (address string, stop func()) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /get", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s q=%q headers=%v trailer=%v", r.Method, r.URL.Path, r.URL.Query().Get("q"), r.Header, r.Trailer)
	})
	mux.HandleFunc("POST /post", func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 1<<20 {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = w.Write(body)
	})
	mux.HandleFunc("GET /item/{id}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "item ", r.PathValue("id")) })
	mux.HandleFunc("GET /item/{id}/edit", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "edit ", r.PathValue("id")) })
	server := &http.Server{Handler: wrap(mux), DisableGeneralOptionsHandler: true, ReadTimeout: 30 * time.Second}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	return l.Addr().String(), func() { server.Close() }
}

type wireAnswer struct {
	*http.Response
	body string
}

// speak sends raw bytes and reads all answers; closed: the server ended the connection by itself.
func speak(t *testing.T, address, method string, raw []byte, half, willClose bool, expected int) (answers []wireAnswer, closed bool) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(raw); err != nil {
		t.Fatal(err)
	}
	if half {
		conn.(*net.TCPConn).CloseWrite()
	}
	b := bufio.NewReader(conn)
	for {
		wait := time.Minute
		if len(answers) >= max(expected, 1) && !willClose {
			wait = 100 * time.Millisecond // silence: the connection is kept
		}
		conn.SetReadDeadline(time.Now().Add(wait))
		if _, err := b.Peek(1); err != nil {
			return answers, err == io.EOF || strings.Contains(err.Error(), "reset")
		}
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		res, err := http.ReadResponse(b, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("answer %d: %v", len(answers)+1, err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatalf("answer %d: %v", len(answers)+1, err)
		}
		answers = append(answers, wireAnswer{res, string(body)})
	}
}

func TestFramingVectors(t *testing.T) {
	p := mustNew(t, trust.Config{Hosts: []string{"site.test"}})
	address, stop := framingSite(t, func(h http.Handler) http.Handler { return p.Handler(h) })
	defer stop()
	ran, guard := 0, 0
	t.Run("all", func(t *testing.T) {
		for _, c := range load[framingCase](t, "http-framing.json") {
			if c.Guard {
				// net/http has mended or dropped the fault: the guard of the connection sees it. Three of them are seen
				// here all the same, on HTTP/2 too, where there is no such guard.
				guard++
				if !slices.Contains([]string{"http-072", "http-074"}, c.ID) {
					continue
				}
			}
			ran++
			t.Run(c.ID, func(t *testing.T) {
				t.Parallel()
				for _, fault := range judgeFraming(t, address, c) {
					t.Errorf("%s: %s: %s", c.ID, c.Title, fault)
				}
			})
		}
	})
	if ran < 80 || guard < 10 {
		t.Errorf("%d cases ran, %d are the guard's; want at least 80 and 10", ran, guard)
	}
}

// judgeFraming returns in what the answers differ from what is expected.
func judgeFraming(t *testing.T, address string, c framingCase) (faults []string) {
	bad := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	raw := c.Raw
	if c.Repeat != nil {
		raw = strings.Replace(raw, c.Repeat.Marker, strings.Repeat(c.Repeat.Text, c.Repeat.Times), 1)
	}
	bytes := make([]byte, 0, len(raw)) // each character is one byte
	for _, r := range raw {
		bytes = append(bytes, byte(r))
	}
	method, _, _ := strings.Cut(raw, " ")
	answers, closed := speak(t, address, method, bytes, c.Expect.HalfClose, c.Expect.Close != nil && *c.Expect.Close, c.Expect.Answers)
	if len(answers) == 0 {
		return []string{"no answer"}
	}
	a := answers[0]
	var want []string
	switch s := c.Expect.Status.(type) {
	case float64:
		want = []string{strconv.Itoa(int(s))}
	case string:
		want = strings.Split(s, " or ")
	}
	if got := strconv.Itoa(a.StatusCode); want != nil && !slices.Contains(want, got) || a.StatusCode == c.Expect.NotStatus {
		bad("%s %q, want %v", got, a.body, c.Expect.Status)
	}
	if a.StatusCode/100 == 3 {
		bad("redirect to %q", a.Header.Get("Location"))
	}
	if c.Expect.Close != nil && *c.Expect.Close != closed {
		bad("closed %v, want %v", closed, *c.Expect.Close)
	}
	if n := max(c.Expect.Answers, 1); len(answers) != n {
		bad("%d answers, want %d", len(answers), n)
	}
	if c.Expect.Body != nil && a.body != *c.Expect.Body || c.Expect.Nobody && a.body != "" {
		bad("body %q", a.body)
	}
	if c.Expect.Seen != "" && a.StatusCode == 200 && !strings.Contains(a.body, strings.TrimSuffix(c.Expect.Seen, " or none")) {
		bad("%q lacks %q", a.body, c.Expect.Seen)
	}
	if c.Expect.NotSeen != "" && strings.Contains(fmt.Sprint(a.body, a.Header), c.Expect.NotSeen) {
		bad("%q shows %q", a.body, c.Expect.NotSeen)
	}
	if c.Expect.Header != "" && a.Header.Get(c.Expect.Header) == "" || c.Expect.NoHeader != "" && a.Header.Get(c.Expect.NoHeader) != "" {
		bad("header %v", a.Header)
	}
	return faults
}

// Without the policy the same bytes get through: the cases prove it and not net/http.
func TestFramingWithoutThePolicy(t *testing.T) {
	address, stop := framingSite(t, func(h http.Handler) http.Handler { return h })
	defer stop()
	ours := []string{"http-039", "http-043", "http-044", "http-050", "http-051", "http-058", "http-059", "http-060", "http-062",
		"http-072", "http-074", "http-075", "http-079", "http-089"}
	for _, c := range load[framingCase](t, "http-framing.json") {
		if !slices.Contains(ours, c.ID) {
			continue
		}
		c.Expect.Close = nil
		if len(judgeFraming(t, address, c)) == 0 {
			t.Errorf("%s: %s: passes without the policy", c.ID, c.Title)
		}
	}
}
