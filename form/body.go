package form

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// Limits bound what one body may hold. A zero field has its default.
type Limits struct {
	Body   int64 // bytes of the whole body; default 1 MiB
	Fields int   // fields of the body; default 200
	Field  int   // bytes of one value, decoded; default 64 KiB
	Name   int   // bytes of one name, decoded; default 256
}

func (l Limits) orDefault() Limits {
	if l.Body <= 0 {
		l.Body = 1 << 20
	}
	l.Body = min(l.Body, 1<<40)
	if l.Fields <= 0 {
		l.Fields = 200
	}
	if l.Field <= 0 {
		l.Field = 64 << 10
	}
	if l.Name <= 0 {
		l.Name = 256
	}
	return l
}

// A Body is the fields of one request, read and decoded but not bound yet. It belongs to one goroutine. It prints as the
// number of its fields, since they may hold a password.
type Body struct {
	// Sealer opens sealed fields. Without one a form with a sealed field is refused.
	Sealer Sealer

	*behind
}

// behind keeps the content behind a second pointer: fmt follows the first, even in a field that is not exported, when the
// verb is a wrong one.
type behind struct{ *content }

type content struct {
	entries []entry
	spool   Spool           // of ParseUploads, as the next two
	ctx     context.Context // the request's: whoever has gone waits for nothing
	network string
	json    bool // from ParseJSON: the entries have kinds
	large   bool // the values share a big buffer, so what is kept of them is copied
	few     [8]entry
}

// newBody returns a body without fields, for one of size bytes.
func newBody(json bool, size int) *Body {
	all := &struct { // one allocation
		b Body
		p behind
		c content
	}{}
	all.b.behind, all.p.content = &all.p, &all.c
	all.c.json, all.c.large = json, size > 16<<10
	all.c.entries = all.c.few[:0]
	return &all.b
}

// An entry is one field as sent. Name and value share the body's buffer, which nothing changes after parsing.
type entry struct {
	name, value string
	filename    string  // as sent
	up          *upload // of ParseUploads
	file        bool    // a part with a file name; its value is kept only for Sum
	taken       bool
	kind        byte // of JSON: see json.go
	item        bool // of JSON: an element of an array
}

// Parse reads the body of a request, once, and decodes it: application/x-www-form-urlencoded or multipart/form-data, in
// UTF-8, not compressed, within the limits. It is stricter than [http.Request.ParseForm]: a semicolon, a bad escape, a
// multipart body that is cut or that parsers read in different ways is refused as a whole, so that never half a form is
// bound. Nothing is written to disk; memory is bounded by limits.Body, time by the body's length. The query is not read.
//
// The error is a *[Refusal].
func Parse(r *http.Request, limits Limits) (*Body, error) {
	limits = limits.orDefault()
	if len(r.Header["Content-Encoding"]) > 0 {
		return nil, refuse(http.StatusUnsupportedMediaType, RuleContentEncoding, "the body has a Content-Encoding")
	}
	boundary, refusal := mediaType(r.Header["Content-Type"])
	if refusal != nil {
		return nil, refusal
	}
	buf, refusal := readAll(r, limits.Body)
	if refusal != nil {
		return nil, refusal
	}
	b := newBody(false, len(buf))
	if boundary == "" {
		refusal = b.urlencoded(buf, limits)
	} else {
		refusal = b.multipart(buf, boundary, limits)
	}
	if refusal != nil {
		return nil, refusal
	}
	return b, nil
}

const urlencodedType = "application/x-www-form-urlencoded"

// mediaType judges the Content-Type. The boundary is "" for an urlencoded body.
func mediaType(lines []string) (boundary string, refusal *Refusal) {
	unsupported := func(detail string) (string, *Refusal) {
		return "", refuse(http.StatusUnsupportedMediaType, RuleMediaType, detail)
	}
	switch {
	case len(lines) == 0:
		return unsupported("the request has no Content-Type")
	case len(lines) > 1:
		return unsupported("the request has two Content-Type lines")
	case lines[0] == urlencodedType:
		return "", nil
	}
	// A name with a star is RFC 2231, which mime understands and browsers never send.
	kind, parameters, err := mime.ParseMediaType(lines[0])
	if err != nil || strings.IndexByte(lines[0], '*') >= 0 {
		return unsupported("the Content-Type cannot be read")
	}
	for name, value := range parameters {
		switch {
		case name == "charset" && strings.EqualFold(value, "utf-8"):
		case name == "boundary" && kind == "multipart/form-data":
		default:
			return unsupported(fmt.Sprintf("the Content-Type has the parameter %q", cut(name+"="+value)))
		}
	}
	switch kind {
	case urlencodedType:
		return "", nil
	case "multipart/form-data":
		boundary := parameters["boundary"]
		if !validBoundary(boundary) {
			return "", malformed("the multipart boundary is missing or is none by RFC 2046")
		}
		return boundary, nil
	}
	return unsupported("the Content-Type is not one of a form")
}

