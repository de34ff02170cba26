package page

import (
	"fmt"
	"reflect"
	"text/template/parse"
	"unsafe"
)

// functions are the names that pages have, for "did you mean".
var functions = []string{"and", "or", "not", "len", "index", "slice", "eq", "ne", "lt", "le", "gt", "ge", "print", "printf", "println",
	"text", "data", "fields", "field", "problems", "token"}

// function compiles a call of a function of the page language. With final, that is the last argument.
func (c *compiler) function(n *parse.IdentifierNode, nodes []parse.Node, final *expr) *expr {
	name := n.Ident
	switch name {
	case siteAlias:
		if len(nodes) > 0 || final != nil {
			c.fault(RuleArguments, n.Pos, "$site is given an argument and is no function", "leave the argument out")
			return nil
		}
		return c.site()
	case "html", "js", "urlquery":
		c.fault(RuleEscaper, n.Pos, name, "leave it out: every value is escaped for its place")
		return nil
	case "call":
		c.fault(RuleNode, n.Pos, "call: page data holds no functions", "make it a method: {{.Name}} calls it")
		return nil
	case "and", "or":
		return c.andOr(n, nodes, final)
	}
	args, ok := c.arguments(nodes, final)
	if !ok {
		return nil
	}
	switch name {
	case "not":
		if !c.count(n, args, 1, 1) {
			return nil
		}
		truth := c.truth(args[0], n.Pos)
		return c.computedBool(func(f *frame) bool { return !truth(f) }, "not")
	case "len":
		if !c.count(n, args, 1, 1) {
			return nil
		}
		return c.length(args[0], n.Pos)
	case "index":
		if !c.count(n, args, 1, -1) {
			return nil
		}
		return c.index(args[0], args[1:], n.Pos)
	case "slice":
		if !c.count(n, args, 1, 4) {
			return nil
		}
		return c.slicing(args[0], args[1:], n.Pos)
	case "eq":
		if !c.count(n, args, 2, -1) {
			return nil
		}
		return c.equal(args, n.Pos)
	case "ne", "lt", "le", "gt", "ge":
		if !c.count(n, args, 2, 2) {
			return nil
		}
		return c.compare(name, args[0], args[1], n.Pos)
	case "print", "println":
		return c.printing(args, name == "println", n.Pos)
	case "printf":
		if !c.count(n, args, 1, -1) {
			return nil
		}
		return c.format(args, n.Pos)
	case "text":
		if !c.count(n, args, 1, -1) {
			return nil
		}
		return c.catalogue(args, n.Pos)
	case "data":
		if !c.count(n, args, 1, 1) {
			return nil
		}
		return &expr{json: args[0], src: "data " + args[0].src}
	case "fields", "field", "problems":
		return c.fieldFunction(n, nodes, args)
	case "token":
		if !c.count(n, args, 1, 1) {
			return nil
		}
		return c.tokenFunction(args[0], n.Pos)
	}
	c.fault(RuleFunction, n.Pos, fmt.Sprintf("there is no function %q", name), didYouMean(name, functions, "make it a method of the data: {{.Name}}"))
	return nil
}

func (c *compiler) arguments(nodes []parse.Node, final *expr) ([]*expr, bool) {
	args := make([]*expr, 0, len(nodes)+1)
	ok := true
	for _, n := range nodes {
		e := c.operand(n)
		if e == nil {
			ok = false
			continue
		}
		args = append(args, e)
	}
	if final != nil {
		args = append(args, final)
	}
	for i, e := range args {
		if e.json != nil || e.fields != nil {
			pos := parse.Pos(0)
			if i < len(nodes) {
				pos = nodes[i].Position()
			}
			c.fault(RuleArguments, pos, e.src+" as an argument", "it stands in an action of its own")
			ok = false
		}
	}
	return args, ok
}

// count reports a wrong number of arguments. A negative maximum is none.
func (c *compiler) count(n *parse.IdentifierNode, args []*expr, least, most int) bool {
	if len(args) >= least && (most < 0 || len(args) <= most) {
		return true
	}
	want := fmt.Sprint(least)
	if most < 0 {
		want = "at least " + want
	} else if most > least {
		want = fmt.Sprintf("%d to %d", least, most)
	}
	c.fault(RuleArguments, n.Pos, fmt.Sprintf("%s wants %s arguments, got %d", n.Ident, want, len(args)), "give it what it wants")
	return false
}

