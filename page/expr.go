package page

import (
	"fmt"
	"reflect"
	"strings"
	"text/template/parse"
	"unsafe"
)

// expr is a compiled expression: a static type and a way to the value.
type expr struct {
	typ reflect.Type // nil for {{nil}}

	// The value stands at slots[slot]+off if direct; otherwise at returns where it stands.
	direct bool
	slot   int
	off    uintptr
	at     func(f *frame) unsafe.Pointer

	text   func(f *frame) string // made for printing, if the value is a text that is computed; may point into env.tmp
	test   func(f *frame) bool   // if the value is a bool that is computed
	number *parse.NumberNode     // a constant number: it fits any numeric type that can hold it
	word   *string               // a constant string: it fits any type of kind string
	truth  *bool                 // a constant bool
	alts   *choice               // the value is one of several, of different types

	stable      bool // the value stands in the data, or is constant: it is not overwritten while the page is printed
	addressable bool // text/template could take its address: methods of the pointer are its own too
	absent      bool // at may return nil: a key that a map lacks

	json   *expr      // {{data .X}}
	fields *fieldCall // {{fields .Form}} and its like
	src    string     // as written, for messages
}

// choice is the value of and, or: which of the values it is is known when the page is printed.
type choice struct {
	pick   func(f *frame) int
	values []*expr
}

var (
	boolType   = reflect.TypeFor[bool]()
	intType    = reflect.TypeFor[int]()
	floatType  = reflect.TypeFor[float64]()
	stringType = reflect.TypeFor[string]()
)

func isBool(t reflect.Type) bool   { return t != nil && t.Kind() == reflect.Bool }
func isString(t reflect.Type) bool { return t != nil && t.Kind() == reflect.String }

// addr returns the way to the value's place, which is nil for a key that a map lacks.
func (e *expr) addr() func(f *frame) unsafe.Pointer {
	if e.direct {
		slot, off := e.slot, e.off
		if e.absent {
			return func(f *frame) unsafe.Pointer { return f.slots[slot] } // off is 0: see fieldAt
		}
		if off == 0 {
			return func(f *frame) unsafe.Pointer { return f.slots[slot] }
		}
		return func(f *frame) unsafe.Pointer { return unsafe.Add(f.slots[slot], off) }
	}
	return e.at
}

// bind evaluates e once, into a slot, and returns the expression of the slot. What is in the data already is left there.
func (c *compiler) bind(e *expr) *expr {
	if e.direct || e.alts != nil || e.at == nil || e.word != nil || e.number != nil || e.truth != nil {
		return e
	}
	at, slot := e.at, c.slot()
	c.out.do(func(f *frame, dst []byte) []byte {
		f.slots[slot] = at(f)
		return dst
	})
	b := *e
	b.direct, b.slot, b.off, b.at, b.text, b.test = true, slot, 0, nil, nil, nil
	return &b
}

// bindIn is bind for an expression that is evaluated only on the way to another one: first runs it.
func (c *compiler) bindIn(e *expr) (first func(f *frame), bound *expr) {
	if e.direct || e.at == nil || e.word != nil || e.number != nil || e.truth != nil {
		return func(*frame) {}, e
	}
	at, slot := e.at, c.slot()
	b := *e
	b.direct, b.slot, b.off, b.at, b.text, b.test = true, slot, 0, nil, nil, nil
	return func(f *frame) { f.slots[slot] = at(f) }, &b
}

// present is e where it is known not to be a missing key.
func (c *compiler) present(e *expr) *expr {
	if !e.absent {
		return e
	}
	p := *e
	p.absent = false
	return &p
}

// constant values: they stand in memory of the program.

func constString(s, src string) *expr {
	p := &s
	return &expr{typ: stringType, at: func(*frame) unsafe.Pointer { return unsafe.Pointer(p) }, word: p, stable: true, src: src}
}

func constBool(b bool, src string) *expr {
	p := &b
	return &expr{typ: boolType, at: func(*frame) unsafe.Pointer { return unsafe.Pointer(p) }, truth: p, stable: true, src: src}
}

