package page

import (
	"fmt"
	"strings"
	"text/template/parse"
)

// tag is a tag that is being read. Its steps are kept until it is complete, so that what is added to it can depend on all
// its attributes.
type tag struct {
	name  string // in lower case
	end   bool
	close bool // "/>"
	file  *file
	pos   parse.Pos
	depth int // of branches around it
	attrs []*attr
	block *block
	outer *block
	bad   bool // a fault of one of its attributes was told
	links bool // it may lead to another host, by data
}

// attr is an attribute that is being, or was, read.
type attr struct {
	name  string // in lower case
	file  *file
	pos   parse.Pos
	path  []arm // the branches that it stands in
	depth int
	tag   *tag

	quote     byte     // 0 without quotes
	has       bool     // it has a value
	data      bool     // data stands in it
	pre       []string // the values that it may have so far, with holeMark for data
	many      bool     // and more
	block     *block
	outer     *block
	sink      Sink
	sunk      bool // the sink was looked up
	segments  []*extra
	text      int      // index of the step with its constant value in the block of the tag, or -1
	integrity string   // of the static file that it names
	features  []string // that the scripts among those files use
}

// holeMark stands for data in the values that an attribute may have. It is in no file: NUL bytes are refused.
const holeMark = "\x00"

// startTag reads "<name" or "</name" and begins a tag.
func (c *compiler) startTag(s string, i, pos int, end bool) int {
	j := i + 1
	if end {
		j++
	}
	k := j
	for k < len(s) && (isLetter(s[k]) || s[k] >= '0' && s[k] <= '9' || s[k] == '-') {
		k++
	}
	if k < len(s) && !isSpace(s[k]) && s[k] != '/' && s[k] != '>' {
		c.abort(RuleMarkup, parse.Pos(pos+i), fmt.Sprintf("%q is no tag", cut(s[i:], 20)), "names of elements are letters, digits and hyphens")
	}
	t := &tag{name: strings.ToLower(s[j:k]), end: end, file: c.file, pos: parse.Pos(pos + i), depth: len(c.path), block: &block{c.spare[:0]}, outer: c.out}
	c.spare = nil // a tag in a tag is refused, and there it has its own
	t.block.text(s[i:k])
	c.out = t.block
	c.h.tag, c.h.mode, c.h.space = t, inGap, false
	return k
}

// inTag follows a tag between and in its attributes.
func (c *compiler) inTag(s string, i, pos int) int {
	t, ch, at := c.h.tag, s[i], parse.Pos(pos+i)
	if c.h.mode == inSlash && ch != '>' {
		c.abort(RuleMarkup, at, `a "/" in a tag that does not end it`, "put values into quotes")
	}
	switch {
	case ch == '>':
		if c.h.mode == inEquals {
			c.abort(RuleMarkup, at, "an attribute without the value that its = announces", `write title=""`)
		}
		if c.h.mode == inName {
			c.h = settled(c.h)
		}
		if len(c.path) != t.depth || c.out != t.block {
			c.abort(RuleBranches, at, "a tag that ends in a branch in which it did not begin", "let each branch hold whole tags")
		}
		c.h.tag, c.h.mode, c.h.space = nil, inText, false
		c.out = t.outer
		c.endTag(t)
		return i + 1
	case c.h.mode == inEquals:
		return c.beginValue(s, i, pos)
	case isSpace(ch):
		j := i
		for j < len(s) && isSpace(s[j]) {
			j++
		}
		c.out.text(s[i:j])
		if c.h.mode == inName {
			c.h.space = true
		} else {
			c.h.mode = inSpace
		}
		return j
	case ch == '/':
		if c.h.mode == inName {
			c.h = settled(c.h)
		}
		if len(c.path) != t.depth || t.end {
			c.abort(RuleMarkup, at, `a "/" in an odd place`, `end the tag with ">"`)
		}
		t.close = true
		c.h.mode = inSlash
		return i + 1
	case c.h.mode == inName && ch == '=':
		c.out.text("=")
		c.h.mode = inEquals
		return i + 1
	case c.h.mode == inGap, c.h.mode == inName && !c.h.space:
		c.abort(RuleMarkup, at, fmt.Sprintf("%q right behind a name or a value", cut(s[i:], 10)), "put a space between attributes")
	}
	if c.h.mode == inName {
		c.h = settled(c.h)
	}
	return c.beginAttr(s, i, pos)
}

// beginAttr reads the name of an attribute.
func (c *compiler) beginAttr(s string, i, pos int) int {
	j := i
	for j < len(s) && !isSpace(s[j]) && s[j] != '/' && s[j] != '>' && s[j] != '=' {
		b := s[j]
		if !(isLetter(b) || b >= '0' && b <= '9' || strings.IndexByte("-_.:@", b) >= 0) {
			c.abort(RuleMarkup, parse.Pos(pos+j), fmt.Sprintf("%q in the name of an attribute", b), "names of attributes are letters, digits and - _ . : @")
		}
		j++
	}
	t := c.h.tag
	a := &attr{name: strings.ToLower(s[i:j]), file: c.file, pos: parse.Pos(pos + i), depth: len(c.path), tag: t, text: -1}
	a.path = append(a.path, c.path...)
	if t.end || a.name == "" {
		c.abort(RuleMarkup, a.pos, "an attribute in an end tag, or one without name", "leave it out")
	}
	for _, b := range t.attrs {
		if b.name == a.name && !exclusive(a.path, b.path) {
			c.fault(RuleDuplicate, a.pos, fmt.Sprintf("<%s> has %s twice", t.name, a.name), "give it once, with the condition within its value")
			t.bad = true
		}
	}
	t.attrs = append(t.attrs, a)
	c.out.text(s[i:j])
	c.h.mode, c.h.space = inName, false
	c.nameAttr(t, a)
	return j
}