// andOr compiles the two functions that do not evaluate all their arguments.
func (c *compiler) andOr(n *parse.IdentifierNode, nodes []parse.Node, final *expr) *expr {
	args, ok := c.arguments(nodes, final)
	if !ok || !c.count(n, args, 1, -1) {
		return nil
	}
	or := n.Ident == "or"
	if len(args) == 1 {
		return args[0]
	}
	same := true
	for _, a := range args {
		if a.typ != args[0].typ || a.typ == nil || a.alts != nil {
			same = false
		}
	}
	var tests []func(f *frame) bool
	var values []*expr
	var firsts []func(f *frame)
	absent := false
	for i, a := range args {
		first, bound := func(*frame) {}, a
		if a.alts == nil {
			first, bound = c.bindIn(a)
		}
		firsts = append(firsts, first)
		values = append(values, bound)
		absent = absent || a.absent
		if i < len(args)-1 {
			t := c.truth(bound, n.Pos)
			tests = append(tests, func(f *frame) bool { first(f); return t(f) })
		}
	}
	last := len(args) - 1
	pick := func(f *frame) int {
		for i, t := range tests {
			if t(f) == or {
				return i
			}
		}
		firsts[last](f)
		return last
	}
	if !same {
		return &expr{alts: &choice{pick, values}, src: n.Ident + " …"}
	}
	addrs := make([]func(f *frame) unsafe.Pointer, len(values))
	for i, v := range values {
		addrs[i] = v.addr()
	}
	return &expr{typ: args[0].typ, absent: absent, src: n.Ident + " …", at: func(f *frame) unsafe.Pointer { return addrs[pick(f)](f) }}
}

// truth compiles the question whether e is true in the sense of text/template: not the zero value, not empty.
func (c *compiler) truth(e *expr, pos parse.Pos) func(f *frame) bool {
	if e.test != nil {
		return e.test
	}
	if e.alts != nil {
		var tests []func(f *frame) bool
		for _, v := range e.alts.values {
			tests = append(tests, c.truth(v, pos))
		}
		pick := e.alts.pick
		return func(f *frame) bool { return tests[pick(f)](f) }
	}
	if e.json != nil || e.fields != nil {
		c.fault(RuleArguments, pos, e.src+" as a condition", "ask for a field")
		return func(*frame) bool { return false }
	}
	if e.typ == nil {
		return func(*frame) bool { return false }
	}
	test := truthOf(e.typ)
	if e.direct && !e.absent {
		slot, off := e.slot, e.off
		return func(f *frame) bool { return test(unsafe.Add(f.slots[slot], off)) }
	}
	at := e.addr()
	if e.absent {
		return func(f *frame) bool {
			p := at(f)
			return p != nil && test(p)
		}
	}
	return func(f *frame) bool { return test(at(f)) }
}

func truthOf(t reflect.Type) func(p unsafe.Pointer) bool {
	switch t.Kind() {
	case reflect.Bool:
		return func(p unsafe.Pointer) bool { return *(*bool)(p) }
	case reflect.String:
		return func(p unsafe.Pointer) bool { return *(*string)(p) != "" }
	case reflect.Slice:
		return func(p unsafe.Pointer) bool { return (*slice)(p).len > 0 }
	case reflect.Pointer, reflect.Func:
		return func(p unsafe.Pointer) bool { return pointerAt(p) != nil }
	case reflect.Map:
		return func(p unsafe.Pointer) bool { return pointerAt(p) != nil && reflect.NewAt(t, p).Elem().Len() > 0 }
	case reflect.Array:
		n := t.Len()
		return func(unsafe.Pointer) bool { return n > 0 }
	case reflect.Struct:
		if t == htmlType {
			return func(p unsafe.Pointer) bool { return (*HTML)(p).text != "" }
		}
		return func(unsafe.Pointer) bool { return true }
	case reflect.Float32:
		return func(p unsafe.Pointer) bool { return *(*float32)(p) != 0 }
	case reflect.Float64:
		return func(p unsafe.Pointer) bool { return *(*float64)(p) != 0 }
	}
	load := integer(t)
	if load == nil {
		load64 := unsigned(t)
		return func(p unsafe.Pointer) bool { return load64(p) != 0 }
	}
	return func(p unsafe.Pointer) bool { return load(p) != 0 }
}
