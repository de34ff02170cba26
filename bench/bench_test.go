package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// The test binary is a server when a bench starts it as a child.
func TestMain(m *testing.M) {
	sessionCount = 200
	if name := os.Getenv(serveVariable); name != "" {
		fmt.Fprintln(os.Stderr, child(name))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func testBench(t *testing.T) *bench {
	t.Helper()
	return newBench(t.Context(), t.TempDir(), 1, 20*time.Millisecond)
}

func TestEverySideShowsOnePage(t *testing.T) {
	need.Time(t, "starts five servers")
	b := testBench(t)
	floor, err := b.startSide(t.Context(), "floor")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(floor.stop)
	for _, name := range []string{"merlon", "kit", "hand", "django"} {
		t.Run(name, func(t *testing.T) {
			s, err := b.startSide(t.Context(), name)
			var skip skipped
			if errors.As(err, &skip) {
				t.Skip(skip)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.stop)
			if err := equalSides(t.Context(), s, floor, 2); err != nil {
				t.Error(err)
			}
			a, err := load(s.addr, 2, everybody(s.requests))(t.Context(), 20*time.Millisecond)
			if err != nil || a.ops == 0 || a.p99 == 0 {
				t.Errorf("load: %+v, %v; want some answers", a, err)
			}
		})
	}
}

func TestSessionsAreNeeded(t *testing.T) {
	b := testBench(t)
	s, err := b.startSide(t.Context(), "kit")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	a, err := fetch(t.Context(), s.addr, get(0, "/notes", "__Host-session="+randomToken()))
	if err != nil || a.status != http.StatusForbidden {
		t.Errorf("a made-up session got %d, %v; want 403", a.status, err)
	}
	if _, err := load(s.addr, 1, everybody([][]byte{get(0, "/notes")}))(t.Context(), 10*time.Millisecond); err == nil {
		t.Error("load without a session: no error; a refusal must not count as an answer")
	}
}

func TestRenderersAgree(t *testing.T) {
	p := NotesPage{User: visitor(7), Token: strings.Repeat("x", 86), Notes: notes(rowCount)}
	tmpl, err := notesTemplate()
	if err != nil {
		t.Fatal(err)
	}
	var want, byTempl bytes.Buffer
	if err := tmpl.Execute(&want, p); err != nil {
		t.Fatal(err)
	}
	if n := want.Len(); n < 15_000 || n > 17_000 {
		t.Errorf("the page has %d bytes, want 16 KB", n)
	}
	if err := equalTexts("html/template", want.String(), "hand", string(appendPage(nil, &p))); err != nil {
		t.Error(err)
	}
	if err := templNotes(&p).Render(t.Context(), &byTempl); err != nil {
		t.Fatal(err)
	}
	if err := equalTexts("html/template", squeeze(want.String()), "templ", squeeze(byTempl.String())); err != nil {
		t.Error(err)
	}
}

func TestPagesThatDifferAreFound(t *testing.T) {
	field := func(name, value string) string {
		return `<form method="post">` + `<input type="hidden" name="` + name + `" value="` + value + `"></form>`
	}
	for _, c := range []struct {
		name, a, b string
		equal      bool
	}{
		{"tokens of two sides", field("merlon_token", "AB-_cd"), field("csrf_token", "x+/="), true},
		{"a token escaped by html/template", field("csrf_token", "x&#43;/=="), field("csrfmiddlewaretoken", "a1"), true},
		{"a side without tokens", field("csrf_token", "a"), `<form method="post"></form>`, true},
		{"another text", "<p>one</p>", "<p>two</p>", false},
		{"another hidden field", field("next", "a"), `<form method="post"></form>`, false},
		{"one page shorter", "<p>one</p>", "<p>one</p>\n", false},
	} {
		if err := equalPages("a", []byte(c.a), "b", []byte(c.b)); (err == nil) != c.equal {
			t.Errorf("%s: got %v, want equal %v", c.name, err, c.equal)
		}
	}
}

func TestClientReadsEveryBody(t *testing.T) {
	text := strings.Repeat("0123456789", 2000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/length":
			w.Header().Set("Content-Length", fmt.Sprint(len(text)))
		case "/close":
			w.Header().Set("Connection", "close")
		}
		io.WriteString(w, text[:100])
		if r.URL.Path == "/chunks" {
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, text[100:])
	}))
	defer s.Close()
	c := &client{addr: s.Listener.Addr().String()}
	defer c.close()
	for _, path := range []string{"/length", "/chunks", "/close", "/length"} {
		for _, keep := range []bool{true, false} {
			a, err := c.ask(t.Context(), get(0, path), keep)
			if err != nil || a.status != 200 || a.length != len(text) || keep && string(a.body) != text {
				t.Errorf("%s: status %d, %d bytes, %v; want 200 and %d", path, a.status, a.length, err, len(text))
			}
		}
	}
	s.CloseClientConnections() // as after a pause that was too long
	if _, err := c.ask(t.Context(), get(0, "/length"), false); err != nil {
		t.Errorf("after an idle connection was closed: %v", err)
	}
}

