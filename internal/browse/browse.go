// Package browse is a browser without JavaScript, for drills: it loads the pages of one site, keeps its cookies, and fills in
// the forms that stand on the pages, with whatever hidden fields these have.
package browse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxPage bounds one page, in bytes; maxRedirects how many are followed.
const (
	maxPage      = 4 << 20
	maxRedirects = 10
)

// A Browser is one visitor. It is for one goroutine.
type Browser struct {
	origin  string
	client  *http.Client
	cookies map[string]string
	path    string
	body    string
	doc     *html.Node
}

// New returns a browser without cookies, of the site that answers at a socket in the file system (network "unix") or an
// address ("tcp"). origin is how the site calls itself: "http://shop.localhost".
func New(origin, network, address string) *Browser {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	return &Browser{origin: origin, cookies: map[string]string{}, client: &http.Client{Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Close ends its connections.
func (b *Browser) Close() { b.client.CloseIdleConnections() }

// SetCookie gives it a cookie, written NAME=VALUE.
func (b *Browser) SetCookie(text string) {
	name, value, _ := strings.Cut(text, "=")
	b.cookies[name] = value
}

// Cookies returns its cookies as NAME=VALUE, sorted.
func (b *Browser) Cookies() (all []string) {
	for _, name := range slices.Sorted(maps.Keys(b.cookies)) {
		all = append(all, name+"="+b.cookies[name])
	}
	return all
}

// Path is where the last page came from, after redirects, with its query.
func (b *Browser) Path() string { return b.path }

// Has reports whether the last page holds a text, as a reader sees it.
func (b *Browser) Has(text string) bool { return strings.Contains(b.Text(), text) }

// Body is the last page as it was sent.
func (b *Browser) Body() string { return b.body }

// Links returns the addresses of the last page's links.
func (b *Browser) Links() (all []string) {
	for n := range b.nodes() {
		if n.DataAtom == atom.A {
			all = append(all, attr(n, "href"))
		}
	}
	return all
}

// Text returns what a reader sees of the last page.
func (b *Browser) Text() string {
	if b.doc == nil {
		return b.body
	}
	var t strings.Builder
	for n := range b.doc.Descendants() {
		if n.Type == html.TextNode && (n.Parent == nil || n.Parent.DataAtom != atom.Script && n.Parent.DataAtom != atom.Style) {
			t.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(t.String()), " ")
}

// Get loads a page and returns its status.
func (b *Browser) Get(ctx context.Context, path string) (status int, err error) {
	return b.load(ctx, http.MethodGet, path, nil)
}

// Submit sends the form of the last page whose action is the given path. Fields that are not named keep what the page gave
// them.
func (b *Browser) Submit(ctx context.Context, action string, values map[string]string) (status int, err error) {
	form := b.form(action)
	if form == nil {
		return 0, fmt.Errorf("browse: %s has no form that posts to %s", b.path, action)
	}
	fields := controls(form)
	for name, value := range values {
		if _, has := fields[name]; !has {
			return 0, fmt.Errorf("browse: the form of %s on %s has no field %s", action, b.path, name)
		}
		fields.Set(name, value)
	}
	for name, all := range fields {
		if all[0] == unchecked {
			delete(fields, name)
		}
	}
	return b.load(ctx, http.MethodPost, action, fields)
}

func (b *Browser) load(ctx context.Context, method, path string, fields url.Values) (int, error) {
	for range maxRedirects {
		res, err := b.send(ctx, method, path, fields)
		if err != nil {
			return 0, err
		}
		to := res.Header.Get("Location")
		if res.StatusCode < 300 || res.StatusCode > 399 || to == "" {
			return res.StatusCode, nil
		}
		if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
			return res.StatusCode, fmt.Errorf("browse: %s leads away from the site", path)
		}
		method, path, fields = http.MethodGet, to, nil
	}
	return 0, fmt.Errorf("browse: %s leads on and on", path)
}

func (b *Browser) send(ctx context.Context, method, path string, fields url.Values) (*http.Response, error) {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(fields.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, b.origin+path, body)
	if err != nil {
		return nil, fmt.Errorf("browse: %w", err)
	}
	r.Header.Set("User-Agent", "merlon-drill")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.origin)
	}
	for _, name := range slices.Sorted(maps.Keys(b.cookies)) {
		r.AddCookie(&http.Cookie{Name: name, Value: b.cookies[name]})
	}
	res, err := b.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("browse: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("browse: %s: %w", path, err)
	}
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	b.path, b.body, b.doc = path, string(text), nil
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		if b.doc, err = html.Parse(strings.NewReader(b.body)); err != nil {
			return nil, fmt.Errorf("browse: %s: %w", path, err)
		}
	}
	return res, nil
}

func (b *Browser) nodes() func(func(*html.Node) bool) {
	return func(yield func(*html.Node) bool) {
		if b.doc == nil {
			return
		}
		for n := range b.doc.Descendants() {
			if n.Type == html.ElementNode && !yield(n) {
				return
			}
		}
	}
}

func (b *Browser) form(action string) *html.Node {
	for n := range b.nodes() {
		if n.DataAtom == atom.Form && attr(n, "action") == action && strings.EqualFold(attr(n, "method"), "post") {
			return n
		}
	}
	return nil
}

// unchecked is the value of a box that is not sent unless it is set.
const unchecked = "\x00"

// controls are the fields of a form as the page gave them.
func controls(form *html.Node) url.Values {
	fields := url.Values{}
	for n := range form.Descendants() {
		name := attr(n, "name")
		if n.Type != html.ElementNode || name == "" {
			continue
		}
		switch n.DataAtom {
		case atom.Input:
			switch attr(n, "type") {
			case "submit", "button", "image", "reset", "file":
			case "checkbox", "radio":
				if has(n, "checked") {
					fields.Set(name, attr(n, "value"))
				} else if _, set := fields[name]; !set {
					fields.Set(name, unchecked)
				}
			default:
				fields.Set(name, attr(n, "value"))
			}
		case atom.Textarea:
			if n.FirstChild != nil {
				fields.Set(name, strings.TrimPrefix(n.FirstChild.Data, "\n"))
			} else {
				fields.Set(name, "")
			}
		case atom.Select:
			if value, sent := Chosen(n); sent {
				fields.Set(name, value)
			}
		}
	}
	return fields
}

// Chosen is what a browser sends of a select: the option that is selected, else the first, also an empty one. A select without
// options sends nothing.
func Chosen(n *html.Node) (value string, sent bool) {
	selected := false
	for o := range n.Descendants() {
		if o.Type != html.ElementNode || o.DataAtom != atom.Option || sent && !has(o, "selected") {
			continue
		}
		if !sent || !selected {
			value, sent, selected = optionValue(o), true, has(o, "selected")
		}
	}
	return value, sent
}

// optionValue is an option's value, or its text when it has none.
func optionValue(o *html.Node) string {
	if has(o, "value") {
		return attr(o, "value")
	}
	var text strings.Builder
	for c := range o.Descendants() {
		if c.Type == html.TextNode {
			text.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
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
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}
