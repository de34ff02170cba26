package page

import (
	"fmt"
	"strings"
	"text/template/parse"
)

// The allow-list: what data may stand in, by element and attribute. An attribute that is not here takes no data.

// globalText may stand on any element of HTML and take any value: they are text, or choose among what the browser knows.
var globalText = set(`title class lang dir translate hidden alt label placeholder value summary abbr datetime width height
	colspan rowspan span scope min max step low high optimum start size maxlength minlength rows cols wrap tabindex
	spellcheck inputmode enterkeyhint reversed`)

// everywhere may stand on elements of one's own too, whose scripts give the others a meaning that nobody knows here.
var everywhere = set("title class lang dir translate hidden tabindex spellcheck role")

// svgNumbers take numbers on the shapes of SVG.
var svgNumbers = set(`x y x1 y1 x2 y2 cx cy r rx ry width height dx dy fx fy offset opacity rotate pathlength`)

// svgLists take numbers among constant letters: the places of a path, by element.
var svgLists = map[string]string{"path": "d", "polygon": "points", "polyline": "points", "svg": "viewbox"}

// idAttrs name an element, or refer to one by its name.
var idAttrs = set(`id for list headers popovertarget commandfor aria-labelledby aria-describedby aria-controls aria-owns
	aria-flowto aria-details aria-errormessage aria-activedescendant itemref`)

// links are the addresses that a visitor may follow, or that are only read.
var links = map[string]string{"a": "href", "area": "href", "blockquote": "cite", "q": "cite", "del": "cite", "ins": "cite"}

// images are loaded by the page: from this site alone.
var images = map[string]string{"img": "src", "source": "src", "video": "src poster", "audio": "src", "track": "src", "input": "src"}

// actions are where forms are sent: constant, with data as segments and values.
var actions = map[string]string{"form": "action"}

// metaNames are the names and properties of meta whose content is text.
var metaNames = set(`description author keywords application-name generator robots og:title og:description og:site_name
	og:type og:locale og:image:alt article:author article:published_time article:modified_time article:section article:tag
	twitter:title twitter:description twitter:image:alt twitter:card twitter:site twitter:creator`)

// refusedAttrs take no data on any element, and cannot be declared: they decide what runs, loads, is sent or is named.
var refusedAttrs = set(`style srcdoc src href action formaction formmethod formenctype formtarget formnovalidate method enctype
	target rel ping type name content http-equiv charset data codebase classid archive code background longdesc profile
	usemap manifest srcset imagesrcset imagesizes sizes media integrity nonce crossorigin referrerpolicy sandbox allow
	allowfullscreen csp loading fetchpriority as blocking download hreflang form is slot part exportparts contenteditable
	autofocus accesskey shadowrootmode async defer nomodule autocomplete pattern accept accept-charset poster cite to from
	by values begin end dur fill stroke filter mask clip-path marker-start marker-mid marker-end cursor attributename
	xlink:href xml:base xmlns inert popover popovertargetaction command closedby dirname required readonly disabled checked
	selected multiple open controls autoplay loop muted playsinline kind srclang default coords shape ismap language event
	itemid itemprop itemscope itemtype d points transform`)

// knownAttrs are those that HTML knows besides: they have their sink and cannot be declared again.
var knownAttrs = unionOf(globalText, idAttrs, set("role cite"))

func unionOf(sets ...map[string]bool) map[string]bool {
	all := map[string]bool{}
	for _, s := range sets {
		for n := range s {
			all[n] = true
		}
	}
	return all
}

// isHandlerName reports whether an attribute is script: on…, and what htmx, Alpine and Vue call so.
func isHandlerName(name string) bool {
	if strings.HasPrefix(name, "on") {
		return true
	}
	bare := strings.TrimPrefix(name, "data-")
	for _, p := range []string{"hx-on", "x-on:", "v-on:", "on-", "on:"} {
		if strings.HasPrefix(bare, p) {
			return true
		}
	}
	return false
}

