package form

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep a JSON body may nest, its own object included. The struct of a form takes two levels: more is only
// read to be left out.
const maxDepth = 16

const jsonMediaType = "application/json"

// ParseJSON is [Parse] for a body that is one JSON object (RFC 8259): a member for each field, by the same names, bound by
// the same tags. Texts, choices, dates and passwords are strings, numbers are numbers, a checkbox is true or false, a list is
// an array; null is a field left out. A value of another type refuses the request, and so does a name given twice, what
// stands behind the object, a string that is not whole UTF-8, and nesting deeper than 16. Numbers are read from their
// digits, never through a float.
//
// The Content-Type is application/json, with charset=utf-8 or nothing behind it. Any other is refused with 415: browsers
// post text/plain and the types of forms to any site without asking it first (CSRF), and this one they ask for.
//
// The error is a *[Refusal].
func ParseJSON(r *http.Request, limits Limits) (*Body, error) {
	limits = limits.orDefault()
	if len(r.Header["Content-Encoding"]) > 0 {
		return nil, refuse(http.StatusUnsupportedMediaType, RuleContentEncoding, "the body has a Content-Encoding")
	}
	if lines := r.Header["Content-Type"]; len(lines) != 1 || !isJSON(lines[0]) {
		return nil, refuse(http.StatusUnsupportedMediaType, RuleJSONType, "the Content-Type is not application/json in UTF-8")
	}
	buf, refusal := readAll(r, limits.Body)
	if refusal != nil {
		return nil, refusal
	}
	if !utf8.Valid(buf) {
		return nil, notJSON("the body is not UTF-8")
	}
	b := newBody(true, len(buf))
	d := decoder{in: buf, body: b, limits: limits}
	if refusal := d.document(); refusal != nil {
		return nil, refusal
	}
	return b, nil
}

// isJSON compares letter by letter: what a parser of parameters would make of the rest is nobody's guess.
func isJSON(line string) bool {
	kind, rest, more := strings.Cut(line, ";")
	return strings.EqualFold(strings.TrimRight(kind, " \t"), jsonMediaType) && (!more || strings.EqualFold(strings.Trim(rest, " \t"), "charset=utf-8"))
}

func notJSON(detail string) *Refusal { return refuse(http.StatusBadRequest, RuleJSONValue, detail) }

// The kinds of a JSON value, kept with its entry. A form's entries have none.
const (
	jsonString  = 's'
	jsonNumber  = 'n'
	jsonTrue    = '1'
	jsonFalse   = '0'
	jsonNull    = '-'
	jsonList    = '[' // its elements follow, as entries of the same name
	jsonNesting = '{' // an object, or an array within an array: no field takes it; the value is its source
)

// A decoder walks through one body, once.
type decoder struct {
	in     []byte
	at     int
	nested int // values within values, bounded as the fields are
	body   *Body
	limits Limits
}

func (d *decoder) document() *Refusal {
	if d.space() != '{' {
		return notJSON("the body is not one JSON object")
	}
	if refusal := d.object(1, d.member); refusal != nil {
		return refusal
	}
	if d.space() != 0 || d.at < len(d.in) {
		return notJSON("something stands behind the JSON object")
	}
	return nil
}

// space skips white space and returns the byte behind it, 0 at the end.
func (d *decoder) space() byte {
	for d.at < len(d.in) {
		switch c := d.in[d.at]; c {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return c
		}
	}
	return 0
}

// object reads an object from its brace on, and calls value at each of its values.
func (d *decoder) object(depth int, value func(name string, depth int) *Refusal) *Refusal {
	seen := map[string]bool{}
	return d.elements(depth, '}', func() *Refusal {
		if d.space() != '"' {
			return notJSON("a name of the JSON is not a string")
		}
		name, refusal := d.text()
		switch {
		case refusal != nil:
			return refusal
		case seen[name]:
			return refuse(http.StatusBadRequest, RuleTwice, fmt.Sprintf("the field %q was given twice", cut(name)))
		case d.space() != ':':
			return notJSON("a name of the JSON has no colon behind it")
		}
		seen[name] = true
		d.at++
		return value(name, depth)
	})
}

// elements reads what stands between two brackets, with commas, from the opening one on.
func (d *decoder) elements(depth int, end byte, one func() *Refusal) *Refusal {
	if depth > maxDepth {
		return notJSON(fmt.Sprintf("the JSON nests deeper than %d", maxDepth))
	}
	d.at++
	if d.space() == end {
		d.at++
		return nil
	}
	for {
		if refusal := one(); refusal != nil {
			return refusal
		}
		switch d.space() {
		case ',':
			d.at++
		case end:
			d.at++
			return nil
		default:
			return notJSON("the JSON is cut or is none")
		}
	}
}

// member reads one field of the form.
func (d *decoder) member(name string, depth int) *Refusal {
	if d.space() != '[' {
		return d.entry(name, depth, false)
	}
	if refusal := d.body.add(entry{name: name, kind: jsonList}, d.limits); refusal != nil {
		return refusal
	}
	return d.elements(depth+1, ']', func() *Refusal { return d.entry(name, depth+1, true) })
}

// entry reads one value into an entry of the body.
func (d *decoder) entry(name string, depth int, item bool) *Refusal {
	e := entry{name: name, item: item}
	c, from := d.space(), d.at
	var refusal *Refusal
	if c == '{' || c == '[' {
		e.kind = jsonNesting
		refusal = d.skip(depth)
		e.value = textOf(d.in[from:d.at])
	} else {
		e.kind, e.value, refusal = d.scalar(c)
	}
	if refusal != nil {
		return refusal
	}
	return d.body.add(e, d.limits)
}

