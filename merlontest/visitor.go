package merlontest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/merlon-web/merlon/internal/browse"
)

// Values are what a visitor types into a form, by field name.
type Values map[string]string

// A Visitor is a browser without JavaScript: cookies of its own, the headers that browsers send, the last page.
type Visitor struct {
	UserID int64  // of SignedIn
	Email  string // the same

	// Status, Header, Path and Body are those of the last answer, after redirects.
	Status int
	Header http.Header
	Path   string
	Body   string

	s       *Server
	t       testing.TB
	cookies map[string]string
	client  *http.Client
	doc     *html.Node
}

// Visitor returns a new visitor without cookies.
func (s *Server) Visitor() *Visitor {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.addr)
	}
	tr := &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 4}
	s.t.Cleanup(tr.CloseIdleConnections)
	return &Visitor{s: s, t: s.t, cookies: map[string]string{}, client: &http.Client{Transport: tr, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Get loads a page, following redirects, as by a link of the site itself.
func (v *Visitor) Get(path string) *Visitor {
	v.t.Helper()
	return v.do(http.MethodGet, path, nil)
}

// Submit fills in the form of the last page whose action is the given one and sends it. Fields that are not named keep what
// the page gave them, and a button with a name is pressed by naming it; a field that the form does not have fails the test.
func (v *Visitor) Submit(action string, values Values) *Visitor {
	v.t.Helper()
	f := v.form(action)
	if f == nil {
		v.t.Fatalf("merlontest: %s has no form with action %q; it has %v\n%s", v.Path, action, v.actions(), v.Body)
	}
	fields, names := controls(f)
	for name, value := range values {
		if !names[name] {
			v.t.Fatalf("merlontest: the form %q of %s has no field %q; it has %v", action, v.Path, name, keys(names))
		}
		fields.Set(name, value)
	}
	method := strings.ToUpper(attr(f, "method"))
	if method == http.MethodPost {
		return v.do(method, action, fields)
	}
	return v.Get(action + "?" + fields.Encode())
}

// Post sends fields without a form: what an attacker's program would do. Cookies go with it; origin is the page that it
// claims to come from, "" for none.
func (v *Visitor) Post(path, origin string, fields url.Values) *Visitor {
	v.t.Helper()
	r, err := http.NewRequest(http.MethodPost, v.s.URL(path), strings.NewReader(fields.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	return v.Do(r)
}

// Has fails the test unless the last page has every one of the texts, as text a visitor reads.
func (v *Visitor) Has(texts ...string) *Visitor {
	v.t.Helper()
	shown := v.Text()
	for _, want := range texts {
		if !strings.Contains(shown, want) {
			v.t.Fatalf("merlontest: %s (status %d) lacks %q; it reads:\n%s", v.Path, v.Status, want, shown)
		}
	}
	return v
}

// HasNot fails the test if the last page has one of the texts.
func (v *Visitor) HasNot(texts ...string) *Visitor {
	v.t.Helper()
	shown := v.Text()
	for _, not := range texts {
		if strings.Contains(shown, not) {
			v.t.Fatalf("merlontest: %s has %q, which it must not; it reads:\n%s", v.Path, not, shown)
		}
	}
	return v
}

// Is fails the test unless the last answer had the status.
func (v *Visitor) Is(status int) *Visitor {
	v.t.Helper()
	if v.Status != status {
		v.t.Fatalf("merlontest: %s answered %d, want %d\n%s\n%s", v.Path, v.Status, status, v.Text(), v.s.Log)
	}
	return v
}

// At fails the test unless the last answer was that of the path, after redirects.
func (v *Visitor) At(path string) *Visitor {
	v.t.Helper()
	if v.Path != path {
		v.t.Fatalf("merlontest: the visitor is at %s, want %s\n%s", v.Path, path, v.Text())
	}
	return v
}

// Value returns what a field of a form of the last page holds.
func (v *Visitor) Value(action, field string) string {
	v.t.Helper()
	f := v.form(action)
	if f == nil {
		v.t.Fatalf("merlontest: %s has no form with action %q", v.Path, action)
	}
	fields, _ := controls(f)
	return fields.Get(field)
}

// Fields returns all that the form of an action would send as it stands, the token included.
func (v *Visitor) Fields(action string) url.Values {
	v.t.Helper()
	f := v.form(action)
	if f == nil {
		v.t.Fatalf("merlontest: %s has no form with action %q; it has %v", v.Path, action, v.actions())
	}
	fields, _ := controls(f)
	return fields
}

// Cookie returns the value of a cookie, "" without it.
func (v *Visitor) Cookie(name string) string { return v.cookies[name] }

// SetCookie gives the visitor a cookie that no answer set.
func (v *Visitor) SetCookie(name, value string) { v.cookies[name] = value }

// Clone returns another visitor with the same cookies: a second tab, or a thief.
func (v *Visitor) Clone() *Visitor {
	c := v.s.Visitor()
	for n, val := range v.cookies {
		c.cookies[n] = val
	}
	c.Status, c.Header, c.Path, c.Body, c.doc, c.UserID, c.Email = v.Status, v.Header, v.Path, v.Body, v.doc, v.UserID, v.Email
	return c
}

func (v *Visitor) do(method, path string, fields url.Values) *Visitor {
	v.t.Helper()
	return v.send(method, path, []byte(fields.Encode()), "application/x-www-form-urlencoded")
}

func (v *Visitor) send(method, path string, sent []byte, kind string) *Visitor {
	v.t.Helper()
	for range 10 {
		var body io.Reader
		if method == http.MethodPost {
			body = bytes.NewReader(sent)
		}
		r, err := http.NewRequest(method, v.s.URL(path), body)
		if err != nil {
			v.t.Fatal(err)
		}
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		r.Header.Set("User-Agent", "merlontest")
		if method == http.MethodPost {
			r.Header.Set("Content-Type", kind)
			r.Header.Set("Origin", v.s.Site.Origin())
		}
		v.Do(r)
		to := v.Header.Get("Location")
		if v.Status < 300 || v.Status > 399 || to == "" {
			return v
		}
		if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
			v.t.Fatalf("merlontest: %s redirects away from the site, to %q", path, to)
		}
		method, path = http.MethodGet, to
	}
	v.t.Fatalf("merlontest: more than 10 redirects, the last to %s", path)
	return v
}

// Do sends a request as it is, with the visitor's cookies, and follows no redirect.
func (v *Visitor) Do(r *http.Request) *Visitor {
	v.t.Helper()
	for _, n := range keys(v.cookies) {
		r.AddCookie(&http.Cookie{Name: n, Value: v.cookies[n]})
	}
	res, err := v.client.Do(r)
	if err != nil {
		v.t.Fatalf("merlontest: %s %s: %v", r.Method, r.URL.Path, err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		v.t.Fatalf("merlontest: %s %s: %v", r.Method, r.URL.Path, err)
	}
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		} else {
			v.cookies[c.Name] = c.Value
		}
	}
	v.Status, v.Header, v.Path, v.Body, v.doc = res.StatusCode, res.Header, r.URL.RequestURI(), string(body), nil
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		if v.doc, err = html.Parse(strings.NewReader(v.Body)); err != nil {
			v.t.Fatalf("merlontest: %s is no HTML: %v", v.Path, err)
		}
	}
	return v
}

// Text returns what a visitor reads on the last page.
func (v *Visitor) Text() string {
	if v.doc == nil {
		return v.Body
	}
	var b strings.Builder
	for n := range v.doc.Descendants() {
		switch {
		case n.Type == html.TextNode && (n.Parent == nil || n.Parent.DataAtom != atom.Script && n.Parent.DataAtom != atom.Style):
			b.WriteString(n.Data)
		case n.Type == html.ElementNode && (n.DataAtom == atom.Input || n.DataAtom == atom.Button) && attr(n, "type") != "hidden":
			b.WriteString(" " + attr(n, "value") + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (v *Visitor) form(action string) *html.Node {
	if v.doc == nil {
		return nil
	}
	for n := range v.doc.Descendants() {
		if n.Type == html.ElementNode && n.DataAtom == atom.Form && attr(n, "action") == action {
			return n
		}
	}
	return nil
}

func (v *Visitor) actions() (all []string) {
	if v.doc == nil {
		return nil
	}
	for n := range v.doc.Descendants() {
		if n.Type == html.ElementNode && n.DataAtom == atom.Form {
			all = append(all, attr(n, "action"))
		}
	}
	return all
}

// controls returns what a form would send as it stands, and the names of its fields.
func controls(f *html.Node) (url.Values, map[string]bool) {
	fields, names := url.Values{}, map[string]bool{}
	for n := range f.Descendants() {
		name := attr(n, "name")
		if n.Type != html.ElementNode || name == "" || has(n, "disabled") {
			continue
		}
		names[name] = true
		switch n.DataAtom {
		case atom.Input:
			switch attr(n, "type") {
			case "checkbox", "radio":
				if has(n, "checked") {
					fields.Add(name, value(n, "on"))
				}
			case "submit", "button", "image", "reset":
			default:
				fields.Add(name, attr(n, "value"))
			}
		case atom.Textarea:
			fields.Add(name, strings.TrimPrefix(text(n), "\n"))
		case atom.Select:
			if value, sent := browse.Chosen(n); sent {
				fields.Add(name, value)
			}
		case atom.Button: // sent when it is the one that is pressed: who means it names it
		default:
			delete(names, name)
		}
	}
	return fields, names
}

func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func value(n *html.Node, otherwise string) string {
	if has(n, "value") {
		return attr(n, "value")
	}
	return otherwise
}

func keys[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	sort.Strings(all)
	return all
}
