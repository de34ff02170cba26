package merlon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/page"
)

// A Response is what a handler answers. It never changes and is made only by [Show], [ShowStatus], [Redirect],
// [RedirectLocal], [JSON], [JSONProblems], [Text], [Download], [File], [NotFound], [Forbidden], [Gone], [TooMany], [Busy] and [Trade]: a handler has no way to write bytes of its own
// making into a page.
type Response struct {
	status     int
	kind       responseKind
	body       []byte
	text       string // Text, or the redirect's pattern
	values     []any
	local      string
	filename   string
	notice     string
	noticeID   string
	noticeArgs []any
	shown      shown
	problems   form.Any // of JSONProblems
	step       *stepCookie
	file       file.Info // of File
	retry      time.Time // 429 and 503: when to try again
}

type responseKind uint8

const (
	kindPage responseKind = iota + 1
	kindRedirect
	kindLocal
	kindJSON
	kindText
	kindDownload
	kindFile
	kindError
)

// shown is a page with its data: what is generic is behind it.
type shown interface {
	declared() page.Declared
	append(dst []byte, set *page.Set, r *page.Render) ([]byte, error)
}

type showing[Data any] struct {
	p    *page.Page[Data]
	data Data
}

func (s *showing[Data]) declared() page.Declared { return s.p }
func (s *showing[Data]) append(dst []byte, set *page.Set, r *page.Render) ([]byte, error) {
	return page.Append(dst, set, s.p, s.data, r)
}

// Show answers a page with status 200.
func Show[Data any](p *page.Page[Data], data Data) *Response {
	return ShowStatus(http.StatusOK, p, data)
}

// ShowStatus answers a page with another status: 422 with a form that was refused, 404 with a page of one's own. In a POST
// a status of 400 or more rolls the transaction back.
func ShowStatus[Data any](status int, p *page.Page[Data], data Data) *Response {
	return &Response{status: status, kind: kindPage, shown: &showing[Data]{p, data}}
}

// Redirect answers 303 with a path of this site. The path is a constant; each {name} in it takes the next value as one
// escaped segment: Redirect("/notes/{id}", id). It never leads to another host, and a path that is no GET route answers 500
// and is an event: tests find it.
func Redirect(path constant, values ...any) *Response {
	return &Response{status: http.StatusSeeOther, kind: kindRedirect, text: string(path), values: values}
}

// RedirectLocal answers 303 with an address that [Read.Local] has proven to be a page of this site.
func RedirectLocal(to Local) *Response {
	return &Response{status: http.StatusSeeOther, kind: kindLocal, local: to.String()}
}

// JSON answers a value as JSON, with a content type that no browser takes for a page. A value that holds a secret is an
// error.
func JSON(value any) *Response {
	var b bytes.Buffer
	e := json.NewEncoder(&b) // escapes < > & and U+2028/9
	if err := e.Encode(value); err != nil {
		return &Response{status: http.StatusInternalServerError, kind: kindError, text: "merlon: JSON: " + err.Error()}
	}
	return &Response{status: http.StatusOK, kind: kindJSON, body: b.Bytes()}
}

// Text answers plain text in UTF-8.
func Text(text string) *Response {
	return &Response{status: http.StatusOK, kind: kindText, text: text}
}

// Download answers bytes as a file to be saved, never to be shown: the type is application/octet-stream, and the name is
// made safe (RFC 6266).
func Download(filename string, body []byte) *Response {
	return &Response{status: http.StatusOK, kind: kindDownload, filename: filename, body: body}
}

// NotFound answers the site's 404 page.
func NotFound() *Response { return &Response{status: http.StatusNotFound, kind: kindError} }

// Forbidden answers the site's 403 page.
func Forbidden() *Response { return &Response{status: http.StatusForbidden, kind: kindError} }

// Gone answers the site's 410 page: a link that was used or is too old.
func Gone() *Response { return &Response{status: http.StatusGone, kind: kindError} }

// TooMany answers the site's 429 page with the clock time of the next try.
func TooMany(until time.Time) *Response {
	return &Response{status: http.StatusTooManyRequests, kind: kindError, values: []any{until}}
}

// RetryAt says when to try again, in the header of an answer that is a page of one's own with status 429 or 503.
func (r *Response) RetryAt(until time.Time) *Response {
	c := *r
	c.retry = until
	return &c
}

// Busy answers the site's 503 page: the visitor should try again after the given time.
func Busy(after time.Duration) *Response {
	return &Response{status: http.StatusServiceUnavailable, kind: kindError, values: []any{after}}
}

// Notice adds one sentence to the answer of a POST: the next page shown to this visitor has it in its frame
// ($site.Notice), once. It travels in a sealed cookie of one minute, so that a visitor without a session sees it too.
func (r *Response) Notice(sentence constant) *Response {
	c := *r
	c.notice = string(sentence)
	return &c
}

// Status returns the status that will be answered.
func (r *Response) Status() int { return r.status }

// expand puts values into the {name} places of a constant path, each one escaped segment.
func expand(pattern string, values []any) (string, error) {
	var b strings.Builder
	rest, n := pattern, 0
	query := false
	for {
		before, after, found := strings.Cut(rest, "{")
		b.WriteString(before)
		query = query || strings.Contains(before, "?")
		if !found {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			return "", fmt.Errorf("merlon: %q has a { without }: a path's values stand as {name}; close it", pattern)
		}
		if n >= len(values) {
			return "", fmt.Errorf("merlon: %q has no value for {%s}: %d values were given; give one for each place", pattern, name, len(values))
		}
		s, err := segment(values[n], query)
		if err != nil {
			return "", fmt.Errorf("merlon: %q, {%s}: %w", pattern, name, err)
		}
		b.WriteString(s)
		n++
		rest = tail
	}
	if n != len(values) {
		return "", fmt.Errorf("merlon: %q takes %d values, %d were given; give one for each {name}", pattern, n, len(values))
	}
	return b.String(), nil
}

// segment writes a value as one segment of a path, or as one value of a query.
func segment(v any, query bool) (string, error) {
	var s string
	switch x := v.(type) {
	case string:
		s = x
	case fmt.Stringer:
		s = x.String()
	default:
		switch r := reflect.ValueOf(v); {
		case r.CanInt():
			return strconv.FormatInt(r.Int(), 10), nil
		case r.CanUint():
			return strconv.FormatUint(r.Uint(), 10), nil
		case r.Kind() == reflect.String:
			s = r.String()
		default:
			return "", fmt.Errorf("a value of type %T cannot stand in a path: only texts, whole numbers and Stringers are one segment; convert it", v)
		}
	}
	if query {
		return url.QueryEscape(s), nil
	}
	if s == "" || s == "." || s == ".." {
		return "", fmt.Errorf("the value %q cannot be a path segment: browsers read it as another path; check it before", s)
	}
	return url.PathEscape(s), nil
}
