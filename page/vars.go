package page

import (
	"fmt"
	"reflect"
	"strings"
	"text/template/parse"
	"unsafe"
)

// variable is a declared variable. Its value is nil if its declaration was refused.
type variable struct {
	name  string
	value *expr
	cell  int // where assigned values are copied to; 0 if it is never assigned to
}

// assigned collects the names that a template assigns to, so that all others can stay where their values are.
func assigned(n parse.Node, into map[string]bool) {
	pipe := func(p *parse.PipeNode) {
		if p != nil && p.IsAssign {
			for _, v := range p.Decl {
				into[v.Ident[0]] = true
			}
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, m := range n.Nodes {
				assigned(m, into)
			}
		}
	case *parse.ActionNode:
		pipe(n.Pipe)
	case *parse.IfNode:
		pipe(n.Pipe)
		assigned(n.List, into)
		assigned(n.ElseList, into)
	case *parse.WithNode:
		pipe(n.Pipe)
		assigned(n.List, into)
		assigned(n.ElseList, into)
	case *parse.RangeNode:
		pipe(n.Pipe)
		assigned(n.List, into)
		assigned(n.ElseList, into)
	case *parse.TemplateNode:
		pipe(n.Pipe)
	}
}

// declareVar declares a variable. A value that stands in the data, or that nothing overwrites, is not copied.
func (c *compiler) declareVar(name string, e *expr) {
	v := variable{name: name}
	switch {
	case e == nil:
	case e.alts != nil || e.typ == nil || e.json != nil || e.fields != nil:
		v.value = e // judged where it is used
		if e.alts != nil {
			v.value = c.bindChoice(e)
		}
	case !c.assign[name] && e.stable:
		v.value = c.bind(e)
	default:
		v.cell = c.cell(e.typ)
		slot := c.slot()
		c.copyTo(v.cell, slot, e, true)
		v.value = &expr{typ: e.typ, direct: true, slot: slot, absent: e.absent, addressable: e.addressable, src: name}
	}
	c.vars = append(c.vars, v)
}

// copyTo makes the step that copies the value of e into a cell and points a slot to it. A missing key is no value if the
// variable may have none, else the zero value.
func (c *compiler) copyTo(cell, slot int, e *expr, absent bool) {
	at, cp, zero := e.addr(), copier(e.typ), newCell(cell, e.typ).zero
	c.out.do(func(f *frame, dst []byte) []byte {
		p := at(f)
		if p == nil {
			if f.slots[slot] = nil; !absent {
				zero(f.slots[cell])
				f.slots[slot] = f.slots[cell]
			}
			return dst
		}
		if q := f.slots[cell]; q != p {
			cp(q, p)
		}
		f.slots[slot] = f.slots[cell]
		return dst
	})
}

// bindChoice evaluates which of several values it is, once.
func (c *compiler) bindChoice(e *expr) *expr {
	slot := c.cell(intType)
	pick := e.alts.pick
	c.out.do(func(f *frame, dst []byte) []byte {
		*(*int)(f.slots[slot]) = pick(f)
		return dst
	})
	b := *e
	b.alts = &choice{values: e.alts.values, pick: func(f *frame) int { return *(*int)(f.slots[slot]) }}
	return &b
}

// assignTo assigns to a declared variable, which keeps its type.
func (c *compiler) assignTo(n *parse.VariableNode, e *expr) {
	v := c.variable(n.Ident[0])
	if v == nil || v.value == nil || e == nil {
		return // told before
	}
	if n.Ident[0] == "$" || v.cell == 0 {
		c.fault(RuleArguments, n.Pos, fmt.Sprintf("%s cannot be assigned to", n.Ident[0]), "declare a variable of your own: {{$x := …}}")
		return
	}
	if e = c.fit(e, v.value.typ, n.Pos); e == nil {
		return
	}
	c.copyTo(v.cell, v.value.slot, e, v.value.absent)
}

func (c *compiler) variable(name string) *variable {
	for i := len(c.vars) - 1; i >= 0; i-- {
		if c.vars[i].name == name {
			return &c.vars[i]
		}
	}
	return nil
}

// fit makes e a value of type t for an assignment: constants take the type, others must have it.
func (c *compiler) fit(e *expr, t reflect.Type, pos parse.Pos) *expr {
	if k := constantAs(e, t); k != nil {
		return k
	}
	if e.typ == t {
		return e
	}
	c.fault(RuleArguments, pos, fmt.Sprintf("%s is of type %s, and a value of type %s is asked for", e.src, typeName(e.typ), typeName(t)), "use a value of that type; a variable keeps the type it was declared with")
	return nil
}

// site is $site, which every template has.
func (c *compiler) site() *expr {
	return &expr{typ: frameType, direct: true, slot: 1, stable: true, src: "$site"}
}

// userWord is how a name is shown in messages.
func userWord(s string) string { return strings.ReplaceAll(s, siteAlias, "$site") }

// pointerAt loads the pointer that stands at p.
func pointerAt(p unsafe.Pointer) unsafe.Pointer { return *(*unsafe.Pointer)(p) }