// isVendorName reports whether an attribute is a library's: it has a hyphen, a colon, a dot or an at sign.
func isVendorName(name string) bool {
	return strings.ContainsAny(name, "-:.@_") && !strings.HasPrefix(name, "aria-") && !strings.HasPrefix(name, "xml") &&
		!strings.HasPrefix(name, "xlink:") && !refusedAttrs[name]
}

func has(m map[string]string, element, name string) bool {
	for _, n := range strings.Fields(m[element]) {
		if n == name {
			return true
		}
	}
	return false
}

// place finds the sink of the place at hand, for an action that prints. It reports a fault where none may stand.
func (c *compiler) place(pos parse.Pos) (Sink, bool) {
	switch c.h.mode {
	case inText:
		if r := c.h.raw; r != nil {
			if r.kind != rawText {
				c.rawFault(pos)
				return Sink{}, false
			}
			r.holes++
			return Text, true
		}
		return Text, c.allowText(pos, true)
	case inLess:
		c.abort(RuleTagName, pos, `an action right behind "<"`, `choose the whole tag with if; a "<" that is text is &lt;`)
	case inGap:
		t := c.h.tag
		switch {
		case t.end || len(t.attrs) == 0:
			c.abort(RuleTagName, pos, "an action in a tag's name", "choose the whole tag with if")
		case t.current().has && t.current().quote == 0:
			c.unquoted(pos)
		}
		c.abort(RuleAttributeName, pos, "an action right behind an attribute", "put it within the quotes")
	case inSpace, inName:
		c.abort(RuleAttributeName, pos, "an action in the place of an attribute's name", "choose whole attributes with if: {{if .On}} checked{{end}}")
	case inEquals:
		c.unquoted(pos)
	case inSlash:
		c.abort(RuleMarkup, pos, `an action between "/" and ">"`, "move it into a quoted value")
	case inComment:
		c.abort(RuleComment, pos, "an action in an HTML comment", "write a comment for developers as {{/* … */}}")
	case inDoctype:
		c.abort(RuleDoctype, pos, "an action in the doctype", "write <!doctype html>")
	}
	return c.attrSink(c.h.attr, pos)
}

func (c *compiler) unquoted(pos parse.Pos) {
	a := c.h.tag.current()
	c.abort(RuleUnquoted, pos, fmt.Sprintf("an action in the unquoted value of %s", a.name), fmt.Sprintf(`put it into quotes: %s="…"`, a.name))
}

// attrSink finds the sink of a place within a quoted value.
func (c *compiler) attrSink(a *attr, pos parse.Pos) (Sink, bool) {
	if !a.sunk {
		a.sunk = true
		a.sink = c.lookup(a, pos)
	}
	switch a.sink.kind {
	case sinkNone:
		return a.sink, false
	case sinkLocal, sinkLink:
		return c.addressSink(a, pos)
	case sinkID:
		return c.idSink(a, pos)
	case sinkNumber, sinkEnum:
		if a.many || len(a.pre) != 1 || a.pre[0] != "" {
			c.fault(RuleAttribute, pos, fmt.Sprintf("%s is declared to be one value", a.name), "give it the value alone")
			return a.sink, false
		}
	}
	return a.sink, true
}

