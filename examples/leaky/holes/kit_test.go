package holes_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/examples/leaky/site"
)

// A kit is a fresh site with what it sends and logs.
type kit struct {
	t     *testing.T
	s     *site.Site
	log   bytes.Buffer
	mails []string
}

func open(t *testing.T) *kit {
	t.Helper()
	k := &kit{t: t}
	var err error
	k.s, err = site.New(site.Config{Folder: t.TempDir(), Log: &k.log, Mail: func(to string, m []byte) error {
		k.mails = append(k.mails, string(m))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.s.Close() })
	return k
}

// count runs a query for a number.
func (k *kit) count(query string, args ...any) (n int) {
	k.t.Helper()
	if err := k.s.DB().QueryRow(query, args...).Scan(&n); err != nil {
		k.t.Fatal(err)
	}
	return n
}

// text runs a query for a text.
func (k *kit) text(query string, args ...any) (s string) {
	k.t.Helper()
	if err := k.s.DB().QueryRow(query, args...).Scan(&s); err != nil {
		k.t.Fatal(err)
	}
	return s
}

// A browser keeps cookies.
type browser struct {
	k       *kit
	cookies map[string]string
}

func (k *kit) browser() *browser { return &browser{k: k, cookies: make(map[string]string)} }

// as is a browser that is signed in, by the number of the demo user.
func (k *kit) as(user int) *browser {
	k.t.Helper()
	b := k.browser()
	u := site.Users[user-1]
	if a := b.post("/login", "email", u.Email, "password", u.Password); a.Code != http.StatusSeeOther {
		k.t.Fatalf("sign-in of %s: %d", u.Email, a.Code)
	}
	return b
}

type answer struct {
	*httptest.ResponseRecorder
	text string
}

// send sends a request; headers are pairs, "Host" among them.
func (b *browser) send(method, target, kind string, body io.Reader, headers ...string) answer {
	b.k.t.Helper()
	r := httptest.NewRequest(method, target, body)
	r.Host = "club.example"
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.k.s.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return answer{w, w.Body.String()}
}

func (b *browser) get(target string, headers ...string) answer {
	b.k.t.Helper()
	return b.send("GET", target, "", nil, headers...)
}

func pairs(fields []string) string {
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	return v.Encode()
}

// post sends a form as another origin would: with the browser's cookies and nothing else that the page gave.
func (b *browser) post(target string, fields ...string) answer {
	b.k.t.Helper()
	return b.send("POST", target, "application/x-www-form-urlencoded", strings.NewReader(pairs(fields)), "Origin", "https://evil.example")
}

var tokens = regexp.MustCompile(`name="token" value="([0-9a-f]+)"`)

// form loads a page and sends a form of it with the page's token.
func (b *browser) form(page, target string, fields ...string) answer {
	b.k.t.Helper()
	return b.post(target, append(fields, "token", b.token(page))...)
}

func (b *browser) token(page string) string {
	b.k.t.Helper()
	m := tokens.FindStringSubmatch(b.get(page).text)
	if m == nil {
		b.k.t.Fatalf("%s has no token", page)
	}
	return m[1]
}

// upload sends a file with the token of a page.
func (b *browser) upload(page, target, field, name string, data []byte) answer {
	b.k.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	w.WriteField("token", b.token(page))
	f, err := w.CreateFormFile(field, name)
	if err != nil {
		b.k.t.Fatal(err)
	}
	f.Write(data)
	w.Close()
	return b.send("POST", target, w.FormDataContentType(), &body)
}

// header says which headers an answer lacks or has, for comparing.
func (a answer) header(name string) string { return a.Header().Get(name) }

func (a answer) String() string {
	return fmt.Sprintf("%d %v %.300s", a.Code, a.Header(), a.text)
}