// constNumber gives a number the type that text/template gives it where none is asked for: int, or float64 if it is written
// as one.
func (c *compiler) constNumber(n *parse.NumberNode) *expr {
	t := n.Text
	isHex := len(t) > 2 && t[0] == '0' && (t[1] == 'x' || t[1] == 'X') && !strings.ContainsAny(t, "pP")
	isRune := t != "" && t[0] == '\''
	switch {
	case n.IsComplex && !n.IsInt && !n.IsUint && !n.IsFloat, strings.HasSuffix(t, "i"):
		c.fault(RuleNode, n.Pos, fmt.Sprintf("%s: a complex number", t), "pages have whole numbers and floats")
		return nil
	case n.IsFloat && !isHex && !isRune && strings.ContainsAny(t, ".eEpP"):
		p := &n.Float64
		return &expr{typ: floatType, at: func(*frame) unsafe.Pointer { return unsafe.Pointer(p) }, number: n, stable: true, src: t}
	case n.IsInt && int64(int(n.Int64)) == n.Int64:
		v := int(n.Int64)
		return &expr{typ: intType, at: func(*frame) unsafe.Pointer { return unsafe.Pointer(&v) }, number: n, stable: true, src: t}
	}
	c.fault(RuleArguments, n.Pos, fmt.Sprintf("%s overflows int", t), "write a smaller number")
	return nil
}

// computedString is a text that is made while the page is printed. It may be printed without a copy, by text.
func (c *compiler) computedString(text func(f *frame) string, src string) *expr {
	slot := c.cell(stringType)
	return &expr{typ: stringType, text: text, src: src, at: func(f *frame) unsafe.Pointer {
		n := len(f.env.tmp)
		s := text(f)
		p := f.slots[slot]
		*(*string)(p) = strings.Clone(s) // it may stand in tmp
		f.env.tmp = f.env.tmp[:n]
		return p
	}}
}

// computedBool is a bool that is made while the page is printed.
func (c *compiler) computedBool(test func(f *frame) bool, src string) *expr {
	slot := c.cell(boolType)
	return &expr{typ: boolType, test: test, src: src, at: func(f *frame) unsafe.Pointer {
		p := f.slots[slot]
		*(*bool)(p) = test(f)
		return p
	}}
}

// computedInt is an int that is made while the page is printed.
func (c *compiler) computedInt(value func(f *frame) int, src string) *expr {
	slot := c.cell(intType)
	return &expr{typ: intType, src: src, at: func(f *frame) unsafe.Pointer {
		p := f.slots[slot]
		*(*int)(p) = value(f)
		return p
	}}
}

// newCell describes a slot with memory for a t.
func newCell(slot int, t reflect.Type) cell {
	c := cell{slot: slot, make: func() unsafe.Pointer { return reflect.New(t).UnsafePointer() }}
	if t.Kind() == reflect.String {
		c.zero = func(p unsafe.Pointer) { *(*string)(p) = "" }
	} else {
		c.zero = func(p unsafe.Pointer) { reflect.NewAt(t, p).Elem().SetZero() }
	}
	return c
}

// copier returns how to copy a value of type t.
func copier(t reflect.Type) func(dst, src unsafe.Pointer) {
	switch t.Kind() {
	case reflect.String:
		return func(dst, src unsafe.Pointer) { *(*string)(dst) = *(*string)(src) }
	case reflect.Bool, reflect.Int8, reflect.Uint8:
		return func(dst, src unsafe.Pointer) { *(*uint8)(dst) = *(*uint8)(src) }
	case reflect.Int16, reflect.Uint16:
		return func(dst, src unsafe.Pointer) { *(*uint16)(dst) = *(*uint16)(src) }
	case reflect.Int32, reflect.Uint32, reflect.Float32:
		return func(dst, src unsafe.Pointer) { *(*uint32)(dst) = *(*uint32)(src) }
	case reflect.Int64, reflect.Uint64, reflect.Float64:
		return func(dst, src unsafe.Pointer) { *(*uint64)(dst) = *(*uint64)(src) }
	case reflect.Int, reflect.Uint, reflect.Uintptr:
		return func(dst, src unsafe.Pointer) { *(*uint)(dst) = *(*uint)(src) }
	case reflect.Pointer, reflect.Map:
		return func(dst, src unsafe.Pointer) { *(*unsafe.Pointer)(dst) = *(*unsafe.Pointer)(src) }
	}
	return func(dst, src unsafe.Pointer) {
		reflect.NewAt(t, dst).Elem().Set(reflect.NewAt(t, src).Elem())
	}
}
