package page

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"
)

// result makes the expression of a method's call. Methods of the usual shapes are called as they are; others through
// package reflect.
//
// A method expression (*T).M is a function whose first argument is the pointer. Go passes any pointer, and any value of one
// kind of basic type, in the same way, so such a function may be called through a func type with other names for the same
// kinds: func(*T) Title as func(unsafe.Pointer) string.
func (c *compiler) result(m reflect.Method, recv func(f *frame) unsafe.Pointer, args []*expr, out reflect.Type, src, where string) *expr {
	fn := m.Func.Interface() // a func value: the second word of the interface is the pointer to its code
	word := (*[2]unsafe.Pointer)(unsafe.Pointer(&fn))[1]
	fails := m.Type.NumOut() == 2
	if out.Kind() == reflect.String && !printsItself(out) && m.Type.NumIn() == 1+len(args) && len(args) <= 1 && !m.Type.IsVariadic() && m.Type.In(0).Kind() == reflect.Pointer {
		if text := stringCall(word, recv, args, fails, src, where); text != nil {
			e := c.computedString(text, src)
			e.typ = out
			return e
		}
	}
	slot := c.cell(out)
	e := &expr{typ: out, src: src}
	if m.Type.NumIn() == 1 && m.Type.In(0).Kind() == reflect.Pointer {
		if e.at = plainCall(word, out, recv, fails, slot, src, where); e.at != nil {
			return e
		}
	}
	if m.Type.NumIn() == 2 && !fails && !m.Type.IsVariadic() && m.Type.In(0).Kind() == reflect.Pointer && out.Kind() == reflect.Bool && args[0].typ.Kind() == reflect.String {
		fn, arg := *(*func(unsafe.Pointer, string) bool)(unsafe.Pointer(&word)), args[0].addr()
		b := c.computedBool(func(f *frame) bool { p := recv(f); s := *(*string)(arg(f)); f.env.at = where; return fn(p, s) }, src)
		b.typ = out
		return b
	}
	e.at = reflectCall(m, recv, args, slot, out, src, where)
	return e
}

// stringCall calls func(*T) string, func(*T, string) string, func(*T, int) string, and those that also return an error.
func stringCall(word unsafe.Pointer, recv func(f *frame) unsafe.Pointer, args []*expr, fails bool, src, where string) func(f *frame) string {
	check := func(s string, err error) string {
		if err != nil {
			panic(failure{where, fmt.Sprintf("error calling %s: %v", src, err)})
		}
		return s
	}
	if len(args) == 0 {
		if fails {
			fn := *(*func(unsafe.Pointer) (string, error))(unsafe.Pointer(&word))
			return func(f *frame) string { f.env.at = where; return check(fn(recv(f))) }
		}
		fn := *(*func(unsafe.Pointer) string)(unsafe.Pointer(&word))
		return func(f *frame) string { f.env.at = where; return fn(recv(f)) }
	}
	arg := args[0].addr()
	switch args[0].typ.Kind() {
	case reflect.String:
		if fails {
			fn := *(*func(unsafe.Pointer, string) (string, error))(unsafe.Pointer(&word))
			return func(f *frame) string { p := recv(f); s := *(*string)(arg(f)); f.env.at = where; return check(fn(p, s)) }
		}
		fn := *(*func(unsafe.Pointer, string) string)(unsafe.Pointer(&word))
		return func(f *frame) string { p := recv(f); s := *(*string)(arg(f)); f.env.at = where; return fn(p, s) }
	case reflect.Int:
		if fails {
			fn := *(*func(unsafe.Pointer, int) (string, error))(unsafe.Pointer(&word))
			return func(f *frame) string { p := recv(f); n := *(*int)(arg(f)); f.env.at = where; return check(fn(p, n)) }
		}
		fn := *(*func(unsafe.Pointer, int) string)(unsafe.Pointer(&word))
		return func(f *frame) string { p := recv(f); n := *(*int)(arg(f)); f.env.at = where; return fn(p, n) }
	}
	return nil
}

// plainCall calls methods without arguments whose result is of a basic kind, a pointer or a slice.
func plainCall(word unsafe.Pointer, out reflect.Type, recv func(f *frame) unsafe.Pointer, fails bool, slot int, src, where string) func(f *frame) unsafe.Pointer {
	switch out.Kind() {
	case reflect.String:
		return call0[string](word, recv, fails, slot, src, where)
	case reflect.Bool:
		return call0[bool](word, recv, fails, slot, src, where)
	case reflect.Int:
		return call0[int](word, recv, fails, slot, src, where)
	case reflect.Int8:
		return call0[int8](word, recv, fails, slot, src, where)
	case reflect.Int16:
		return call0[int16](word, recv, fails, slot, src, where)
	case reflect.Int32:
		return call0[int32](word, recv, fails, slot, src, where)
	case reflect.Int64:
		return call0[int64](word, recv, fails, slot, src, where)
	case reflect.Uint:
		return call0[uint](word, recv, fails, slot, src, where)
	case reflect.Uint8:
		return call0[uint8](word, recv, fails, slot, src, where)
	case reflect.Uint16:
		return call0[uint16](word, recv, fails, slot, src, where)
	case reflect.Uint32:
		return call0[uint32](word, recv, fails, slot, src, where)
	case reflect.Uint64:
		return call0[uint64](word, recv, fails, slot, src, where)
	case reflect.Float32:
		return call0[float32](word, recv, fails, slot, src, where)
	case reflect.Float64:
		return call0[float64](word, recv, fails, slot, src, where)
	case reflect.Pointer:
		return call0[unsafe.Pointer](word, recv, fails, slot, src, where)
	case reflect.Slice:
		return call0[slice](word, recv, fails, slot, src, where)
	}
	return nil
}