// skip reads a value that no field can take.
func (d *decoder) skip(depth int) *Refusal {
	if d.nested++; d.nested > d.limits.Fields {
		return refuse(http.StatusBadRequest, RuleTooMany, fmt.Sprintf("the body has more than %d values within values", d.limits.Fields))
	}
	switch c := d.space(); c {
	case '{':
		return d.object(depth+1, func(_ string, depth int) *Refusal { return d.skip(depth) })
	case '[':
		return d.elements(depth+1, ']', func() *Refusal { return d.skip(depth + 1) })
	default:
		_, _, refusal := d.scalar(c)
		return refusal
	}
}

// scalar reads a string, a number, true, false or null.
func (d *decoder) scalar(first byte) (kind byte, value string, refusal *Refusal) {
	switch {
	case first == '"':
		value, refusal = d.text()
		return jsonString, value, refusal
	case first == '-' || first >= '0' && first <= '9':
		value, refusal = d.number()
		return jsonNumber, value, refusal
	}
	for _, word := range [...]struct {
		text string
		kind byte
	}{{"true", jsonTrue}, {"false", jsonFalse}, {"null", jsonNull}} {
		if bytes.HasPrefix(d.in[d.at:], []byte(word.text)) {
			d.at += len(word.text)
			return word.kind, "", nil
		}
	}
	return 0, "", notJSON("the JSON is cut or is none")
}

// number reads the digits of a number as RFC 8259 6 has them, and leaves them as they are.
func (d *decoder) number() (string, *Refusal) {
	from := d.at
	digits := func() bool {
		start := d.at
		for d.at < len(d.in) && d.in[d.at] >= '0' && d.in[d.at] <= '9' {
			d.at++
		}
		return d.at > start
	}
	next := func(chars string) bool {
		if d.at < len(d.in) && strings.IndexByte(chars, d.in[d.at]) >= 0 {
			d.at++
			return true
		}
		return false
	}
	next("-")
	ok := next("0") || digits()
	if ok && next(".") {
		ok = digits()
	}
	if ok && next("eE") {
		next("+-")
		ok = digits()
	}
	if !ok {
		return "", notJSON("a number of the JSON is none")
	}
	return textOf(d.in[from:d.at]), nil // 01 is told by whoever expects a comma
}

// text reads a string from its quote on.
func (d *decoder) text() (string, *Refusal) {
	d.at++
	from := d.at
	var b []byte // nil while nothing was escaped
	for d.at < len(d.in) {
		switch c := d.in[d.at]; {
		case c == '"':
			d.at++
			if b == nil {
				return textOf(d.in[from : d.at-1]), nil
			}
			return textOf(append(b, d.in[from:d.at-1]...)), nil
		case c < 0x20:
			return "", notJSON("a string of the JSON has a control character that is not escaped")
		case c == '\\':
			b = append(b, d.in[from:d.at]...)
			var ok bool
			if b, ok = d.escape(b); !ok {
				return "", notJSON("a string of the JSON has an escape that is none, or half a surrogate pair")
			}
			from = d.at
		default:
			d.at++
		}
	}
	return "", notJSON("a string of the JSON does not end")
}

// escape decodes one escape, two for a surrogate pair. Half a pair is no character, and parsers make different things of it.
func (d *decoder) escape(b []byte) ([]byte, bool) {
	if d.at+1 >= len(d.in) {
		return b, false
	}
	c := d.in[d.at+1]
	d.at += 2
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		return append(b, "\"\\/\b\f\n\r\t"[i]), true
	}
	if c != 'u' {
		return b, false
	}
	r, ok := d.hex4()
	if ok && utf16.IsSurrogate(r) {
		if !bytes.HasPrefix(d.in[d.at:], []byte(`\u`)) {
			return b, false
		}
		d.at += 2
		var low rune
		low, ok = d.hex4()
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return b, false
		}
	}
	return utf8.AppendRune(b, r), ok
}

func (d *decoder) hex4() (rune, bool) {
	if d.at+4 > len(d.in) {
		return 0, false
	}
	r := rune(0)
	for range 4 {
		h := unhex(d.in[d.at])
		if h > 15 {
			return 0, false
		}
		r = r<<4 | rune(h)
		d.at++
	}
	return r, true
}

// addJSON keeps what was sent for a field, or refuses a value that is of another type than the field: a program sent it,
// and nobody typed it.
func (f *field) addJSON(t *typed, e *entry, body *Body) *Refusal {
	wrong := func() *Refusal {
		return notJSON(fmt.Sprintf("the field %q takes a JSON value for the kind %s, and got another", f.Name, f.describe()))
	}
	switch {
	case e.kind == jsonNull && !e.item:
		return nil
	case e.kind == jsonList && f.List:
		return nil
	case e.item != f.List:
		return wrong()
	}
	ok := false
	switch f.Kind {
	case KindCheckbox:
		switch e.kind {
		case jsonTrue:
			t.add("on")
			return nil
		case jsonFalse:
			return nil
		}
	case KindInt, KindUint:
		ok = e.kind == jsonNumber
	case KindFloat:
		if e.kind == jsonNumber {
			s, fits := plainDecimal(e.value)
			if !fits {
				return wrong()
			}
			t.add(body.keep(s))
			return nil
		}
	default:
		ok = e.kind == jsonString
	}
	if !ok {
		return wrong()
	}
	t.add(body.keep(e.value))
	return nil
}

// plainDecimal writes a number without exponent, which forms have none of. What is no float64 does not fit.
func plainDecimal(s string) (string, bool) {
	if !strings.ContainsAny(s, "eE") {
		return s, true
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return "", false
	}
	return strconv.FormatFloat(n, 'f', -1, 64), true
}
