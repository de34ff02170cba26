package page

import (
	"fmt"
	"reflect"
	"text/template/parse"
	"unsafe"
)

// pipeline compiles a pipeline and the variables that it declares or assigns. It returns nil for one that was refused.
func (c *compiler) pipeline(p *parse.PipeNode) *expr {
	if p == nil {
		return nil
	}
	var value *expr
	for i, cmd := range p.Cmds {
		value = c.command(cmd, value, i > 0)
		if value == nil {
			break
		}
	}
	for _, v := range p.Decl {
		if p.IsAssign {
			c.assignTo(v, value)
		} else {
			c.declareVar(v.Ident[0], value)
			if value != nil {
				value = c.variable(v.Ident[0]).value
			}
		}
	}
	return value
}

// command compiles one command of a pipeline. With piped, final is the value of the command before it, and its last
// argument.
func (c *compiler) command(cmd *parse.CommandNode, final *expr, piped bool) *expr {
	if piped && final == nil {
		return nil
	}
	first, args := cmd.Args[0], cmd.Args[1:]
	switch n := first.(type) {
	case *parse.FieldNode:
		return c.chain(c.dot, n.Ident, args, final, startOf(n.Pos, n.Ident, 1))
	case *parse.ChainNode:
		base := c.operand(n.Node)
		if base == nil {
			return nil
		}
		return c.chain(base, n.Field, args, final, n.Pos)
	case *parse.VariableNode:
		if v := c.variable(n.Ident[0]); len(n.Ident) > 1 && v != nil && v.value != nil {
			return c.chain(v.value, n.Ident[1:], args, final, startOf(n.Pos, n.Ident, 0))
		}
	case *parse.IdentifierNode:
		return c.function(n, args, final)
	case *parse.NilNode:
		c.fault(RuleArguments, n.Pos, "nil is not a command", "use it as an argument: {{if eq .Next nil}}")
		return nil
	}
	if len(args) > 0 || final != nil {
		c.fault(RuleArguments, first.Position(), fmt.Sprintf("%s is given an argument and is no function", userWord(first.String())), "leave the argument out, or put the function first")
		return nil
	}
	return c.operand(first)
}

// operand compiles an argument. The kinds that text/template/parse makes operands of are these and no others.
func (c *compiler) operand(n parse.Node) *expr {
	switch n := n.(type) {
	case *parse.DotNode:
		if c.dot == nil {
			c.fault(RuleArguments, n.Pos, "there is no dot: this template is called without data", `give it some: {{template "…" .}}`)
		}
		return c.dot
	case *parse.FieldNode:
		return c.chain(c.dot, n.Ident, nil, nil, startOf(n.Pos, n.Ident, 1))
	case *parse.VariableNode:
		v := c.variable(n.Ident[0])
		if v == nil || v.value == nil {
			if n.Ident[0] == "$" && c.dotless() {
				c.fault(RuleArguments, n.Pos, "there is no $: this template is called without data", `give it some: {{template "…" .}}`)
			}
			return nil
		}
		if len(n.Ident) > 1 {
			return c.chain(v.value, n.Ident[1:], nil, nil, startOf(n.Pos, n.Ident, 0))
		}
		return v.value
	case *parse.ChainNode:
		base := c.operand(n.Node)
		if base == nil {
			return nil
		}
		return c.chain(base, n.Field, nil, nil, n.Pos)
	case *parse.PipeNode:
		if len(n.Decl) > 0 {
			c.fault(RuleNode, n.Pos, "a variable declared within parentheses", "declare it in an action of its own")
			return nil
		}
		return c.pipeline(n)
	case *parse.IdentifierNode:
		return c.function(n, nil, nil)
	case *parse.StringNode:
		return constString(n.Text, n.Quoted)
	case *parse.NumberNode:
		return c.constNumber(n)
	case *parse.BoolNode:
		return constBool(n.True, n.String())
	case *parse.NilNode:
		return &expr{src: "nil", stable: true, at: func(*frame) unsafe.Pointer { return nil }}
	}
	c.abort(RuleNode, n.Position(), fmt.Sprintf("%T: %s", n, n), "pages have fields, methods, variables, constants, functions and parentheses")
	return nil
}

// startOf is where a chain of names begins: the parser gives the place of the second name.
func startOf(pos parse.Pos, names []string, dots int) parse.Pos {
	if len(names) > 1 {
		pos -= parse.Pos(len(names[0]) + dots)
	}
	return pos
}

// dotless reports whether the template at hand was called without data.
func (c *compiler) dotless() bool { return len(c.calls) > 0 && c.calls[len(c.calls)-1].typ == nil }

// chain compiles .A.B.C; the last name may be a method with arguments.
func (c *compiler) chain(e *expr, names []string, args []parse.Node, final *expr, pos parse.Pos) *expr {
	if e == nil {
		if c.dotless() {
			c.fault(RuleArguments, pos, fmt.Sprintf(".%s: there is no dot: this template is called without data", names[0]), `give it some: {{template "…" .}}`)
		}
		return nil
	}
	if e.typ == nil || e.json != nil || e.fields != nil || e.alts != nil {
		c.fault(RuleField, pos, fmt.Sprintf("%s.%s: the value before the dot has no fields", e.src, names[0]), "name a field of a value of one type")
		return nil
	}
	for i, name := range names {
		if i < len(names)-1 {
			e = c.member(e, name, nil, nil, pos)
		} else {
			e = c.member(e, name, args, final, pos)
		}
		if e == nil {
			return nil
		}
	}
	return e
}