// readAll reads a body of at most limit bytes. It does not believe Content-Length before the bytes are there.
func readAll(r *http.Request, limit int64) ([]byte, *Refusal) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	size := r.ContentLength
	if size < 0 || size > 16<<10 {
		size = 16 << 10
	}
	buf := make([]byte, 0, size+1) // one more, so that the end is seen without growing
	for {
		if len(buf) == cap(buf) {
			grown := make([]byte, len(buf), min(2*int64(cap(buf)), limit+1))
			copy(grown, buf)
			buf = grown
		}
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return nil, tooLarge(limit)
		}
		switch {
		case err == io.EOF:
			if r.ContentLength > 0 && int64(len(buf)) != r.ContentLength {
				return nil, malformed("the body does not have its Content-Length: it was cut, or read before")
			}
			return buf, nil
		case err != nil:
			var over *http.MaxBytesError
			if errors.As(err, &over) {
				return nil, tooLarge(over.Limit)
			}
			return nil, malformed("the body ended before its time")
		}
	}
}

// add keeps one decoded field.
func (b *Body) add(e entry, limits Limits) *Refusal {
	switch {
	case len(b.entries) == limits.Fields:
		return refuse(http.StatusBadRequest, RuleTooMany, fmt.Sprintf("the body has more than %d fields", limits.Fields))
	case len(e.name) > limits.Name:
		return refuse(http.StatusBadRequest, RuleTooMany, fmt.Sprintf("a field's name has more than %d bytes", limits.Name))
	case len(e.value) > limits.Field && !e.file:
		return refuse(http.StatusRequestEntityTooLarge, RuleTooLarge, fmt.Sprintf("the field %q has more than %d bytes", cut(e.name), limits.Field))
	case !cleanName(e.name):
		return malformed("a field's name is not text")
	}
	b.entries = append(b.entries, e)
	return nil
}

func cleanName(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return false
		}
	}
	return utf8.ValidString(s)
}

// Take takes a field out, so that it is neither bound nor summed: the CSRF token. It reports true when the field was given
// exactly once, as text.
func (b *Body) Take(name string) (string, bool) {
	value, found := "", 0
	for i := range b.entries {
		if e := &b.entries[i]; e.name == name && !e.taken {
			e.taken = true
			value = e.value
			if found++; e.file {
				found++
			}
		}
	}
	if found != 1 {
		return "", false
	}
	return value, true
}

// Look returns a field that was given exactly once, as text, and leaves it in its place.
func (b *Body) Look(name string) (value string, ok bool) {
	for i := range b.entries {
		if e := &b.entries[i]; e.name == name && !e.taken {
			if ok || e.file {
				return "", false
			}
			value, ok = e.value, true
		}
	}
	return value, ok
}

// Sum returns the SHA-256 of the fields that were not taken, names and values in the order sent, files included: two bodies
// with the same sum are the same form sent twice, whatever their encoding on the wire.
func (b *Body) Sum() [32]byte {
	h := sha256.New()
	var frame [17]byte
	for i := range b.entries {
		e := &b.entries[i]
		if e.taken {
			continue
		}
		frame[0] = 't'
		if e.file {
			frame[0] = 'f'
		}
		if e.kind != 0 {
			frame[0] = e.kind
		}
		binary.BigEndian.PutUint64(frame[1:], uint64(len(e.name)))
		binary.BigEndian.PutUint64(frame[9:], uint64(len(e.value)))
		h.Write(frame[:])
		h.Write(bytesOf(e.name))
		h.Write(bytesOf(e.value))
	}
	var sum [32]byte
	h.Sum(sum[:0])
	return sum
}

// String returns the number of fields, never their values.
func (b *Body) String() string {
	if b == nil || b.behind == nil {
		return "no form body"
	}
	return fmt.Sprintf("form body of %d fields", len(b.entries))
}

// GoString is [Body.String].
func (b *Body) GoString() string { return b.String() }

// LogValue implements [slog.LogValuer] as [Body.String].
func (b *Body) LogValue() slog.Value { return slog.StringValue(b.String()) }

// Format implements [fmt.Formatter]: every verb prints [Body.String].
func (b *Body) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.String()) }

// textOf and bytesOf change the type without a copy. The body's buffer is written by the decoder only, before the text of
// a place is made, and never again.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// cut keeps no more of a name than an event may hold, in whole letters.
func cut(name string) string {
	if len(name) <= keptName {
		return name
	}
	end := keptName
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return strings.Clone(name[:end])
}
