package merlon

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/merlon-web/merlon/header"
)

// A Cookie is a value of this site's own making that a browser keeps: sealed under the key ring, so that it can neither be
// read nor made by a visitor, with the __Host- prefix, Secure, HttpOnly and SameSite. There is no cookie that is only text.
type Cookie[T any] struct {
	name   string
	maxAge time.Duration
	strict bool
}

// NewCookie declares a cookie. The browser's name for it is __Host-NAME-name; it is sent with requests from this site only
// (SameSite=Strict) and ends after maxAge, in the browser and by the time sealed into it.
//
// Each name is declared once in a program, as a package variable. A name that is taken panics: session, step, notice, kept,
// way and written are the site's own, device is the part account's.
func NewCookie[T any](name constant, maxAge time.Duration) Cookie[T] {
	declareCookie("cookie/" + string(name))
	return Cookie[T]{name: string(name), maxAge: maxAge, strict: true}
}

// cookieNames are the cookies and steps that the program declares.
var cookieNames = struct {
	sync.Mutex
	taken map[string]bool
}{taken: map[string]bool{"cookie/session": true, "cookie/step": true, "cookie/notice": true, "cookie/": true}}

func declareCookie(kind string) {
	cookieNames.Lock()
	defer cookieNames.Unlock()
	_, name, _ := strings.Cut(kind, "/")
	if cookieNames.taken[kind] || !nameShape.MatchString(name) {
		panic(fmt.Sprintf("merlon: %s: the name is taken, is the site's own, or has other characters than a-z, 0-9 and -: two cookies of one name overwrite each other; choose another", kind))
	}
	cookieNames.taken[kind] = true
}

// maxCookie bounds a sealed value, in characters: browsers drop a longer cookie without a word (RFC 6265bis 5.6).
const maxCookie = 3800

type sealedCookie[T any] struct {
	Until int64 `json:"u"` // unix seconds
	Value T     `json:"v"`
}

// Get returns the value of the request's cookie. An absent, foreign, altered or expired one is no value and no error.
func (c Cookie[T]) Get(from interface{ asWalk() *walk }) (T, bool) {
	w := from.asWalk()
	w.personal = true
	return c.find(w)
}

// find is Get for what decides how a request is served and not what is in the answer.
func (c Cookie[T]) find(w *walk) (T, bool) {
	var none T
	raw, ok := header.Find(w.r, w.site.cookieName(c.name))
	if !ok || raw == "" {
		return none, false
	}
	var sealed sealedCookie[T]
	if !w.run.openText("cookie/"+c.name, raw, &sealed) || w.now.Unix() >= sealed.Until {
		return none, false
	}
	return sealed.Value, true
}

// Set gives the cookie to the browser with this answer, if the transaction commits.
func (c Cookie[T]) Set(on interface {
	asWalk() *walk
	writes()
}, value T) error {
	return c.give(on.asWalk(), value)
}

// give is Set on the way of a request, also of one that does not write.
func (c Cookie[T]) give(w *walk, value T) error {
	text, err := w.run.sealText("cookie/"+c.name, sealedCookie[T]{w.now.Add(c.maxAge).Unix(), value})
	if err != nil {
		return err
	}
	w.cookies = append(w.cookies, header.Cookie{Name: w.site.cookieName(c.name), Value: text, MaxAge: c.maxAge, Strict: c.strict})
	return nil
}

// A Step is what a mailed link is traded for: the link's secret leaves the address bar at once and lives on in a sealed
// cookie of at most 15 minutes, SameSite=Lax, that one page and its form read.
type Step[T any] struct{ c Cookie[T] }

// NewStep declares a step. Its life is at most 15 minutes (OWASP ASVS 6.5.5, 14.2.1). A site has one step cookie: a new
// trade replaces the last one. A page whose button acts on its step says in its form which one it is, or of two tabs the older
// one's button does what the newer one's page says.
func NewStep[T any](name constant, life time.Duration) Step[T] {
	declareCookie("step/" + string(name))
	return Step[T]{Cookie[T]{name: string(name), maxAge: min(life, 15*time.Minute)}}
}

type stepCookie struct {
	maxAge time.Duration
	seal   func(*walk) (string, error)
}

// Trade answers the GET of a mailed link: it sets the step's cookie and redirects to the page that shows the button. A GET
// cannot write, so the link itself is used up by that page's POST.
func Trade[T any](step Step[T], value T, path constant) *Response {
	r := Redirect(path)
	r.step = &stepCookie{maxAge: step.c.maxAge, seal: func(w *walk) (string, error) {
		return w.run.sealText("step/"+step.c.name, sealedCookie[T]{w.now.Add(step.c.maxAge).Unix(), value})
	}}
	return r
}

// Get returns what was traded, false when there is none or its time is over.
func (s Step[T]) Get(from interface{ asWalk() *walk }) (T, bool) {
	var none T
	w := from.asWalk()
	w.personal = true
	raw, ok := header.Find(w.r, w.site.cookieName("step"))
	if !ok || raw == "" {
		return none, false
	}
	var sealed sealedCookie[T]
	if !w.run.openText("step/"+s.c.name, raw, &sealed) || w.now.Unix() >= sealed.Until {
		return none, false
	}
	return sealed.Value, true
}

// End deletes the step's cookie with this answer.
func (s Step[T]) End(on interface {
	asWalk() *walk
	writes()
}) {
	w := on.asWalk()
	w.cookies = append(w.cookies, header.Cookie{Name: w.site.cookieName("step"), MaxAge: -1})
}

func (s *Site) cookieName(suffix string) string {
	if s.name == "" {
		return "__Host-" + suffix
	}
	return "__Host-" + s.name + "-" + suffix
}

func (r *running) sealText(purpose string, v any) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("merlon: cookie: %w", err)
	}
	sealed, err := r.seal(purpose, plain)
	if err != nil {
		return "", fmt.Errorf("merlon: cookie: %w", err)
	}
	text := b64.EncodeToString(sealed)
	if len(text) > maxCookie {
		return "", fmt.Errorf("merlon: cookie: the value has %d characters sealed: browsers drop what is longer than %d; keep it in a row and its id here", len(text), maxCookie)
	}
	return text, nil
}

func (r *running) openText(purpose, text string, v any) bool {
	sealed, err := b64.DecodeString(text)
	if err != nil || b64.EncodeToString(sealed) != text {
		return false
	}
	plain, err := r.open(purpose, sealed)
	return err == nil && json.Unmarshal(plain, v) == nil
}
