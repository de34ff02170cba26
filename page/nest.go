package page

import (
	"fmt"
	"strings"
	"text/template/parse"
)

// The elements of a page are held to good nesting, so that what a browser's tree construction (WHATWG 13.2.6) makes of it is
// what is written: no element is moved, closed early or repeated, and none depends on whether a text is there. End tags may
// be left out where HTML says so, but not across the end of a branch.

// open is an open element; the elements around it follow by outer. It never changes, so that states can be compared.
type open struct {
	name  string
	space string // "" for HTML, "svg", "math"
	outer *open
	where string
	base  *base // the elements around a template that calls itself
}

func (o *open) describe() string {
	if o == nil {
		return "nothing"
	}
	if o.base != nil {
		return "what is around the template"
	}
	return fmt.Sprintf("<%s> of %s", o.name, o.where)
}

func (o *open) is(name string) bool { return o != nil && o.space == "" && o.name == name }

// phase is how far a document is.
type phase uint8

const (
	beforeHTML phase = iota
	beforeHead
	inHead
	afterHead
	inBody
	afterBody
)

func (p phase) String() string {
	return [...]string{"before html", "before head", "in the head", "behind the head", "in the body", "behind the body"}[p]
}

// base is what the compilation of a template that calls itself needs to know of the elements around it.
type base struct {
	parent           string
	p, a, button, li bool
	dd, noscript     bool
	phase            phase
	form             *openForm
}

func baseOf(h htmlState) base {
	b := base{phase: h.phase, form: h.form, p: h.open.within("p"), a: h.open.within("a"), button: h.open.within("button"),
		li: h.open.item("li"), dd: h.open.item("dd", "dt"), noscript: h.open.noscript()}
	if h.open != nil {
		b.parent = h.open.name
	}
	return b
}

// state returns the state at the beginning of the template.
func (b base) state(h htmlState) htmlState {
	return htmlState{phase: b.phase, form: b.form, seen: h.seen, open: &open{name: b.parent, base: &b}}
}

// within reports whether an element is open in button scope, which ends at cells, captions and templates.
func (o *open) within(name string) bool {
	for ; o != nil; o = o.outer {
		if o.is(name) {
			return true
		}
		if o.base != nil {
			return name == "p" && o.base.p || name == "a" && o.base.a || name == "button" && o.base.button
		}
		if scopes[o.name] || o.space != "" || name == "p" && o.name == "button" {
			return false
		}
	}
	return false
}

// item reports whether an li, or a dd or dt, would be ended by the beginning of another: other special elements stop the
// search, but for address, div and p.
func (o *open) item(names ...string) bool {
	for ; o != nil; o = o.outer {
		for _, n := range names {
			if o.is(n) {
				return true
			}
		}
		if o.base != nil {
			return names[0] == "li" && o.base.li || names[0] == "dd" && o.base.dd
		}
		if specials[o.name] && o.name != "address" && o.name != "div" && o.name != "p" {
			return false
		}
	}
	return false
}

func (o *open) noscript() bool {
	for ; o != nil; o = o.outer {
		if o.name == "noscript" || o.base != nil && o.base.noscript {
			return true
		}
	}
	return false
}

// inTemplate reports whether a template element is open.
func (o *open) inTemplate() bool {
	for ; o != nil; o = o.outer {
		if o.is("template") {
			return true
		}
	}
	return false
}

// allowText judges text between tags, constant or from data.
func (c *compiler) allowText(pos parse.Pos, data bool) bool {
	o := c.h.open
	bad := func(format string, args ...any) bool {
		what := "text"
		if data {
			what = "an action that prints"
		}
		c.fault(RuleNesting, pos, what+" "+fmt.Sprintf(format, args...), "move it to where text may stand")
		return false
	}
	if o.noscript() && data {
		c.fault(RuleElement, pos, "an action in noscript, which is text to one reader and markup to another", "leave it constant")
		return false
	}
	switch {
	case o != nil && o.space == "svg" && !svgText[o.name], o != nil && o.space == "math" && !mathText[o.name]:
		if data {
			c.fault(RuleSVG, pos, fmt.Sprintf("text in <%s>", o.name), "put it into text, title or desc, or into mi, mn, mo, ms or mtext")
			return false
		}
		return bad("in <%s>", o.name)
	case o != nil && o.name != "option" && onlyChildren[o.name] != nil && o.space == "":
		return bad("directly in <%s>", o.name)
	case o.inTemplate() || c.decl.fragment:
	case c.h.phase == afterBody:
		return bad("behind the end of the body")
	case c.h.phase < inBody:
		if data {
			return bad("%s", c.h.phase)
		}
		c.h.phase = inBody // as a browser does
	}
	return true
}