// exclusive reports whether two branches cannot both be taken.
func exclusive(a, b []arm) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i].id == b[i].id
		}
	}
	return false
}

// current is the attribute whose name was read last.
func (t *tag) current() *attr { return t.attrs[len(t.attrs)-1] }

// beginValue reads what follows "=": the opening quote, or a whole unquoted value.
func (c *compiler) beginValue(s string, i, pos int) int {
	a, at := c.h.tag.current(), parse.Pos(pos+i)
	a.has = true
	if isSpace(s[i]) {
		c.out.text(s[i : i+1])
		return i + 1
	}
	if s[i] == '"' || s[i] == '\'' {
		a.quote = s[i]
		a.pre = []string{""}
		a.outer, a.block = c.out, &block{}
		c.out.text(s[i : i+1])
		c.out = a.block
		c.h.attr, c.h.mode = a, inValue
		return i + 1
	}
	j := i
	for j < len(s) && !isSpace(s[j]) && s[j] != '>' {
		if strings.IndexByte("\"'<=`", s[j]) >= 0 {
			c.abort(RuleMarkup, at, fmt.Sprintf("%q in an unquoted value", s[j]), "put the value into quotes")
		}
		j++
	}
	value := s[i:j]
	a.pre = []string{value}
	if replaced, ok := c.constantValue(a, value); ok {
		value = replaced
	}
	c.valueText(a, value)
	c.h.mode, c.h.space = inGap, false
	return j
}

// inValue follows a quoted value up to behind its closing quote.
func (c *compiler) inValue(s string, i, pos int) int {
	a := c.h.attr
	j := strings.IndexByte(s[i:], a.quote)
	piece := s[i:]
	if j >= 0 {
		piece = s[i : i+j]
	}
	if piece != "" {
		c.valuePiece(a, piece, parse.Pos(pos+i))
	}
	if j < 0 {
		return len(s)
	}
	if len(c.path) != a.depth || c.out != a.block {
		c.abort(RuleBranches, parse.Pos(pos+i+j), "a value that ends in a branch in which it did not begin", "let each branch hold text within one quoted value")
	}
	c.out = a.outer
	c.h.attr, c.h.mode, c.h.space = nil, inGap, false
	c.endValue(a)
	c.out.text(s[i+j : i+j+1])
	return i + j + 1
}

// valuePiece appends constant text to a value.
func (c *compiler) valuePiece(a *attr, s string, pos parse.Pos) {
	for i := range a.pre {
		a.pre[i] += s
	}
	c.out.text(s)
}

// endValue splices the steps of a value into those around it, and replaces the address of a static file.
func (c *compiler) endValue(a *attr) {
	if !a.data && len(a.pre) == 1 && onlyText(a.block.steps) {
		value := a.pre[0]
		if replaced, ok := c.constantValue(a, value); ok {
			value = replaced
		}
		c.valueText(a, value)
		return
	}
	steps := a.block.steps
	if a.isAddress() {
		steps = c.addressSteps(a, steps)
	}
	c.out.steps = append(c.out.steps, steps...)
}

// onlyText reports whether steps are constant: a value without data may hold a declaration all the same.
func onlyText(steps []step) bool {
	for _, s := range steps {
		if s.op != opText {
			return false
		}
	}
	return true
}

// valueText appends a constant value, and notes its step if the attribute stands in no branch: rel may be completed when
// the tag is.
func (c *compiler) valueText(a *attr, value string) {
	c.out.add(step{text: value})
	if c.out == a.tag.block {
		a.text = len(c.out.steps) - 1
	}
}

// hole notes that data stands in the value at hand.
func (c *compiler) hole() {
	if a := c.h.attr; a != nil {
		a.data = true
		for i := range a.pre {
			a.pre[i] += holeMark
		}
	}
}

// prefixes are the texts that the value at hand may begin with so far. Beyond 64 they are not told apart any more, which
// only addresses mind.
func (c *compiler) prefixes() []string {
	if c.h.attr == nil {
		return nil
	}
	return append([]string(nil), c.h.attr.pre...)
}

func (c *compiler) setPrefixes(pre []string) {
	if a := c.h.attr; a != nil {
		if len(pre) > maxPrefixes {
			pre, a.many = pre[:maxPrefixes], true
		}
		a.pre = append([]string(nil), pre...)
	}
}

const maxPrefixes = 64

func union(a, b []string) []string {
	seen := map[string]bool{}
	var all []string
	for _, s := range append(append([]string(nil), a...), b...) {
		if !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	return all
}
