package page

import (
	"fmt"
	"strings"
	"text/template/parse"

	"github.com/merlon-web/merlon/check"
)

// tagFault records a finding at a tag.
func (c *compiler) tagFault(r check.Rule, t *tag, what, do string) {
	file := c.file
	c.file = t.file
	c.fault(r, t.pos, what, do)
	c.file = file
	t.bad = true
}

// startRules applies what the beginning of an element does to those that are open, and refuses where a browser would do
// more than end what HTML lets end by itself.
func (c *compiler) startRules(t *tag) {
	nesting := func(do, format string, args ...any) {
		c.tagFault(RuleNesting, t, fmt.Sprintf(format, args...), do)
	}
	if tableParts[t.name] != "" {
		for c.h.open != nil && implied[c.h.open.name] && c.inCell(c.h.open) {
			c.h.open = c.h.open.outer // <td><p>a<td> ends the p with the cell
		}
	}
	if ends := startEnds[t.name]; ends != nil {
		for o := c.h.open; o != nil && o.space == "" && o.base == nil && ends[o.name]; o = c.h.open {
			c.h.open = o.outer
		}
	}
	if t.name == "hr" && c.h.open.is("option") {
		c.h.open = c.h.open.outer
	}
	if t.name == "hr" && c.h.open.is("optgroup") {
		c.h.open = c.h.open.outer
	}
	if o := c.h.open; o != nil && o.space == "" {
		if allowed := onlyChildren[o.name]; allowed != nil && !allowed[t.name] {
			nesting("put it into a cell, a caption, or outside", "<%s> directly in <%s>", t.name, o.name)
		}
	}
	if parents, ok := tableParts[t.name]; ok {
		o := c.h.open
		switch {
		case o == nil && c.decl.fragment, o.is("template"):
		case o != nil && strings.Contains(" "+parents+" ", " "+o.name+" "):
		default:
			nesting("it stands in "+strings.ReplaceAll(parents, " ", ", "), "<%s> in %s", t.name, o.describe())
		}
	}
	switch t.name {
	case "li":
		c.endItem(t, "li")
	case "dd", "dt":
		c.endItem(t, "dd", "dt")
	case "a", "button":
		if c.h.open.within(t.name) {
			nesting("end the one before the other begins", "<%s> in <%s>", t.name, t.name)
		}
	case "form":
		if c.h.form != nil {
			c.tagFault(RuleForm, t, fmt.Sprintf("a form in the form of %s", c.h.form.where), "end the one before the other begins; a button of another form has the attribute form")
		}
	}
	if headings[t.name] && c.h.open != nil && c.h.open.space == "" && headings[c.h.open.name] {
		nesting("end the one before the other begins", "<%s> in <%s>", t.name, c.h.open.name)
	}
	if closesP[t.name] && c.h.open.within("p") {
		if !c.h.open.is("p") {
			nesting("end the paragraph before", "<%s> ends the paragraph around <%s>", t.name, c.h.open.describeName())
			return
		}
		c.h.open = c.h.open.outer
	}
	if c.h.open.noscript() {
		switch t.name {
		case "form", "script", "style", "textarea", "title", "noscript", "iframe", "template", "svg", "math", "select":
			c.tagFault(RuleElement, t, fmt.Sprintf("<%s> in noscript, which is text to one reader and markup to another", t.name), "move it out")
		}
		for _, a := range t.attrs {
			for _, v := range a.pre {
				if strings.ContainsAny(v, "<\x00") {
					c.tagFault(RuleElement, t, "a \"<\" or an action in an attribute within noscript", "leave it out")
				}
			}
		}
	}
}

func (o *open) describeName() string {
	if o == nil {
		return "nothing"
	}
	return o.name
}

// endItem ends an open li, dd or dt by the beginning of another.
func (c *compiler) endItem(t *tag, names ...string) {
	if !c.h.open.item(names...) {
		return
	}
	o := c.h.open
	for o.is("p") {
		o = o.outer
	}
	for _, n := range names {
		if o.is(n) {
			c.h.open = o.outer
			return
		}
	}
	c.tagFault(RuleNesting, t, fmt.Sprintf("<%s> ends the <%s> around %s", t.name, names[0], c.h.open.describe()), "end the elements in it before")
}

// closeElement judges an end tag and closes its element.
func (c *compiler) closeElement(t *tag) {
	o := c.h.open
	bad := func() {
		do := "write the end tags in the order that the elements ask for"
		if o == nil {
			do = "leave it out, or open the element before"
		}
		c.tagFault(RuleNesting, t, fmt.Sprintf("</%s> ends %s", t.name, o.describe()), do)
	}
	if o != nil && o.space != "" {
		if o.name != t.name {
			bad()
			return
		}
		c.h.open = o.outer
		return
	}
	switch t.name {
	case "html", "head", "body":
		c.closePhase(t)
		return
	}
	if voidElements[t.name] {
		c.tagFault(RuleMarkup, t, fmt.Sprintf("</%s>: the element has no content and no end", t.name), "leave it out")
		return
	}
	if ends := tableEnds[t.name]; ends != nil || t.name == "td" || t.name == "th" {
		for o = c.h.open; o != nil && o.base == nil && o.space == "" && o.name != t.name; o = o.outer {
			if !ends[o.name] && !(implied[o.name] && c.inCell(o)) {
				break
			}
		}
	} else if blocks[t.name] || t.name == "form" {
		for o != nil && o.base == nil && o.space == "" && o.name != t.name && implied[o.name] {
			o = o.outer
		}
	} else if t.name == "optgroup" && o.is("option") {
		o = o.outer
	}
	if o == nil || o.base != nil || o.space != "" || o.name != t.name {
		o = c.h.open
		bad()
		return
	}
	c.h.open = o.outer
	if t.name == "form" {
		c.h.form = nil
	}
}