// call0 calls func(*T) R, which returns its result as Go returns any value of R's kind.
func call0[R any](word unsafe.Pointer, recv func(f *frame) unsafe.Pointer, fails bool, slot int, src, where string) func(f *frame) unsafe.Pointer {
	if fails {
		fn := *(*func(unsafe.Pointer) (R, error))(unsafe.Pointer(&word))
		return func(f *frame) unsafe.Pointer {
			p := recv(f)
			f.env.at = where
			v, err := fn(p)
			if err != nil {
				panic(failure{where, fmt.Sprintf("error calling %s: %v", src, err)})
			}
			*(*R)(f.slots[slot]) = v
			return f.slots[slot]
		}
	}
	fn := *(*func(unsafe.Pointer) R)(unsafe.Pointer(&word))
	return func(f *frame) unsafe.Pointer {
		p := recv(f)
		f.env.at = where
		*(*R)(f.slots[slot]) = fn(p)
		return f.slots[slot]
	}
}

// reflectCall calls any method. It allocates.
func reflectCall(m reflect.Method, recv func(f *frame) unsafe.Pointer, args []*expr, slot int, out reflect.Type, src, where string) func(f *frame) unsafe.Pointer {
	self := m.Type.In(0)
	addrs := make([]func(f *frame) unsafe.Pointer, len(args))
	for i, a := range args {
		addrs[i] = a.addr()
	}
	return func(f *frame) unsafe.Pointer {
		in := make([]reflect.Value, 1, 1+len(args))
		p := recv(f)
		in[0] = reflect.NewAt(self.Elem(), p)
		for i, a := range args {
			in = append(in, reflect.NewAt(a.typ, addrs[i](f)).Elem())
		}
		f.env.at = where
		r := m.Func.Call(in)
		if len(r) == 2 && !r[1].IsNil() {
			panic(failure{where, fmt.Sprintf("error calling %s: %v", src, r[1].Interface())})
		}
		reflect.NewAt(out, f.slots[slot]).Elem().Set(r[0])
		return f.slots[slot]
	}
}

// stringerAt returns how to ask a value that stands at a place for its text, nil if its type has no such method. Error
// comes before String, as in package fmt.
//
// An interface that holds a pointer keeps the pointer itself in its second word, so one interface made from a *T serves for
// every *T, with that word exchanged.
func stringerAt(t reflect.Type) func(p unsafe.Pointer) string {
	if t.Kind() == reflect.Pointer {
		text := stringer(reflect.New(t.Elem()).Interface(), t)
		if text == nil {
			return nil
		}
		return func(p unsafe.Pointer) string {
			if p = pointerAt(p); p == nil {
				return nilText(text)
			}
			return text(p)
		}
	}
	if t.Kind() == reflect.Interface {
		return nil
	}
	return stringer(reflect.New(t).Interface(), t)
}

// stringer takes a pointer in an interface; t is the type whose own methods count.
func stringer(sample any, t reflect.Type) func(p unsafe.Pointer) string {
	switch {
	case t.Implements(errorType):
		e, ok := sample.(error)
		if !ok {
			return nil
		}
		return func(p unsafe.Pointer) string {
			x := e
			(*[2]unsafe.Pointer)(unsafe.Pointer(&x))[1] = p
			return x.Error()
		}
	case t.Implements(stringerType):
		s, ok := sample.(fmt.Stringer)
		if !ok {
			return nil
		}
		return func(p unsafe.Pointer) string {
			x := s
			(*[2]unsafe.Pointer)(unsafe.Pointer(&x))[1] = p
			return x.String()
		}
	}
	return nil
}

const nilWord = "<nil>"

// nilText asks a nil pointer for its text: as package fmt does, a method that panics at nil means "<nil>".
func nilText(text func(p unsafe.Pointer) string) (s string) {
	defer func() {
		if recover() != nil {
			s = nilWord
		}
	}()
	return text(nil)
}

// textOf is how a panic of the site's own code is told.
func textOf(p any) string {
	if err, ok := p.(error); ok {
		return strings.ToValidUTF8(err.Error(), "?")
	}
	return fmt.Sprint(p)
}
