package page

import (
	"fmt"
	"strings"
	"text/template/parse"

	"golang.org/x/net/html"
)

// isAddress reports whether browsers read the value as an address, constant or not.
func (a *attr) isAddress() bool {
	switch a.name {
	case "href", "src", "action", "formaction", "cite", "poster", "data", "background", "longdesc", "xlink:href", "manifest",
		"codebase", "profile", "usemap", "ping":
		return true
	}
	return a.sink.kind == sinkLocal || a.sink.kind == sinkLink
}

// addressLike is isAddress, with the attributes that the site declares to be addresses.
func (c *compiler) addressLike(a *attr) bool {
	k := c.attrs[a.name].kind
	return a.isAddress() || k == sinkLocal || k == sinkLink
}

// decoded is a value with its character references decoded, as browsers do it in attributes.
func decoded(value string) string {
	if !strings.Contains(value, "&") {
		return value
	}
	quote := `"`
	if strings.Contains(value, quote) {
		quote = "'"
	}
	z := html.NewTokenizer(strings.NewReader("<a x=" + quote + strings.ReplaceAll(value, holeMark, "\x01") + quote + ">"))
	z.Next()
	_, _ = z.TagName()
	_, v, _ := z.TagAttr()
	return strings.ReplaceAll(string(v), "\x01", holeMark)
}

// A position of data in an address is found from the text before it.
type spot uint8

const (
	posWhole    spot = iota // nothing before
	posSegment              // behind a "/" of the path
	posValue                // in the value of a query
	posFragment             // behind "#"
	posNone                 // elsewhere
)

// holePosition finds where data stands behind a decoded prefix, and why it may not.
func holePosition(p string) (spot, string) {
	if p == "" {
		return posWhole, ""
	}
	if why := badConstant(p); why != "" {
		return posNone, why
	}
	if strings.HasPrefix(p, holeMark) {
		return posNone, "data that is the beginning of an address and not the whole"
	}
	if strings.Contains(p, "#") {
		return posFragment, ""
	}
	if i := strings.IndexByte(p, '?'); i >= 0 {
		last := p[strings.LastIndexAny(p, "?&;")+1:]
		name, _, ok := strings.Cut(last, "=")
		if !ok || name == "" || strings.Contains(name, holeMark) {
			return posNone, "data in a query that is no value behind a constant name="
		}
		return posValue, ""
	}
	if !strings.HasSuffix(p, "/") {
		return posNone, "data that is only a part of a segment"
	}
	if p == "//" || strings.HasSuffix(p, "://") {
		return posNone, "the host is data"
	}
	return posSegment, ""
}

// badConstant says why the constant part of an address is refused, "" if it is not.
func badConstant(p string) string {
	for i := 0; i < len(p); i++ {
		if p[i] == '\\' || p[i] < 0x20 && p[i] != 0 || p[i] == 0x7f {
			return "a backslash or a control character, which browsers read as something else"
		}
	}
	if strings.TrimSpace(p) != p {
		return "a space at its beginning or end"
	}
	scheme, rest, ok := schemeOf(p)
	if !ok {
		return ""
	}
	switch scheme {
	case "http", "https":
		host := strings.TrimPrefix(rest, "//")
		if i := strings.IndexAny(host, "/?#"); i >= 0 {
			host = host[:i]
		}
		if !strings.HasPrefix(rest, "//") || host == "" && !strings.Contains(p, holeMark) && len(rest) > 2 {
			return "an address without host"
		}
		if strings.ContainsAny(host, "@"+holeMark) {
			return "a host that holds data or a user's name"
		}
		return ""
	case "mailto", "tel", "sms":
		return ""
	}
	return fmt.Sprintf("the scheme %q", scheme)
}

// schemeOf splits an address at the colon of its scheme, in lower case.
func schemeOf(p string) (scheme, rest string, ok bool) {
	i := strings.IndexAny(p, ":/?#")
	if i < 0 || p[i] != ':' {
		return "", p, false
	}
	return strings.ToLower(p[:i]), p[i+1:], true
}

// isForeign reports whether a constant address leads to another host, or out of the browser.
func isForeign(p string) bool {
	_, _, ok := schemeOf(p)
	return ok || strings.HasPrefix(p, "//")
}

