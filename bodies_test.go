package merlon_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/sqlite"
)

type longText struct {
	Text string `form:"max=100000" label:"Text"`
}

func takeLong(w *merlon.Write[merlon.Visitor], f form.Form[longText]) (*merlon.Response, error) {
	v, ok := f.Value()
	if !ok {
		return merlon.JSONProblems(422, f), nil
	}
	return merlon.Text(v.Text[:1]), nil
}

// heldBody is a body that comes to its last byte and waits there.
type heldBody struct {
	*bytes.Reader
	arrived sync.Once
	there   chan struct{}
	goOn    chan struct{}
}

func (h *heldBody) Read(p []byte) (int, error) {
	if h.Len() == 0 { // all was counted
		h.arrived.Do(func() { close(h.there) })
		<-h.goOn
	}
	return h.Reader.Read(p)
}

// TestBodiesInSum: the bodies that are under way are bounded together, those of one network and those of all; whoever comes
// when they are too many is told when to come again, and is served when they are over.
func TestBodiesInSum(t *testing.T) {
	var log lockedText
	site, err := merlon.New(merlon.Env{Mode: merlon.Production, Data: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil)),
		Clock: func() time.Time { return time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC) }, Settings: merlon.Settings{Origin: "https://example.test"}},
		merlon.Config{Engine: sqlite.Engine("x.db"), Pages: noPages, Schema: noStatements, Routes: []merlon.Route{
			merlon.Post("/long", merlon.Public(), takeLong, merlon.InsecureNoToken("a test of sums"), merlon.MaxBody(50_000)),
			merlon.Mount("/mounted", merlon.Public(), http.HandlerFunc(countedHandler), merlon.InsecureNoToken("a test of sums"), merlon.MaxBody(50_000)),
		}})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer site.Close(t.Context())
	site.BoundBodies(400_000) // of which one network has 100,000

	post := func(path, from string, body io.Reader) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", path, body)
		r.Host, r.RemoteAddr, r.TLS = "example.test", from+":40000", &tls.ConnectionState{}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rw := httptest.NewRecorder()
		site.ServeHTTP(rw, r)
		return rw
	}
	text := []byte("Text=" + strings.Repeat("a", 40_000))
	goOn := make(chan struct{})
	var waiting sync.WaitGroup
	hold := func(path, from string) {
		h := &heldBody{Reader: bytes.NewReader(text), there: make(chan struct{}), goOn: goOn}
		waiting.Go(func() {
			if rw := post(path, from, h); rw.Code != 200 {
				t.Errorf("a body that had come is answered %d", rw.Code)
			}
		})
		<-h.there
	}
	refused := func(what, from string, status int) {
		t.Helper()
		rw := post("/long", from, bytes.NewReader(text))
		if rw.Code != status || rw.Header().Get("Retry-After") != "15" || rw.Header().Get("Connection") != "close" || !strings.Contains(rw.Body.String(), "Nothing was changed.") {
			t.Errorf("%s: %d, want %d; %v\n%s", what, rw.Code, status, rw.Header(), rw.Body)
		}
	}
	hold("/long", "192.0.2.1")
	hold("/mounted", "192.0.2.1")
	refused("a third of one network", "192.0.2.1", 429)
	if !strings.Contains(log.String(), "id="+merlon.RuleRate.ID) || !strings.Contains(log.String(), "of=bodies") {
		t.Errorf("the refusal is no event:\n%s", log.String())
	}
	if rw := post("/long", "192.0.2.1", strings.NewReader("Text=abc")); rw.Code != 200 {
		t.Errorf("a small one beside them: %d", rw.Code)
	}
	for _, from := range []string{"192.0.2.2", "192.0.2.3", "192.0.2.4"} {
		hold("/long", from)
		hold("/mounted", from)
	}
	hold("/long", "192.0.2.5") // 360,045
	refused("the tenth of all", "192.0.2.6", 503)
	close(goOn)
	waiting.Wait()
	for range 3 { // what is over counts no more
		if rw := post("/long", "192.0.2.1", bytes.NewReader(text)); rw.Code != 200 {
			t.Errorf("afterwards: %d", rw.Code)
		}
	}

	site.BoundBodies(1000) // less than the route's own limit: one may always come
	if rw := post("/long", "192.0.2.7", bytes.NewReader(text)); rw.Code != 200 {
		t.Errorf("one alone: %d", rw.Code)
	}
}

type largeFile struct {
	File form.File `form:"required,max_bytes=2000000,types=text/plain" label:"File"`
}

func takeLargeFile(_ *merlon.Write[merlon.Visitor], f form.Form[largeFile]) (*merlon.Response, error) {
	if _, ok := f.Value(); !ok {
		return merlon.JSONProblems(422, f), nil
	}
	return merlon.Text("kept"), nil
}

// TestUploadsCountWhatIsHeld: the files of a body go to the disk, so that what counts of it is the memory that its texts may take.
func TestUploadsCountWhatIsHeld(t *testing.T) {
	site, err := merlon.New(merlon.Env{Mode: merlon.Production, Data: t.TempDir(), Settings: merlon.Settings{Origin: "https://example.test"}},
		merlon.Config{Engine: sqlite.Engine("x.db"), Pages: noPages, Schema: noStatements, Routes: []merlon.Route{
			merlon.Post("/file", merlon.Public(), takeLargeFile, merlon.InsecureNoToken("a test of sums")),
		}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := site.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer site.Close(t.Context())
	site.BoundBodies(60_000_000) // of which one network has 15,000,000: less than twelve files, more than what is held of them
	body := []byte("--x\r\nContent-Disposition: form-data; name=\"File\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n" + strings.Repeat("a line\n", 270_000) + "\r\n--x--\r\n")
	goOn := make(chan struct{})
	var waiting sync.WaitGroup
	for range 12 {
		h := &heldBody{Reader: bytes.NewReader(body), there: make(chan struct{}), goOn: goOn}
		waiting.Go(func() {
			r := httptest.NewRequest("POST", "/file", h)
			r.Host, r.RemoteAddr, r.TLS = "example.test", "192.0.2.1:40000", &tls.ConnectionState{}
			r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			rw := httptest.NewRecorder()
			site.ServeHTTP(rw, r)
			if rw.Code != 200 || rw.Body.String() != "kept" {
				h.arrived.Do(func() { close(h.there) })
				t.Errorf("%d %s", rw.Code, rw.Body)
			}
		})
		<-h.there
	}
	close(goOn)
	waiting.Wait()
}
