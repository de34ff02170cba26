package page

import (
	"fmt"
	"reflect"
	"text/template/parse"
	"unsafe"

	"github.com/merlon-web/merlon/form"
)

// called is the outcome of looking for a method: value is nil if there is one that was refused.
type called struct{ value *expr }

// method compiles the call of a method, nil if the type has none of that name. As in text/template a value that came
// through a pointer, or is an element of a slice, has the methods of its pointer too.
func (c *compiler) method(e, ptr *expr, name string, args []parse.Node, final *expr, src string, pos parse.Pos) *called {
	pt := reflect.PointerTo(e.typ)
	var m reflect.Method
	var ok bool
	var recv func(f *frame) unsafe.Pointer
	absent := e.absent
	switch {
	case ptr != nil: // the pointer itself, nil or not
		if m, ok = ptr.typ.MethodByName(name); !ok {
			return nil
		}
		load := ptr.addr()
		if ptr.typ != pt { // a named pointer type has no methods of its own
			return nil
		}
		recv = func(f *frame) unsafe.Pointer {
			p := load(f)
			if p == nil {
				return nil
			}
			return pointerAt(p)
		}
		absent = ptr.absent
	default:
		if m, ok = pt.MethodByName(name); !ok {
			if _, lone := e.typ.MethodByName(name); lone { // of an unnamed type: no wrapper for its pointer was made
				c.fault(RuleArguments, pos, fmt.Sprintf("%s: a method of an unnamed type", src), "give the type a name")
				return &called{}
			}
			return nil
		}
		if _, own := e.typ.MethodByName(name); !own && !e.addressable {
			c.fault(RuleArguments, pos, fmt.Sprintf("%s is a method of *%s, and %s is a value without an address", src, typeName(e.typ), e.src),
				fmt.Sprintf("give %s the receiver (x %s), or make the field a *%s", name, typeName(e.typ), typeName(e.typ)))
			return &called{}
		}
		recv = e.addr()
	}
	v := c.callMethod(m, recv, args, final, src, pos)
	if v == nil {
		return &called{}
	}
	if e.typ == frameType && name == "Has" {
		c.roleAsked(args, final, pos)
	}
	if isForm(e.typ) && !c.formName(e.typ, name, args, pos) {
		return &called{}
	}
	if absent { // text/template: a member of a missing key is missing
		at, load := v.addr(), recv
		base := e
		if ptr != nil {
			base = ptr
		}
		load = base.addr()
		w := *v
		w.direct, w.text, w.test, w.absent = false, nil, nil, true
		w.at = func(f *frame) unsafe.Pointer {
			if load(f) == nil {
				return nil
			}
			return at(f)
		}
		v = &w
	}
	return &called{v}
}

// roleAsked notes the role that a page asks for, where it is a constant: who knows the routes can tell whether there is one.
func (c *compiler) roleAsked(args []parse.Node, final *expr, pos parse.Pos) {
	where := position(c.file, int(pos))
	if len(args) == 1 {
		if s, ok := args[0].(*parse.StringNode); ok {
			c.facts.Roles = append(c.facts.Roles, RoleFact{where, s.Text})
		}
	} else if final != nil && final.word != nil {
		c.facts.Roles = append(c.facts.Roles, RoleFact{where, *final.word})
	}
}

// formName holds the constant names that a hand-written form asks its form for against the form's struct.
func (c *compiler) formName(t reflect.Type, method string, args []parse.Node, pos parse.Pos) bool {
	switch method {
	case "Raw", "Problem", "ProblemID", "Has":
	default:
		return true
	}
	s, ok := args[0].(*parse.StringNode)
	spec := c.spec(t, pos)
	if !ok || spec == nil || s.Text == "" {
		return spec != nil
	}
	return c.hasField(spec, s.Text, s.Pos)
}

func (c *compiler) hasField(spec *form.Spec, name string, pos parse.Pos) bool {
	var known []string
	for _, f := range spec.Fields() {
		if f.Name == name {
			return true
		}
		known = append(known, f.Name)
	}
	c.fault(RuleFields, pos, fmt.Sprintf("%q: %s has no such field", name, spec.Type()), didYouMean(name, known, "name a field of the form's struct"))
	return false
}