// lookup finds an attribute in the allow-list and reports those that are not there.
func (c *compiler) lookup(a *attr, pos parse.Pos) Sink {
	t, name := a.tag, a.name
	no := func() Sink { t.bad = true; return Sink{} }
	foreign := c.h.open != nil && c.h.open.space != "" || t.name == "svg" || t.name == "math"
	switch {
	case t.bad && (isHandlerName(name) || name == "style" || name == "srcdoc"):
		return Sink{} // told at its name
	case c.h.open.noscript():
		c.fault(RuleElement, pos, "an action in noscript, which is text to one reader and markup to another", "leave it constant")
		return no()
	case t.name == "base":
		c.fault(RuleBase, pos, "an action in <base>", "write addresses that begin with /")
		return no()
	case t.name == "meta":
		if name == "content" {
			return Text // judged when the tag is complete
		}
		c.fault(RuleMeta, pos, fmt.Sprintf("an action in %s of <meta>", name), "only content takes data, with a constant name such as description")
		return no()
	case foreign:
		return c.lookupForeign(a, pos)
	case has(links, t.name, name):
		return Link
	case has(images, t.name, name), has(actions, t.name, name):
		return Address
	case t.name == "script" || t.name == "link":
	case strings.Contains(t.name, "-") && !everywhere[name] && knownAttrs[name] && !strings.HasPrefix(name, "aria-") && name != "id":
	case globalText[name]:
		return Text
	case idAttrs[name]:
		return ID
	case strings.HasPrefix(name, "aria-"), name == "role":
		return Text
	}
	if s, ok := c.attrs[name]; ok && !knownAttrs[name] {
		return s
	}
	switch {
	case isVendorName(name):
		c.fault(RuleVendor, pos, fmt.Sprintf("an action in %s, an attribute that HTML does not know", name),
			fmt.Sprintf("say what it takes: page.From(files, …, page.Attr(%q, page.Text)), or page.Address, page.Number, page.Enum(…)", name))
	case t.name == "form" || name == "formaction":
		c.fault(RuleAttribute, pos, fmt.Sprintf("an action in %s of <%s>", name, t.name), "write it constant, with values as segments: action=\"/notes/{{.ID}}/delete\"")
	default:
		c.fault(RuleAttribute, pos, fmt.Sprintf("an action in %s of <%s>", name, t.name), "write the attribute constant, or choose it whole with if")
	}
	return no()
}

// lookupForeign is lookup in SVG and MathML.
func (c *compiler) lookupForeign(a *attr, pos parse.Pos) Sink {
	name := a.name
	switch {
	case name == "class", name == "role", strings.HasPrefix(name, "aria-") && !idAttrs[name]:
		return Text
	case idAttrs[name] && (name == "id" || strings.HasPrefix(name, "aria-")):
		return ID
	case svgNumbers[name]:
		return Number
	case svgLists[a.tag.name] == name:
		return Sink{kind: sinkNumbers}
	}
	if s, ok := c.attrs[name]; ok && !knownAttrs[name] && s.kind != sinkLocal && s.kind != sinkLink {
		return s
	}
	a.tag.bad = true
	c.fault(RuleSVG, pos, fmt.Sprintf("an action in %s of <%s>", name, a.tag.name), "class, id, aria-… take data here, and places, sizes and paths take numbers; make addresses constant")
	return Sink{}
}

// idSink is the sink of a value, or of one name in a list of names: a name of data's own is prefixed, one behind a constant
// prefix that ends in "-" need not be.
func (c *compiler) idSink(a *attr, pos parse.Pos) (Sink, bool) {
	whole, part := false, false
	for _, p := range a.pre {
		last := p[strings.LastIndexAny(p, " \t\n\r\f")+1:]
		switch {
		case last == "":
			whole = true
		case len(last) > 1 && last[len(last)-1] == '-' && isLetter(last[0]), strings.Contains(last, holeMark) && !strings.HasPrefix(last, holeMark), strings.HasPrefix(last, holeMark):
			part = true
		default:
			c.fault(RuleAttribute, pos, fmt.Sprintf("an action in %s behind %q: data could complete it to a name of the browser's", a.name, last), `end the constant part in "-": id="note-{{.ID}}"`)
			return a.sink, false
		}
	}
	if whole && part || a.many {
		c.fault(RuleBranches, pos, fmt.Sprintf("an action in %s that is a whole name in one branch and part of one in another", a.name), "write the name whole in each branch")
		return a.sink, false
	}
	if whole {
		return ID, true
	}
	return Text, true
}