// member compiles one name behind a dot as text/template finds it: a method, else a field, else a key of a map.
func (c *compiler) member(e *expr, name string, args []parse.Node, final *expr, pos parse.Pos) *expr {
	src := userWord(joinSrc(e.src, name))
	if e.typ == htmlType {
		c.fault(RuleField, pos, src+": page.HTML has nothing behind a dot", "print it whole, between the tags of the body")
		return nil
	}
	// Follow pointers; the last one is kept for methods, which may be called with nil.
	outer, ptr := e, (*expr)(nil)
	for e.typ.Kind() == reflect.Pointer {
		ptr = e
		e = c.follow(e, src, pos)
	}
	if e.typ == frameType && c.facts.Visitor == "" && (name == "User" || name == "Roles" || name == "Has") {
		c.facts.Visitor = position(c.file, int(pos))
	}
	if m := c.method(e, ptr, name, args, final, src, pos); m != nil {
		return m.value
	}
	if isForm(e.typ) {
		return c.noMember(outer, name, src, pos)
	}
	switch e.typ.Kind() {
	case reflect.Struct:
		f, ok := e.typ.FieldByName(name)
		switch {
		case !ok:
		case !f.IsExported():
			c.fault(RuleUnexported, pos, fmt.Sprintf("%s is an unexported field of %s", src, typeName(e.typ)), "export it, or give the type a method")
			return nil
		case len(args) > 0 || final != nil:
			c.fault(RuleArguments, pos, fmt.Sprintf("%s is a field and is given an argument", src), "leave the argument out")
			return nil
		default:
			return c.fieldAt(e, f, src, pos)
		}
	case reflect.Map:
		if e.typ.Key() != stringType {
			break
		}
		if len(args) > 0 || final != nil {
			c.fault(RuleArguments, pos, fmt.Sprintf("%s is a key and is given an argument", src), "leave the argument out")
			return nil
		}
		k := c.mapValue(e, constString(name, name), src)
		k.absent = true
		return k
	}
	return c.noMember(outer, name, src, pos)
}

func joinSrc(src, name string) string {
	if src == "." {
		return "." + name
	}
	return src + "." + name
}

// noMember reports a name that a type lacks.
func (c *compiler) noMember(e *expr, name, src string, pos parse.Pos) *expr {
	do := ""
	if root := c.variable("$"); root != nil && root.value != nil && root.value.typ != nil && root.value.typ != e.typ && hasMember(root.value.typ, name) {
		do = fmt.Sprintf("did you mean $.%s? the dot is %s here", name, aType(e.typ))
	} else {
		do = didYouMean(name, memberNames(e.typ), fmt.Sprintf("add it to %s, or name another", typeName(e.typ)))
	}
	c.fault(RuleField, pos, fmt.Sprintf("%s: type %s has no such field or method", src, typeName(e.typ)), do)
	return nil
}

func hasMember(t reflect.Type, name string) bool {
	for _, n := range memberNames(t) {
		if n == name {
			return true
		}
	}
	return false
}

// follow compiles the step through a pointer.
func (c *compiler) follow(e *expr, src string, pos parse.Pos) *expr {
	at, absent, where := e.addr(), e.absent, position(c.file, int(pos))
	what := fmt.Sprintf("nil pointer evaluating %s", src)
	return &expr{typ: e.typ.Elem(), stable: true, addressable: true, absent: absent, src: e.src, at: func(f *frame) unsafe.Pointer {
		p := at(f)
		if absent && p == nil {
			return nil
		}
		if p = pointerAt(p); p == nil {
			panic(failure{where, what})
		}
		return p
	}}
}

// fieldAt compiles the step to a field, through embedded structs and pointers.
func (c *compiler) fieldAt(e *expr, f reflect.StructField, src string, pos parse.Pos) *expr {
	t, off := e.typ, uintptr(0)
	cur := e
	for i, n := range f.Index {
		if i > 0 && t.Kind() == reflect.Pointer {
			cur = c.follow(c.offset(cur, t, off, src), src, pos)
			t, off = t.Elem(), 0
		}
		sf := t.Field(n)
		off += sf.Offset
		t = sf.Type
	}
	return c.offset(cur, t, off, src)
}

// offset is the value of type t at a distance from e.
func (c *compiler) offset(e *expr, t reflect.Type, off uintptr, src string) *expr {
	r := &expr{typ: t, stable: e.stable, addressable: e.addressable, absent: e.absent, src: src}
	if e.direct && !e.absent {
		r.direct, r.slot, r.off = true, e.slot, e.off+off
		return r
	}
	at := e.addr()
	switch {
	case e.absent:
		r.at = func(f *frame) unsafe.Pointer {
			if p := at(f); p != nil {
				return unsafe.Add(p, off)
			}
			return nil
		}
	case off == 0:
		r.at = at
	default:
		r.at = func(f *frame) unsafe.Pointer { return unsafe.Add(at(f), off) }
	}
	return r
}
