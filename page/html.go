package page

import (
	"fmt"
	"strings"
	"text/template/parse"
)

// The HTML of a page is followed from text to text, as the tokenizer of WHATWG HTML 13.2.5 does. Where browsers would
// repair, the page is refused; so its readers agree on what is a tag, and data never decides it.

// mode is the state of the tokenizer between two bytes.
type mode uint8

const (
	inText    mode = iota // between tags, or in a raw element
	inLess                // behind a "<" that ends a text of the page
	inGap                 // in a tag, behind its name or an attribute: what follows needs a space
	inSpace               // in a tag, behind a space
	inName                // behind an attribute's name
	inEquals              // behind the "=" of an attribute
	inValue               // in a quoted value
	inSlash               // behind the "/" of "/>"
	inComment             // in <!-- -->
	inDoctype             // in <!doctype >
)

// htmlState is all that decides how the next byte is read, and what may stand there. States are compared where branches
// meet.
type htmlState struct {
	mode  mode
	space bool // inName: behind a space
	tag   *tag
	attr  *attr
	raw   *raw
	open  *open // the innermost open element
	phase phase
	form  *openForm
	seen  seen // what was certainly seen
}

// seen are parts that a document must have.
type seen uint8

const (
	sawDoctype seen = 1 << iota
	sawHTML
	sawLang
	sawTitle
)

// raw is an element whose content is not markup.
type raw struct {
	name  string
	kind  rawKind
	pos   parse.Pos
	depth int
	text  string // its constant content so far
	holes int
	tag   *tag
}

type rawKind uint8

const (
	rawText   rawKind = iota // title, textarea: text, in which values may stand
	rawScript                // runs
	rawJSON                  // a data block
	rawInert                 // script of a type that browsers ignore
	rawStyle
	rawBlank // iframe: holds nothing
)

// join is the state behind two branches: both must end alike. Otherwise it says what differs.
func join(a, b htmlState) (htmlState, string) {
	a.seen &= b.seen
	b.seen = a.seen
	if a.tag != nil && a.tag == b.tag && a.attr == nil && b.attr == nil {
		a, b = settled(a), settled(b)
		if a.mode == inSpace && b.mode == inGap || a.mode == inGap && b.mode == inSpace {
			a.mode, b.mode = inGap, inGap
		}
	}
	if a == b {
		return a, ""
	}
	switch {
	case a.attr != b.attr:
		return a, "one within a value, the other not, or in another one"
	case a.tag != b.tag || a.mode != b.mode:
		return a, "one within a tag, the other not, or in another one"
	case a.raw != b.raw:
		return a, "one within a script, style, title or textarea, the other not"
	case a.open != b.open:
		return a, fmt.Sprintf("one within %s, the other within %s", a.open.describe(), b.open.describe())
	case a.form != b.form:
		return a, "one within a form, the other not"
	case a.phase != b.phase:
		return a, fmt.Sprintf("one %s, the other %s (write <head> and <body>)", a.phase, b.phase)
	}
	return a, "in different places"
}

// settled is a state within a tag, between its attributes: a name that stands alone is an attribute without value.
func settled(h htmlState) htmlState {
	if h.mode == inName {
		if h.space {
			h.mode = inSpace
		} else {
			h.mode = inGap
		}
		h.space = false
	}
	return h
}

// settle makes the state ready for an if, with or range.
func (c *compiler) settle(pos parse.Pos) {
	switch c.h.mode {
	case inLess:
		c.abort(RuleTagName, pos, `an action right behind "<"`, `write the tag whole in each branch; a "<" that is text is &lt;`)
	case inComment:
		c.abort(RuleComment, pos, "an action in an HTML comment", "write a comment for developers as {{/* … */}}")
	case inDoctype:
		c.abort(RuleDoctype, pos, "an action in the doctype", "write <!doctype html>")
	case inName:
		c.h = settled(c.h)
	case inEquals:
		c.abort(RuleBranches, pos, `an action between "=" and the value`, `put it within the quotes: title="{{if …}}…{{end}}"`)
	case inSlash:
		c.abort(RuleMarkup, pos, `an action between "/" and ">"`, "move it before the slash")
	}
	if r := c.h.raw; r != nil && r.kind != rawText {
		c.rawFault(pos)
	}
}

// rawFault reports an action in a script, a style or a data block.
func (c *compiler) rawFault(pos parse.Pos) {
	switch c.h.raw.kind {
	case rawStyle:
		c.fault(RuleStyle, pos, "an action in a style", `choose a class instead: <p class="{{.Kind}}">`)
	case rawJSON:
		c.fault(RuleData, pos, "an action other than {{data .X}} in a JSON data block", "give the block one {{data .X}}; choose in Go what it holds")
	case rawBlank:
		c.fault(RuleElement, pos, fmt.Sprintf("an action in <%s>", c.h.raw.name), "leave it empty")
	default:
		c.fault(RuleScript, pos, "an action in a script", `put the data into <script type="application/json" id="…">{{data .X}}</script>, and read it with JSON.parse(document.getElementById("…").textContent)`)
	}
}