// inCell reports whether an element that HTML lets end by itself stands in a cell or a caption.
func (c *compiler) inCell(o *open) bool {
	for ; o != nil; o = o.outer {
		if o.is("td") || o.is("th") {
			return true
		}
		if !implied[o.name] {
			return false
		}
	}
	return false
}

func (c *compiler) closePhase(t *tag) {
	for c.h.open != nil && c.h.open.space == "" && implied[c.h.open.name] {
		c.h.open = c.h.open.outer
	}
	switch {
	case c.h.open != nil:
		c.tagFault(RuleNesting, t, fmt.Sprintf("</%s> ends %s", t.name, c.h.open.describe()), "end the elements in it before")
	case c.decl.fragment:
		c.tagFault(RuleNesting, t, fmt.Sprintf("</%s> in a fragment", t.name), "declare a whole document with page.New")
	case t.name == "head" && c.h.phase == inHead:
		c.h.phase = afterHead
	case t.name == "body" && c.h.phase == inBody, t.name == "html" && c.h.phase >= inBody:
		c.h.phase = afterBody
	default:
		c.tagFault(RuleNesting, t, fmt.Sprintf("</%s> %s", t.name, c.h.phase), "write html, head and body once, one behind the other")
	}
}

// openForeign opens an element within svg or math. There every element is closed by name or by "/>", and those of HTML,
// which would end the picture, are refused.
func (c *compiler) openForeign(t *tag, o *open) {
	known := svgElements
	if o.space == "math" {
		known = mathElements
	}
	switch {
	case !known[t.name] || t.name == "math" && o.space == "math":
		c.tagFault(RuleSVG, t, fmt.Sprintf("<%s> in %s", t.name, o.space), didYouMean(t.name, names(known), "leave it out, or make it a file under static and an img"))
		return
	case o.space == "svg" && (o.name == "title" || o.name == "desc"), o.space == "math" && mathText[o.name]:
		c.tagFault(RuleSVG, t, fmt.Sprintf("<%s> in <%s>, which holds text here", t.name, o.name), "leave it text")
		return
	}
	if t.name == "a" && c.h.open.within("a") {
		c.tagFault(RuleNesting, t, "<a> in <a>", "end the one before the other begins")
	}
	for _, a := range t.attrs {
		switch {
		case a.name == "attributename" && strings.HasSuffix(strings.ToLower(strings.Join(a.pre, " ")), "href"):
			c.tagFault(RuleSVG, t, fmt.Sprintf("<%s> that changes an address", t.name), "leave it out: an animated address can become script")
		case (a.name == "href" || a.name == "xlink:href") && (t.name == "use" || t.name == "image") && !t.bad:
			for _, v := range a.pre {
				if p := decoded(v); t.name == "use" && isForeign(p) {
					c.tagFault(RuleForeign, t, fmt.Sprintf("a picture of another host in <use>, which browsers block: %s", p), "put the file under static")
				} else if !strings.HasPrefix(p, "#") {
					c.openSource(a, &c.facts.Policy.Img, p)
				}
			}
		}
	}
	if t.name == "a" && !t.bad {
		c.judgeLink(t)
	}
	if !t.close {
		c.push(t, o.space)
	}
}

// begin is the state at the beginning of a page.
func (c *compiler) begin() {
	if c.decl.fragment {
		c.h.phase = inBody
	}
}

// end judges the state at the end of a page.
func (c *compiler) end(pos parse.Pos) {
	if c.h.mode == inLess {
		c.out.text("&lt;")
		c.h.mode = inText
	}
	if c.h.mode != inText || c.h.raw != nil || c.h.tag != nil {
		what := "the page ends within a tag or a comment"
		if c.h.raw != nil {
			what = fmt.Sprintf("the page ends within <%s>", c.h.raw.name)
		}
		c.abort(RuleEnd, pos, what, "end what was begun")
	}
	for c.h.open != nil && c.h.open.space == "" && implied[c.h.open.name] {
		c.h.open = c.h.open.outer
	}
	if c.h.open != nil {
		c.fault(RuleEnd, pos, fmt.Sprintf("the page ends within %s", c.h.open.describe()), fmt.Sprintf("write </%s>", c.h.open.name))
	}
	if c.decl.fragment {
		return
	}
	if c.h.seen&sawDoctype == 0 {
		c.lacks(RuleDoctype, "", "the page has no doctype", "begin it with <!doctype html>, mostly by a layout: {{template \"layout.html\" .}}; a piece of a page is declared with page.NewFragment")
	}
	if c.h.seen&sawLang == 0 {
		c.lacks(RuleLang, "<html", "the page has no html element with lang", `write <html lang="en">`)
	}
	if c.h.seen&sawTitle == 0 {
		c.lacks(RuleTitle, "<head", "the page has no title", "write <title>…</title> in the head, in every branch of it")
	}
}

// lacks is fault for what a whole page lacks. A page that calls the layout has it from there, so that it is the layout's, at
// the tag where it should stand, and is told once for all pages.
func (c *compiler) lacks(r check.Rule, tag, what, do string) {
	layout := c.files["layout.html"]
	if tree := c.trees["layout.html"]; layout == nil || tree == nil || !c.used[tree] {
		c.fault(r, 0, what, do)
		return
	}
	defer func(was *file) { c.file = was }(c.file)
	c.file = layout
	c.fault(r, parse.Pos(max(0, strings.Index(layout.text, tag))), what, do)
}
