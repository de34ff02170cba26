package several_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// visitor is a browser in a network of its own. It follows no redirect and tries nothing again by itself.
type visitor struct {
	w      *world
	client *http.Client
}

var networks atomic.Int64

// visitor returns one who comes through nginx.
func (w *world) visitor() *visitor {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	n := networks.Add(1)
	dialer := &net.Dialer{Timeout: 10 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, byte(1+n%200), byte(n/200), 1)}}
	return &visitor{w, &http.Client{Timeout: 40 * time.Second, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.roots, ServerName: host}, ForceAttemptHTTP2: n%2 == 0,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", w.port))
			}}}}
}

// An answer is what came of a request; of none that came the error.
type answer struct {
	status   int
	location string
	body     string
	err      error
}

func (a answer) String() string {
	if a.err != nil {
		return a.err.Error()
	}
	return fmt.Sprintf("%d %s", a.status, a.location)
}

// gone reports whether the same may be tried again: nobody answered, or the site or nginx says that it cannot just now.
func (a answer) gone() bool { return a.err != nil || a.status >= 500 && a.status != 500 }

// ask sends one request.
func (v *visitor) ask(method, path string, fields url.Values) answer {
	origin := fmt.Sprintf("https://%s:%d", host, v.w.port)
	r, err := http.NewRequest(method, origin+path, strings.NewReader(fields.Encode()))
	if err != nil {
		return answer{err: err}
	}
	r.GetBody = nil // a form is not sent twice by the client itself
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Origin", origin)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.client.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("Location"), string(body), err}
}

func (v *visitor) get(path string) answer { return v.ask(http.MethodGet, path, nil) }

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// form returns the hidden fields of a page's form.
func (a answer) form(action string) (url.Values, bool) {
	_, form, ok := strings.Cut(a.body, `action="`+action+`"`)
	form, _, _ = strings.Cut(form, "</form>")
	fields := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(form, -1) {
		fields.Set(m[1], html.UnescapeString(m[2]))
	}
	return fields, ok
}

// submit loads a page and sends its form once.
func (v *visitor) submit(page, action string, typed ...string) answer {
	a := v.get(page)
	fields, ok := a.form(action)
	if a.gone() || !ok {
		return answer{a.status, a.location, a.body, fmt.Errorf("%s has no form %s: %v", page, action, a)}
	}
	for i := 0; i+1 < len(typed); i += 2 {
		fields.Set(typed[i], typed[i+1])
	}
	return v.ask(http.MethodPost, action, fields)
}

// signIn signs a demo member in.
func (v *visitor) signIn(email string) {
	v.w.t.Helper()
	if a := v.submit("/sign-in", "/sign-in", "Email", email, "Password", password); a.err != nil || a.status != 303 {
		v.w.t.Fatalf("sign-in of %s: %v\n%s", email, a, a.body)
	}
}

const password = "harbour lantern seven oars" // of the club's demo

// direct returns the same browser, sent to one process: what nginx would write comes from here.
func (v *visitor) direct(p *process) *visitor {
	base := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", p.listen))
	}}
	c := *v.client
	c.Transport = plain{base}
	return &visitor{v.w, &c}
}

// copied returns another browser with the same cookies.
func (v *visitor) copied() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		v.w.t.Fatal(err)
	}
	site := &url.URL{Scheme: "https", Host: fmt.Sprintf("%s:%d", host, v.w.port), Path: "/"}
	var all []*http.Cookie
	for _, c := range v.client.Jar.Cookies(site) {
		all = append(all, &http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: true})
	}
	jar.SetCookies(site, all)
	c := *v.client
	c.Jar = jar
	return &visitor{v.w, &c}
}

// plain sends what is for https over a plain connection, as nginx does.
type plain struct{ base http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (p plain) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Scheme = "http"
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Forwarded-For", "198.51.100.7")
	return p.base.RoundTrip(r)
}