// rawPlace says why raw HTML may not stand in the place at hand, "" if it may.
func (c *compiler) rawPlace() string {
	o := c.h.open
	switch {
	case c.h.mode != inText || c.h.raw != nil:
		return "in an attribute or in an element that holds text"
	case o != nil && (o.space != "" || onlyChildren[o.name] != nil):
		return fmt.Sprintf("in <%s>", o.name)
	case c.h.phase != inBody:
		return "outside of the body"
	}
	return ""
}

// push opens an element.
func (c *compiler) push(t *tag, space string) {
	c.h.open = &open{name: t.name, space: space, outer: c.h.open, where: position(t.file, int(t.pos))}
}

// openElement judges a start tag by what is open, ends what it ends, and opens it.
func (c *compiler) openElement(t *tag) {
	if o := c.h.open; o != nil && o.space != "" {
		c.openForeign(t, o)
		return
	}
	if why, ok := refusedElements[t.name]; ok {
		if t.name == "base" {
			c.tagFault(RuleBase, t, "<base>", "write addresses that begin with /")
		} else {
			c.tagFault(RuleElement, t, fmt.Sprintf("<%s>: %s", t.name, why), "write it with another element")
		}
		c.pushRefused(t)
		return
	}
	if !knownElements[t.name] && !strings.Contains(t.name, "-") {
		c.tagFault(RuleElement, t, fmt.Sprintf("there is no element <%s>", t.name), didYouMean(t.name, names(knownElements), "an element of your own has a hyphen in its name"))
		c.pushRefused(t)
		return
	}
	if t.close && !voidElements[t.name] && t.name != "svg" && t.name != "math" {
		c.tagFault(RuleMarkup, t, fmt.Sprintf("<%s/>: browsers ignore the slash, and the element stays open", t.name), fmt.Sprintf("write <%s></%s>", t.name, t.name))
		return
	}
	if !c.enterPhase(t) {
		c.pushRefused(t)
		return
	}
	c.startRules(t)
	switch t.name {
	case "html", "head", "body":
	case "svg", "math":
		if !t.close {
			c.push(t, t.name)
		}
	default:
		if !voidElements[t.name] {
			c.push(t, "")
		}
	}
}

// pushRefused opens an element that was refused, so that its end tag is not a second fault.
func (c *compiler) pushRefused(t *tag) {
	switch t.name {
	case "html", "head", "body":
	default:
		if !voidElements[t.name] {
			c.push(t, "")
		}
	}
}

// enterPhase moves a document on, from html over head to body.
func (c *compiler) enterPhase(t *tag) bool {
	if c.decl.fragment {
		switch t.name {
		case "html", "head", "body", "title":
			c.tagFault(RuleNesting, t, fmt.Sprintf("<%s> in a fragment", t.name), "declare a whole document with page.New")
			return false
		}
		return true
	}
	bad := func(do string) bool {
		c.tagFault(RuleNesting, t, fmt.Sprintf("<%s> %s", t.name, c.h.phase), do)
		return false
	}
	inner := c.h.open != nil
	switch t.name {
	case "html":
		if c.h.phase != beforeHTML || inner {
			return bad("write <html> once, behind the doctype")
		}
		c.h.phase = beforeHead
	case "head":
		if c.h.phase > beforeHead || inner {
			return bad("write <head> once, in <html>")
		}
		c.h.phase = inHead
	case "body":
		if c.h.phase >= inBody || inner {
			return bad("write <body> once, behind the head")
		}
		c.h.phase = inBody
	default:
		switch {
		case c.h.phase == afterBody:
			return bad("move it into the body")
		case inner:
			if t.name == "title" {
				return bad("a document has its title in the head")
			}
		case headElements[t.name] && c.h.phase <= inHead:
			c.h.phase = inHead
		case headElements[t.name] && c.h.phase == afterHead, t.name == "title":
			return bad("move it into the head")
		default:
			c.h.phase = inBody
		}
	}
	return true
}