// callMethod compiles the call itself: the arguments to the types of the parameters, the result into a cell.
func (c *compiler) callMethod(m reflect.Method, recv func(f *frame) unsafe.Pointer, args []parse.Node, final *expr, src string, pos parse.Pos) *expr {
	t := m.Type
	in := make([]reflect.Type, 0, t.NumIn())
	for i := 1; i < t.NumIn(); i++ {
		in = append(in, t.In(i))
	}
	n := len(args)
	if final != nil {
		n++
	}
	fixed := len(in)
	if t.IsVariadic() {
		fixed--
	}
	if n < fixed || n > fixed && !t.IsVariadic() {
		want := fmt.Sprint(fixed)
		if t.IsVariadic() {
			want = "at least " + want
		}
		c.fault(RuleArguments, pos, fmt.Sprintf("%s wants %s arguments, got %d", src, want, n), signature(m))
		return nil
	}
	switch {
	case t.NumOut() == 1 && t.Out(0) != errorType:
	case t.NumOut() == 2 && t.Out(1) == errorType:
	default:
		c.fault(RuleArguments, pos, fmt.Sprintf("%s must return one value, or one and an error", src), signature(m))
		return nil
	}
	out := t.Out(0)
	if !c.allowed(out, src, int(pos)) {
		return nil
	}
	values := make([]*expr, 0, n)
	bad := false
	for i := range n {
		var e *expr
		if i < len(args) {
			e = c.operand(args[i])
		} else {
			e = final
		}
		if e == nil {
			bad = true
			continue
		}
		want := in[min(i, len(in)-1)]
		if i >= fixed {
			want = in[len(in)-1].Elem()
		}
		at := pos
		if i < len(args) {
			at = args[i].Position()
		}
		if e = c.argument(e, want, src, at); e == nil {
			bad = true
		}
		values = append(values, e)
	}
	if bad {
		return nil
	}
	return c.result(m, recv, values, out, src, position(c.file, int(pos)))
}

// signature shows a method as its author declared it.
func signature(m reflect.Method) string {
	s := "it is func " + m.Name + "("
	for i := 1; i < m.Type.NumIn(); i++ {
		if i > 1 {
			s += ", "
		}
		s += typeName(m.Type.In(i))
	}
	s += ")"
	for i := range m.Type.NumOut() {
		if i == 0 {
			s += " " + typeName(m.Type.Out(i))
		} else {
			s += ", " + typeName(m.Type.Out(i))
		}
	}
	return s
}

// argument makes e an argument for a parameter: as text/template does, with one pointer followed or taken where it helps.
func (c *compiler) argument(e *expr, t reflect.Type, src string, pos parse.Pos) *expr {
	if r, what, do, bad := typeFault(t); bad && !isSequence(t) {
		c.fault(r, pos, fmt.Sprintf("a parameter of %s %s", src, what), do)
		return nil
	}
	switch {
	case e.typ == nil && e.json == nil && e.fields == nil && e.alts == nil: // nil
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			zero := reflect.New(t).UnsafePointer()
			return &expr{typ: t, stable: true, src: "nil", at: func(*frame) unsafe.Pointer { return zero }}
		}
	case e.typ == nil || e.json != nil || e.fields != nil:
	default:
		if k := constantAs(e, t); k != nil {
			return k
		}
		if e.word != nil || e.number != nil || e.truth != nil {
			break
		}
		if e.typ == t || e.typ.AssignableTo(t) && t.Kind() != reflect.Interface {
			return c.required(e, src, pos)
		}
		if e.typ.Kind() == reflect.Pointer && e.typ.Elem().AssignableTo(t) {
			return c.follow(c.required(e, src, pos), e.src, pos)
		}
		if t.Kind() == reflect.Pointer && t.Elem() == e.typ && e.addressable {
			at := c.required(e, src, pos).addr()
			slot := c.slot() // holds the pointer; its own address is the value's place
			return &expr{typ: t, src: e.src, at: func(f *frame) unsafe.Pointer {
				f.slots[slot] = at(f)
				return unsafe.Pointer(&f.slots[slot])
			}}
		}
	}
	c.fault(RuleArguments, pos, fmt.Sprintf("%s wants %s, and %s is %s", src, aType(t), e.src, aType(e.typ)), fmt.Sprintf("give it a value of type %s", typeName(t)))
	return nil
}

// required is e where a missing key is no value that could be passed on.
func (c *compiler) required(e *expr, src string, pos parse.Pos) *expr {
	if !e.absent {
		return e
	}
	at, where := e.addr(), position(c.file, int(pos))
	r := *e
	r.direct, r.absent, r.text, r.test = false, false, nil, nil
	r.at = func(f *frame) unsafe.Pointer {
		p := at(f)
		if p == nil {
			panic(failure{where, fmt.Sprintf("%s is given %s, which is a missing key of a map", src, e.src)})
		}
		return p
	}
	return &r
}

// constantAs makes a constant a value of another type, if it is a constant that the type can hold.
func constantAs(e *expr, t reflect.Type) *expr {
	v := reflect.New(t)
	switch t.Kind() {
	case reflect.String:
		if e.word == nil {
			return nil
		}
		v.Elem().SetString(*e.word)
	case reflect.Bool:
		if e.truth == nil {
			return nil
		}
		v.Elem().SetBool(*e.truth)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if e.number == nil || !e.number.IsInt || v.Elem().OverflowInt(e.number.Int64) {
			return nil
		}
		v.Elem().SetInt(e.number.Int64)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if e.number == nil || !e.number.IsUint || v.Elem().OverflowUint(e.number.Uint64) {
			return nil
		}
		v.Elem().SetUint(e.number.Uint64)
	case reflect.Float32, reflect.Float64:
		if e.number == nil || !e.number.IsFloat {
			return nil
		}
		v.Elem().SetFloat(e.number.Float64)
	default:
		return nil
	}
	p := v.UnsafePointer()
	k := *e
	k.typ, k.at = t, func(*frame) unsafe.Pointer { return p }
	if t != stringType {
		k.word = nil
	}
	if t != boolType {
		k.truth = nil
	}
	return &k
}
