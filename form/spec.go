package form

import (
	"reflect"
	"sync"
	"time"

	"github.com/merlon-web/merlon/check"
)

// A Kind says what a field holds and how it is shown.
type Kind uint8

// The kinds. A list of any of the first group has [Field].List set.
const (
	KindText     Kind = iota // one line
	KindLines                // several lines: a textarea; line breaks arrive as "\n"
	KindEmail                // one address
	KindURL                  // http or https, absolute, without user
	KindInt                  // signed whole number
	KindUint                 // unsigned whole number
	KindFloat                // number with a decimal point
	KindChoice               // one of declared or offered values: a select; in a list: checkboxes
	KindCheckbox             // bool: the value "on", or absent
	KindDate                 // YYYY-MM-DD
	KindDateTime             // YYYY-MM-DDTHH:MM[:SS], the visitor's clock: no zone
	KindPassword             // kept as received, never shown again
	KindSealed               // a hidden value that only the server can make
	KindFile                 // an upload
	KindImage                // an upload that is a picture
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	names := [...]string{"text", "lines", "email", "url", "int", "uint", "float", "choice", "checkbox", "date", "datetime", "password", "sealed", "file", "image"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

func (k Kind) isUpload() bool { return k == KindFile || k == KindImage }

// An Option is one value that a choice field offers. An empty Label shows the value.
type Option struct{ Value, Label string }

// A Field describes one field of a form's struct.
type Field struct {
	Name     string // the name in the form, which is the Go name; of path and query fields the name in the address
	Go       string // the Go name of the struct's field
	Label    string // as tagged, or made of the Go name
	Help     string // one sentence below the label, "" for none
	Kind     Kind
	List     bool // several values, at most MaxItems
	Required bool
	Path     bool // from the path and never from the body; not shown
	Query    bool // from the query of a GET
	Hidden   bool // printed as a hidden control; whoever posts can still set it

	Min, Max  int    // texts: code points; 0 is none
	MaxItems  int    // lists
	Low, High string // numbers and dates: the limits as tagged, "" for none

	Choices []Option // as tagged
	Offered bool     // the choices come at run time: see [Form.Offer]

	MaxBytes    int64    // uploads: of the sent file
	Types       []string // uploads: media types, as tagged
	Pixels, Fit int      // pictures: the most that are taken, width times height; the longest side of what is kept. 0 is none

	Autocomplete, InputMode string
	Rows                    int
}

// A Spec is the compiled description of a struct. It never changes and is safe for concurrent use.
type Spec struct {
	typ       reflect.Type
	label     string // for messages: the type's name
	fields    []field
	public    []Field
	body      map[string]int // fields that a body or a query may bind, by name in the form
	goNames   map[string]int
	paths     bool // has path fields
	sealed    bool
	uploads   bool
	validates bool // T or *T is a Validator
	faults    check.Faults
}

// field is a Field with what binding needs.
type field struct {
	Field
	index    int
	kind     reflect.Kind // of the value, or of a list's element
	isTime   bool
	isSecret bool

	lowInt, highInt     int64
	lowUint, highUint   uint64
	lowFloat, highFloat float64
	lowTime, highTime   time.Time
	lowText, highText   string // the limits in words, the type's own included
}

// Type returns the struct's type.
func (s *Spec) Type() reflect.Type { return s.typ }

// Fields returns the fields in the order of the struct, path fields included. The caller must not change the slice.
func (s *Spec) Fields() []Field { return s.public }

// Field returns a field by its name in the form, or by the Go name of a path field.
func (s *Spec) Field(name string) (Field, bool) {
	if i, ok := s.find(name); ok {
		return s.public[i], true
	}
	return Field{}, false
}

// Room returns how many bytes a body with every field of the form can take, the largest text in the longest spelling (a
// letter of four bytes, each escaped), and 64 KiB besides: for the token, names, a field that is not the form's, and a text
// somewhat too long, which is to be told by its field and not by a body that is too large.
func (s *Spec) Room() int64 {
	const (
		letter = 12      // %F0%9F%98%80, \ud83d\ude00
		short  = 1 << 10 // a number, a date, a choice
	)
	room := int64(64 << 10)
	for i := range s.fields {
		f := &s.fields[i]
		if f.Path {
			continue
		}
		one := int64(short)
		switch f.Kind {
		case KindText, KindLines, KindEmail, KindURL, KindPassword:
			one += letter * int64(f.Max)
		case KindFile, KindImage:
			one += 2*f.MaxBytes + 16<<20 // a file that is too large is told by its field
		}
		room += one * int64(max(f.MaxItems, 1))
	}
	return room
}

// HasUpload reports whether the form has an upload: its page sends multipart/form-data, and [ParseUploads] reads it.
func (s *Spec) HasUpload() bool { return s.uploads }

// HasSealed reports whether the form has a sealed field, and so needs a [Sealer] to be shown and bound.
func (s *Spec) HasSealed() bool { return s.sealed }

func (s *Spec) find(name string) (int, bool) {
	if i, ok := s.body[name]; ok {
		return i, true
	}
	i, ok := s.goNames[name]
	return i, ok
}

// SpecOf compiles the struct of a form, once per type; it is safe for concurrent use. With faults, which it returns all
// together, the Spec is nil. Every exported field needs one of the tags
//
//	form:"OPTION,…"   a field of the form; its name in the form is the Go name
//	path:"NAME"       the value {NAME} of the route's pattern, never from the body; options may follow after a comma
//
// and may have label:"…", help:"…" and autocomplete:"…". The options of a form tag:
//
//	required             must be given; a checkbox must be ticked
//	max=N, min=N         texts: code points, a line break counts as one; max is needed. Numbers and dates: limits
//	lines, rows=N        several lines
//	email, url           an address (max=254 by itself); an http or https address
//	password             string or [secret.String], kept as received
//	choices=a|b:Label    one of these; choices alone: what [Form.Offer] offers
//	date, datetime       string or [time.Time] (in UTC)
//	sealed               string or number that the server gave out: see [Sealer]
//	hidden               printed as a hidden control: what the page knows and the visitor need not type. Its value is as
//	                     much the visitor's as any other; what must come back unchanged is sealed
//	max_items=N          lists: needed
//	inputmode=numeric    the keyboard of a telephone
//	max_bytes=N          uploads: needed
//	types=a/b|c/d        uploads: needed; of image/jpeg, image/png, image/gif, application/pdf, text/csv, text/plain
//	pixels=N             pictures: width times height of what is taken; needed by an [Image], 50 million by itself
//	fit=N                pictures: made smaller, so that no side is longer
//
// Fields are string and named strings, bool, all int, uint and float types, time.Time, secret.String, [File], [Image],
// and slices of strings and numbers. struct{} is a form that is only a button.
func SpecOf(t reflect.Type) (*Spec, check.Faults) { return public(specFor(t, forForm)) }

// QuerySpecOf compiles the input struct of a GET: path tags as in [SpecOf], and query:"NAME,OPTION,…" tags with the options
// of a form tag but password, sealed, lines and choices without values.
func QuerySpecOf(t reflect.Type) (*Spec, check.Faults) { return public(specFor(t, forQuery)) }

func public(s *Spec) (*Spec, check.Faults) {
	if len(s.faults) > 0 {
		return nil, s.faults
	}
	return s, nil
}

type purpose uint8

const (
	forForm purpose = iota
	forQuery
)

type specKey struct {
	typ reflect.Type
	purpose
}

// specs remembers what was compiled, as encoding/json does. It only ever grows by one entry a type of the program.
var specs sync.Map // specKey → *Spec

func specFor(t reflect.Type, p purpose) *Spec {
	if s, ok := specs.Load(specKey{t, p}); ok {
		return s.(*Spec)
	}
	s, _ := specs.LoadOrStore(specKey{t, p}, compile(t, p))
	return s.(*Spec)
}
