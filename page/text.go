package page

import (
	"fmt"
	"reflect"
	"strconv"
	"text/template/parse"
	"unsafe"
)

// printsItself reports whether a type has its own way to be printed.
func printsItself(t reflect.Type) bool {
	return t.Implements(errorType) || t.Implements(stringerType) || t.Implements(formatterType)
}

// textOf returns how the value of e reads, as html/template prints it: by Error or String, else by its kind, through
// pointers, "<nil>" for nil and nothing for a missing key. The text may stand in env.tmp, from its length on; who asks cuts
// env.tmp back when done. It returns nil if the value was refused.
func (c *compiler) textOf(e *expr, pos parse.Pos) func(f *frame) string {
	if e.alts != nil {
		var texts []func(f *frame) string
		for _, v := range e.alts.values {
			t := c.textOf(v, pos)
			if t == nil {
				return nil
			}
			texts = append(texts, t)
		}
		pick := e.alts.pick
		return func(f *frame) string { return texts[pick(f)](f) }
	}
	if e.typ == nil {
		c.fault(RulePrint, pos, e.src+" printed", "print a value")
		return nil
	}
	if e.text != nil && !printsItself(e.typ) {
		return e.text
	}
	text := c.textAt(e.typ, e.src, pos)
	if text == nil {
		return nil
	}
	at := e.addr()
	if e.absent {
		return func(f *frame) string {
			if p := at(f); p != nil {
				return text(f, p)
			}
			return ""
		}
	}
	return func(f *frame) string { return text(f, at(f)) }
}

// textAt returns how to read a value of type t at a place.
func (c *compiler) textAt(t reflect.Type, src string, pos parse.Pos) func(f *frame, p unsafe.Pointer) string {
	if t.Implements(formatterType) {
		return func(f *frame, p unsafe.Pointer) string {
			n := len(f.env.tmp)
			f.env.tmp = fmt.Append(f.env.tmp, reflect.NewAt(t, p).Elem().Interface())
			return view(f.env.tmp[n:])
		}
	}
	if text := stringerAt(t); text != nil {
		where := position(c.file, int(pos))
		return func(f *frame, p unsafe.Pointer) string { f.env.at = where; return text(p) }
	}
	if t.Kind() == reflect.String {
		return func(f *frame, p unsafe.Pointer) string { return *(*string)(p) }
	}
	if a := appenderOf(t); a != nil {
		return func(f *frame, p unsafe.Pointer) string {
			n := len(f.env.tmp)
			f.env.tmp = a(f.env.tmp, p)
			return view(f.env.tmp[n:])
		}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return c.textBehind(t, src, pos)
	case reflect.Slice, reflect.Array:
		if k := t.Elem(); !printsItself(k) && (k.Kind() == reflect.String || appenderOf(k) != nil) {
			return func(f *frame, p unsafe.Pointer) string { // as fmt prints it: [a b]
				n := len(f.env.tmp)
				f.env.tmp = fmt.Append(f.env.tmp, reflect.NewAt(t, p).Elem().Interface())
				return view(f.env.tmp[n:])
			}
		}
		c.fault(RulePrint, pos, fmt.Sprintf("%s, %s, printed whole", src, aType(t)), "print its elements: {{range "+src+"}}…{{end}}")
	case reflect.Map:
		c.fault(RulePrint, pos, fmt.Sprintf("%s, %s, printed whole", src, aType(t)), "print its elements: {{range $key, $value := "+src+"}}…{{end}}")
	case reflect.Struct:
		do := "print its fields, or give it a method String() string"
		if reflect.PointerTo(t).Implements(stringerType) || reflect.PointerTo(t).Implements(errorType) {
			do = "its String is a method of the pointer: give it the receiver (x " + typeName(t) + ")"
		}
		c.fault(RulePrint, pos, fmt.Sprintf("%s, %s, printed whole", src, aType(t)), do)
	default:
		c.fault(RulePrint, pos, fmt.Sprintf("%s, %s, printed", src, aType(t)), "print a text, a number, a time, or what has a method String() string")
	}
	return nil
}

// textBehind reads what a pointer points to. A struct behind a pointer has no text, so only nil can be printed: text/template
// programs do that, by {{and .P .P.Name}}.
func (c *compiler) textBehind(t reflect.Type, src string, pos parse.Pos) func(f *frame, p unsafe.Pointer) string {
	var text func(f *frame, p unsafe.Pointer) string
	switch el := t.Elem(); {
	case el.Kind() == reflect.Pointer, el.Kind() == reflect.String, appenderOf(el) != nil, printsItself(el):
		if text = c.textAt(el, src, pos); text == nil {
			return nil
		}
	case el.Kind() == reflect.Slice, el.Kind() == reflect.Array, el.Kind() == reflect.Map:
		return c.textAt(el, src, pos) // refused, or read like the value: nil cannot be told from it
	default:
		where := position(c.file, int(pos))
		text = func(*frame, unsafe.Pointer) string {
			panic(failure{where, fmt.Sprintf("%s, %s, is printed whole and is not nil; print its fields, or give it a method String() string", src, aType(t))})
		}
	}
	return func(f *frame, p unsafe.Pointer) string {
		if p = pointerAt(p); p == nil {
			return nilWord
		}
		return text(f, p)
	}
}

// appenderOf returns how to append a number or bool as package fmt prints it, nil for other kinds.
func appenderOf(t reflect.Type) func(dst []byte, p unsafe.Pointer) []byte {
	if load := integer(t); load != nil {
		return func(dst []byte, p unsafe.Pointer) []byte { return strconv.AppendInt(dst, load(p), 10) }
	}
	if load := unsigned(t); load != nil {
		return func(dst []byte, p unsafe.Pointer) []byte { return strconv.AppendUint(dst, load(p), 10) }
	}
	if load, bits := floating(t); load != nil {
		return func(dst []byte, p unsafe.Pointer) []byte { return appendFloat(dst, load(p), bits) }
	}
	if t.Kind() == reflect.Bool {
		return func(dst []byte, p unsafe.Pointer) []byte { return strconv.AppendBool(dst, *(*bool)(p)) }
	}
	return nil
}

// appendFloat appends as %v does.
func appendFloat(dst []byte, v float64, bits int) []byte {
	return strconv.AppendFloat(dst, v, 'g', -1, bits)
}