// text follows one text of the page. pos is where it stands in its file.
func (c *compiler) text(s string, pos int) {
	for i := 0; i < len(s); {
		at := parse.Pos(pos + i)
		switch c.h.mode {
		case inText:
			if c.h.raw != nil {
				i = c.inRaw(s, i, pos)
			} else {
				i = c.inText(s, i, pos)
			}
		case inLess:
			if s[i] == '/' || s[i] == '!' || s[i] == '?' || isLetter(s[i]) {
				c.abort(RuleTagName, at, "a tag that is cut in two by an action", "write the tag whole")
			}
			c.h.mode = inText
			c.out.text("&lt;")
		case inComment:
			end := strings.Index(s[i:], "-->")
			if end < 0 {
				return
			}
			c.h.mode = inText
			i += end + len("-->")
		case inDoctype:
			end := strings.IndexByte(s[i:], '>')
			if end < 0 || !equalFold(strings.TrimSpace(s[i:i+end]), "html") {
				c.abort(RuleDoctype, at, "a doctype other than <!doctype html>", "write <!doctype html>")
			}
			c.out.text(s[i : i+end+1])
			c.h.mode = inText
			i += end + 1
		case inValue:
			i = c.inValue(s, i, pos)
		default:
			i = c.inTag(s, i, pos)
		}
	}
}

// inText follows text between tags up to behind the next tag's name.
func (c *compiler) inText(s string, i, pos int) int {
	j := strings.IndexByte(s[i:], '<')
	if j < 0 {
		c.content(s[i:], parse.Pos(pos+i))
		return len(s)
	}
	if j > 0 {
		c.content(s[i:i+j], parse.Pos(pos+i))
		return i + j
	}
	rest, at := s[i:], parse.Pos(pos+i)
	switch {
	case len(rest) == 1:
		c.h.mode = inLess
		return len(s)
	case rest == "</":
		c.abort(RuleTagName, at, "an end tag that is cut in two by an action", "write the tag whole")
	case isLetter(rest[1]):
		return c.startTag(s, i, pos, false)
	case rest[1] == '/' && len(rest) > 2 && isLetter(rest[2]):
		return c.startTag(s, i, pos, true)
	case strings.HasPrefix(rest, "<!--"):
		// Comments are dropped. So is what browsers take for the end of one, unless it is plain.
		end := strings.Index(rest, "-->")
		if strings.HasPrefix(rest, "<!-->") || strings.HasPrefix(rest, "<!--->") || end >= 0 && strings.Contains(rest[4:end], "--!>") {
			c.abort(RuleMarkup, at, "a comment that browsers end elsewhere", "write <!-- … -->")
		}
		c.h.mode = inComment
		return i + len("<!--")
	case len(rest) >= 9 && equalFold(rest[:9], "<!doctype"):
		if c.decl.fragment || c.h.phase != beforeHTML || c.h.seen&sawDoctype != 0 || len(rest) > 9 && !isSpace(rest[9]) {
			c.abort(RuleDoctype, at, "a doctype in an odd place", "write <!doctype html> once, at the beginning of the page")
		}
		c.h.seen |= sawDoctype
		c.out.text(rest[:9])
		c.h.mode = inDoctype
		return i + 9
	case rest[1] == '!' || rest[1] == '?' || rest[1] == '/':
		c.abort(RuleMarkup, at, fmt.Sprintf("%q is no tag", cut(rest, 12)), `write "<" as &lt; if it is text`)
	}
	c.content("<", at)
	return i + 1
}

// content appends constant text between tags, with "<" as html/template writes it.
func (c *compiler) content(s string, pos parse.Pos) {
	if !blank(s) {
		c.allowText(pos, false)
	}
	if s == "<" {
		s = "&lt;"
	}
	c.out.text(s)
}

// inRaw follows the content of title, textarea, script and style up to behind its end tag's name.
func (c *compiler) inRaw(s string, i, pos int) int {
	r := c.h.raw
	for j := i; j < len(s); j++ {
		if s[j] != '<' || !endsRaw(s[j:], r.name) {
			continue
		}
		c.rawPiece(s[i:j])
		if len(c.path) != r.depth {
			c.abort(RuleBranches, parse.Pos(pos+j), fmt.Sprintf("</%s> in a branch in which the element was not opened", r.name), "let each branch hold whole elements")
		}
		c.endRaw(r)
		return c.startTag(s, j, pos, true)
	}
	c.rawPiece(s[i:])
	return len(s)
}

// endsRaw reports whether s begins with the end tag of a raw element (WHATWG 13.2.5.11, 14, 17).
func endsRaw(s, name string) bool {
	n := 2 + len(name)
	return len(s) > n && s[1] == '/' && equalFold(s[2:n], name) && (isSpace(s[n]) || s[n] == '/' || s[n] == '>')
}

func (c *compiler) rawPiece(s string) {
	r := c.h.raw
	r.text += s
	if r.kind == rawText {
		s = strings.ReplaceAll(s, "<", "&lt;")
	}
	c.out.text(s)
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' || b == '\f' }

func blank(s string) bool {
	for i := range len(s) {
		if !isSpace(s[i]) {
			return false
		}
	}
	return true
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
