package csrf_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/event"
)

// site is a plain net/http program: a page with two forms, and what they do.
func site(t *testing.T) (h http.Handler, done *[]string, events *[]string) {
	done, events = new([]string), new([]string)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /plain", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "no form") })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		page := csrf.Field(w, r, "/add") + "|" + csrf.Field(w, r, "https://site.test/delete?x=1") + "|" + csrf.Field(w, r, "https://evil.test/add") + "|" + csrf.Field(w, r, "//evil.test/add")
		fmt.Fprint(w, page)
	})
	for _, path := range []string{"/add", "/delete"} {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { *done = append(*done, path+" "+r.PostFormValue("Text")) })
	}
	guarded := csrf.Handler(own, key, mux)
	recorder := event.RecorderFunc(func(_ context.Context, e event.Event) { *events = append(*events, e.ID) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded.ServeHTTP(w, r.WithContext(event.With(r.Context(), recorder)))
	}), done, events
}

func get(t *testing.T, h http.Handler, path string, cookies ...*http.Cookie) *http.Response {
	r := httptest.NewRequest("GET", own+path, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func tokens(t *testing.T, page *http.Response) []string {
	body, _ := io.ReadAll(page.Body)
	var all []string
	for _, field := range strings.Split(string(body), "|") {
		value, _ := strings.CutPrefix(field, `<input type="hidden" name="merlon_token" value="`)
		all = append(all, strings.TrimSuffix(value, `">`))
	}
	return all
}

func post(h http.Handler, path, token string, cookies []*http.Cookie, headers ...string) int {
	r := httptest.NewRequest("POST", own+path, strings.NewReader(url.Values{"Text": {"hello"}, csrf.FieldName: {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestHandler(t *testing.T) {
	h, done, events := site(t)
	page := get(t, h, "/")
	cookies := page.Cookies()
	if len(cookies) != 1 || page.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got cookies %v, Cache-Control %q, want one cookie and no-store", cookies, page.Header.Get("Cache-Control"))
	}
	if set := page.Header.Get("Set-Cookie"); !strings.HasPrefix(set, "__Host-form=") || !strings.Contains(set, "; Path=/; HttpOnly; Secure; SameSite=Lax") || strings.Contains(set, "Domain") {
		t.Errorf("got cookie %q", set)
	}
	field := tokens(t, page)
	if field[2] != "" || field[3] != "" {
		t.Errorf("got token %q and %q for a form to another origin, want none", field[2], field[3])
	}
	if post(h, "/add", field[0], cookies, "Origin", own) != 200 || post(h, "/delete", field[1], cookies, "Sec-Fetch-Site", "same-origin") != 200 {
		t.Error("honest posts refused")
	}
	if got := strings.Join(*done, ","); got != "/add hello,/delete hello" {
		t.Errorf("the handlers saw %q", got)
	}
	if second := get(t, h, "/", cookies...); len(second.Cookies()) != 0 || post(h, "/add", tokens(t, second)[0], cookies, "Origin", own) != 200 {
		t.Error("a second page sets the cookie again, or its token is refused")
	}
	if plain := get(t, h, "/plain"); len(plain.Cookies()) != 0 || plain.Header.Get("Cache-Control") != "" || plain.Header.Get("Vary") == "" {
		t.Error("a page without a form sets a cookie, is not cacheable, or lacks Vary")
	}

	*done, *events = nil, nil
	stranger := get(t, h, "/")
	made := []*http.Cookie{{Name: "__Host-form", Value: strings.Repeat("A", 86)}}
	for _, c := range []struct {
		name, path, token string
		cookies           []*http.Cookie
		headers           []string
		event             string
	}{
		{"no token", "/add", "", cookies, []string{"Origin", own}, "MRL-CSRF-009"},
		{"token of the other form", "/add", field[1], cookies, []string{"Origin", own}, "MRL-CSRF-009"},
		{"token of a stranger (login CSRF)", "/add", tokens(t, stranger)[0], cookies, []string{"Origin", own}, "MRL-CSRF-009"},
		{"no cookie", "/add", field[0], nil, []string{"Origin", own}, "MRL-CSRF-009"},
		{"two cookies", "/add", field[0], append(stranger.Cookies(), cookies...), []string{"Origin", own}, "MRL-CSRF-009"},
		{"two cookies, the own one first", "/add", field[0], append(cookies[:1:1], stranger.Cookies()...), []string{"Origin", own}, "MRL-CSRF-009"},
		{"cookie made up by the client", "/add", string(csrf.AppendToken(nil, key, []byte(made[0].Value), "/add", nil)), made, []string{"Origin", own}, "MRL-CSRF-009"},
		{"cookie of the own token", "/add", field[0], []*http.Cookie{{Name: "__Host-form", Value: field[0]}}, []string{"Origin", own}, "MRL-CSRF-009"},
		{"valid token from another origin", "/add", field[0], cookies, []string{"Origin", "https://evil.test"}, "MRL-CSRF-002"},
		{"valid token without proof of origin", "/add", field[0], cookies, nil, "MRL-CSRF-001"},
		{"two tokens in headers", "/add", field[0], cookies, []string{"Origin", own, csrf.HeaderName, field[0], csrf.HeaderName, field[0]}, "MRL-CSRF-009"},
	} {
		*events = nil
		if code := post(h, c.path, c.token, c.cookies, c.headers...); code != 403 {
			t.Errorf("%s: got %d, want 403", c.name, code)
		}
		if got := strings.Join(*events, ","); got != c.event {
			t.Errorf("%s: recorded %q, want %q", c.name, got, c.event)
		}
	}
	if len(*done) > 0 {
		t.Errorf("a refused post was handled: %v", *done)
	}
}

func TestHandlerOtherCarriers(t *testing.T) {
	h, done, _ := site(t)
	page := get(t, h, "/")
	token := tokens(t, page)[0]
	send := func(contentType string, body io.Reader, headers ...string) int {
		r := httptest.NewRequest("POST", own+"/add", body)
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Origin", own)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		r.AddCookie(page.Cookies()[0])
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	var multi bytes.Buffer
	m := multipart.NewWriter(&multi)
	_ = m.WriteField(csrf.FieldName, token)
	_ = m.WriteField("Text", "parts")
	_ = m.Close()
	if code := send(m.FormDataContentType(), &multi); code != 200 {
		t.Errorf("multipart: got %d, want 200", code)
	}
	if code := send("application/json", strings.NewReader("{}"), csrf.HeaderName, token); code != 200 {
		t.Errorf("token in a header: got %d, want 200", code)
	}
	if got := strings.Join(*done, ","); got != "/add parts,/add " {
		t.Errorf("the handler saw %q", got)
	}
	if code := send("application/json", strings.NewReader(`{"merlon_token":"`+token+`"}`)); code != 403 {
		t.Errorf("token in JSON: got %d, want 403", code)
	}
	if code := send("application/x-www-form-urlencoded", strings.NewReader(csrf.FieldName+"="+token+"&"+csrf.FieldName+"="+token)); code != 403 {
		t.Errorf("token twice: got %d, want 403", code)
	}
	r := httptest.NewRequest("POST", own+"/add?"+csrf.FieldName+"="+token, nil)
	r.Header.Set("Origin", own)
	r.AddCookie(page.Cookies()[0])
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 403 {
		t.Errorf("token in the address: got %d, want 403", w.Code)
	}
	if csrf.Field(httptest.NewRecorder(), httptest.NewRequest("GET", own, nil), "/add") != "" {
		t.Error("Field outside of a Handler: got a token, want none")
	}
}

// TestHandlerLeavesNoFiles: a large upload is within the limit and leaves nothing on the disk; one above it is refused.
func TestHandlerLeavesNoFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	h, done, _ := site(t)
	page := get(t, h, "/")
	server := httptest.NewServer(h)
	defer server.Close()
	for size, want := range map[int]int{5 << 20: 200, 11 << 20: 403} {
		var body bytes.Buffer
		m := multipart.NewWriter(&body)
		file, _ := m.CreateFormFile("File", "a.bin")
		_, _ = file.Write(make([]byte, size))
		_ = m.WriteField(csrf.FieldName, tokens(t, get(t, h, "/", page.Cookies()...))[0])
		_ = m.Close()
		r, _ := http.NewRequest("POST", server.URL+"/add", &body)
		r.Header.Set("Content-Type", m.FormDataContentType())
		r.Header.Set("Origin", own)
		r.AddCookie(page.Cookies()[0])
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			if want == 200 { // a refused upload may also find its connection closed
				t.Error(err)
			}
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%d bytes: got %d, want %d", size, answer.StatusCode, want)
		}
	}
	server.Close()
	if left, _ := os.ReadDir(dir); len(left) > 0 || len(*done) != 1 {
		t.Errorf("got %d files left in %s and %d posts handled, want none and one", len(left), dir, len(*done))
	}
}

func ExampleHandler() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		// In a template: {{.Token}}, of type template.HTML.
		fmt.Fprintf(w, `<form method="post" action="/add">%s<input name="Text"></form>`, csrf.Field(w, r, "/add"))
	})
	mux.HandleFunc("POST /add", func(w http.ResponseWriter, r *http.Request) { fmt.Println("added") })
	key := make([]byte, 32) // read it from a file that only the site may read
	guarded := csrf.Handler("https://site.test", key, mux)

	forged := httptest.NewRequest("POST", "https://site.test/add", nil)
	forged.Header.Set("Origin", "https://evil.test")
	w := httptest.NewRecorder()
	quiet := event.With(forged.Context(), event.RecorderFunc(func(context.Context, event.Event) {}))
	guarded.ServeHTTP(w, forged.WithContext(quiet))
	fmt.Println(w.Code)
	// Output: 403
}
