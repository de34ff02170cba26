package page

import (
	"regexp"
	"strings"
)

// An Option changes what the pages of [Files] may do.
type Option func(*Files)

// A Sink says what data may stand in an attribute, and how it is made harmless there.
type Sink struct {
	kind   sinkKind
	values []string // of an enum
}

// The sinks of declared attributes.
var (
	// Text takes any printable value. It is for attributes that are text to the browser and to every script of the page:
	// not for one that a library runs or fetches.
	Text = Sink{kind: sinkText}
	// Address takes an address of this site: one that begins with a single "/", "?" or "#", or a relative one. Others are
	// printed as "#refused".
	Address = Sink{kind: sinkLocal}
	// Link takes an address of this site, or an absolute http, https or mailto address of any.
	Link = Sink{kind: sinkLink}
	// Number takes values of Go's numeric types, which cannot spell anything else.
	Number = Sink{kind: sinkNumber}
	// ID takes a name that scripts look up. Whole values are prefixed with "u-", so that none hides a name of the browser's
	// (DOM clobbering).
	ID = Sink{kind: sinkID}
)

// Enum takes one of the values; any other is printed as the first.
func Enum(first constant, more ...constant) Sink {
	s := Sink{kind: sinkEnum, values: []string{string(first)}}
	for _, v := range more {
		s.values = append(s.values, string(v))
	}
	return s
}

type attrOption struct {
	name string
	sink Sink
}

// Attr declares an attribute that HTML does not know, so that data may stand in it: page.Attr("hx-get", page.Address),
// page.Attr("data-name", page.Text). What you say of it is trusted: to a library it may be code.
//
// Attributes that HTML knows, and event handlers, cannot be declared: [Compile] refuses that.
func Attr(name constant, sink Sink) Option {
	return func(f *Files) { f.attrs = append(f.attrs, attrOption{strings.ToLower(string(name)), sink}) }
}

var plainAttrName = regexp.MustCompile(`^[a-z@:_][a-z0-9@:_.\-]*$`)

// fault returns why the attribute cannot be declared, "" if it can.
func (a attrOption) fault() string {
	switch {
	case !plainAttrName.MatchString(a.name):
		return "it is no name of an attribute"
	case isHandlerName(a.name):
		return "it is an event handler"
	case refusedAttrs[a.name], knownAttrs[a.name]:
		return "HTML knows it"
	}
	return ""
}