// addressSink finds how data is made harmless at its place in an address.
func (c *compiler) addressSink(a *attr, pos parse.Pos) (Sink, bool) {
	no := func(what string) (Sink, bool) {
		c.fault(RuleAddress, pos, fmt.Sprintf("%s in %s of <%s>", what, a.name, a.tag.name),
			`give the whole address, or write scheme and host constant and the data as a whole segment, as the value of a query, or behind "#": href="/notes/{{.ID}}?from={{.From}}"`)
		a.tag.bad = true
		return a.sink, false
	}
	if a.many {
		return no("too many branches")
	}
	var at spot
	for i, raw := range a.pre {
		if openReference(raw) {
			return no("data that could complete a character reference")
		}
		p := decoded(raw)
		pos1, why := holePosition(p)
		if pos1 == posNone {
			return no(why)
		}
		if scheme, _, ok := schemeOf(p); ok && scheme != "http" && scheme != "https" {
			return no(fmt.Sprintf("data behind the scheme %q", scheme))
		}
		if i > 0 && pos1 != at {
			return no("data whose place differs from branch to branch")
		}
		at = pos1
	}
	action := has(actions, a.tag.name, a.name)
	switch at {
	case posWhole:
		if action {
			c.fault(RuleAttribute, pos, fmt.Sprintf("an action that is the whole %s of <%s>", a.name, a.tag.name), `write the route, with values as segments: action="/notes/{{.ID}}/delete"`)
			a.tag.bad = true
			return a.sink, false
		}
		a.tag.links = a.tag.links || a.sink.kind == sinkLink
		return a.sink, true
	case posSegment:
		return Sink{kind: sinkSegment}, true
	}
	return Sink{kind: sinkComponent}, true
}

// openReference reports whether a value ends within a character reference, which what follows could complete.
func openReference(s string) bool {
	i := strings.LastIndexByte(s, '&')
	if i < 0 {
		return false
	}
	for _, b := range []byte(s[i+1:]) {
		if !(isLetter(b) || b >= '0' && b <= '9' || b == '#') {
			return false
		}
	}
	return true
}

// addressSteps completes the steps of an address with data: whatever the data, it leads where its constant parts say.
func (c *compiler) addressSteps(a *attr, steps []step) []step {
	for _, raw := range a.pre {
		p := decoded(raw)
		for i := 0; i < len(p); i++ {
			if p[i] != 0 {
				continue
			}
			at, _ := holePosition(p[:i])
			rest := p[i+1:]
			switch {
			case at == posWhole && rest != "":
				c.attrFault(a, "data that is the beginning of an address and not the whole")
				return steps
			case at == posSegment && rest != "" && rest[0] != '/' && rest[0] != '?' && rest[0] != '#':
				c.attrFault(a, "data that is only a part of a segment")
				return steps
			}
		}
		if why := badConstant(p); why != "" && !strings.HasPrefix(p, holeMark) {
			c.attrFault(a, why)
		}
	}
	if len(a.segments) == 0 {
		return steps
	}
	inner := len(a.pre) > 1
	if !inner {
		for rest := a.pre[0]; ; {
			i := strings.Index(rest, holeMark)
			if i < 0 {
				break
			}
			rest = rest[i+1:]
			inner = inner || strings.HasPrefix(rest, "/")
		}
	}
	for _, s := range a.segments {
		s.inner, s.back = inner, -1
	}
	steps = fuse(steps)
	if len(a.segments) == 1 && len(steps) <= 2 && steps[0].op == opSegment && (len(steps) == 1 || steps[1].op == opText) {
		x := steps[0].more
		x.back = len(steps[0].text)
		if len(steps) == 2 {
			x.tail = steps[1].text
		}
		return steps[:1]
	}
	return []step{guarded(steps)}
}

func (c *compiler) attrFault(a *attr, what string) {
	file := c.file
	c.file = a.file
	c.fault(RuleAddress, a.pos, fmt.Sprintf("%s in %s of <%s>", what, a.name, a.tag.name),
		`give the whole address, or write scheme and host constant and the data as a whole segment, as the value of a query, or behind "#"`)
	c.file = file
	a.tag.bad = true
}

// pattern is a value as facts show it: each place of data is {}.
func pattern(value string) string { return strings.ReplaceAll(decoded(value), holeMark, "{}") }

// constantValue returns what is printed for a constant value: the address of a static file becomes the one with its
// fingerprint. Files that are not there are told.
func (c *compiler) constantValue(a *attr, value string) (string, bool) {
	switch {
	case a.name == "srcset" || a.name == "imagesrcset":
		candidates := strings.Split(value, ",")
		changed := false
		for i, one := range candidates {
			fields := strings.Fields(one)
			if len(fields) == 0 {
				continue
			}
			if to, ok := c.fingerprint(a, fields[0]); ok {
				candidates[i] = strings.Replace(one, fields[0], to, 1)
				changed = true
			}
		}
		return strings.Join(candidates, ","), changed
	case !c.addressLike(a):
		return value, false
	}
	return c.fingerprint(a, value)
}

// fingerprint finds a static file by its address.
func (c *compiler) fingerprint(a *attr, value string) (string, bool) {
	address := decoded(value)
	files := c.static(address)
	if files == nil {
		return value, false
	}
	to, integrity, ok := files.Address(address)
	if !ok {
		var known []string
		for _, n := range files.Names() {
			known = append(known, files.Prefix()+n)
		}
		file := c.file
		c.file = a.file
		c.fault(RuleStatic, a.pos, fmt.Sprintf("there is no file %s", address), didYouMean(address, known, "put it into the folder of the static files"))
		c.file = file
		return value, false
	}
	a.integrity, a.features = integrity, files.Opened()
	return string(appendHTML(nil, to)), true
}