func TestFigures(t *testing.T) {
	if got, want := spreadOf([]float64{3, 1, 2, 10}), (spread{1, 2.5, 10}); got != want {
		t.Errorf("spread: got %v, want %v", got, want)
	}
	times := make([]time.Duration, 200)
	for i := range times {
		times[len(times)-1-i] = time.Duration(i + 1)
	}
	if got := percentile99(times); got != 198 {
		t.Errorf("p99 of 1…200: got %d, want 198", got)
	}
	a := []sample{{ops: 200, took: time.Second}, {ops: 300, took: time.Second}}
	b := []sample{{ops: 100, took: time.Second}, {ops: 100, took: time.Second}}
	if got := ratios(a, b, byRate); got != (spread{2, 2.5, 3}) {
		t.Errorf("ratios: got %v", got)
	}
	for _, c := range []struct {
		row  row
		got  outcome
		want bool
	}{
		{row{hold: 7}, outcome{spread: spread{median: 7.1}}, true},
		{row{hold: 7}, outcome{spread: spread{median: 6.9}}, false},
		{row{hold: 7, most: true}, outcome{spread: spread{median: 6.9}}, true},
		{row{hold: 7}, outcome{spread: spread{median: 9}, also: []condition{{"p99", false}}}, false},
	} {
		if got := c.row.met(c.got); got != c.want {
			t.Errorf("%+v with %+v: met %v, want %v", c.row, c.got, got, c.want)
		}
	}
	for x, want := range map[float64]float64{0: 0, 1234.56: 1235, 0.0123456: 0.01235, 8: 8} {
		if got := round(x); got != want {
			t.Errorf("round(%v): got %v, want %v", x, got, want)
		}
	}
}

func TestRoundsTakeTurns(t *testing.T) {
	var order []string
	side := func(name string) turn {
		return func(context.Context, time.Duration) (sample, error) {
			order = append(order, name)
			return sample{ops: 1, took: 1}, nil
		}
	}
	if _, _, err := rounds(t.Context(), 3, time.Second, side("a"), side("b")); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ""); got != "abababab" { // the first two warm up
		t.Errorf("order %s, want abababab", got)
	}
}

func TestLookupFindsWhatWasBegun(t *testing.T) {
	s, err := testBench(t).lookupSide(t.Context(), 500, 1500)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close(t.Context())
	if a, err := s.turn(t.Context(), 10*time.Millisecond); err != nil || a.ops == 0 {
		t.Errorf("%+v, %v; want look-ups without an error", a, err)
	}
}

func TestFlood(t *testing.T) {
	need.Time(t, "hashes for seconds")
	b := testBench(t)
	o, err := flood(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if o.median <= 0 || len(o.also) != 5 {
		t.Errorf("%+v; want a ratio and five conditions", o)
	}
}

// TestServers: both sides show one page on PostgreSQL, with and without Valkey, and a session is found there among strangers' rows.
func TestServers(t *testing.T) {
	need.Time(t, "starts PostgreSQL and Valkey")
	measured := func(o outcome, err error) {
		t.Helper()
		if none, ok := errors.AsType[skipped](err); ok {
			need.Missing(t, string(none), "apt-get install postgresql redis-server")
		}
		if err != nil || o.median <= 0 || o.note == "" {
			t.Errorf("%+v, %v", o, err)
		}
	}
	for _, withValkey := range []bool{false, true} {
		b := testBench(t)
		b.turn = 200 * time.Millisecond // time of the cores is counted in hundredths
		measured(onServers(withValkey)(t.Context(), b))
	}
	b := testBench(t)
	measured(oneWriter(t.Context(), b))
	measured(formRate(t.Context(), b))
	for _, side := range []func(context.Context, int, int) (*lookupSide, error){b.valkeySide, b.postgresSide} {
		s, err := side(t.Context(), 500, 12_000)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.turn(t.Context(), 10*time.Millisecond); err != nil || got.ops == 0 {
			t.Errorf("%+v, %v", got, err)
		}
		_ = s.close(t.Context())
	}
}

var rowNames = []string{"page-http/floor", "page-http/kit", "page-http/hand", "page-http/django", "page/floor", "render/hand", "render/templ",
	"hello-http/floor", "layers", "flood", "enum/sign-in", "enum/sign-up", "enum/reset", "sessions-1m", "page-postgres/hand", "page-valkey/hand", "page-replicas", "postgres-write", "forms", "sessions-valkey", "sessions-postgres", "sqlite-read", "sqlite-rows", "sqlite-mixed"}

func TestTable(t *testing.T) {
	var names []string
	for _, r := range rows() {
		names = append(names, r.name)
	}
	if !slices.Equal(names, rowNames) {
		t.Errorf("rows %v, want %v", names, rowNames)
	}
	some, err := choose(rows(), "render/,layers")
	if err != nil || len(some) != 3 {
		t.Errorf("choose render/,layers: %d rows, %v; want 3", len(some), err)
	}
	if _, err := choose(rows(), "page-htttp/floor"); err == nil {
		t.Error("choose accepts a row that is not there")
	}
}

// TestRun is the program from its flags to its object: the exact keys, one line a row.
func TestRun(t *testing.T) {
	var out, progress bytes.Buffer
	args := []string{"-json", "-rounds", "1", "-turn", "10ms", "-only", "page-http/kit,page/floor,render/,hello-http/floor,sqlite-rows"}
	if err := run(t.Context(), args, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	var got struct{ Rows []map[string]any }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, r := range got.Rows {
		for _, key := range []string{"name", "against", "ratio", "low", "high", "hold", "met"} {
			if _, ok := r[key]; !ok || len(r) != 7 {
				t.Errorf("row %v: want exactly the seven keys, %q among them", r, key)
			}
		}
	}
	skips := strings.Count(progress.String(), ": skipped: ")
	if len(got.Rows)+skips != 6 {
		t.Errorf("%d rows and %d skipped, want 6\n%s", len(got.Rows), skips, &progress)
	}
}
