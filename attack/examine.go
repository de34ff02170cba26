package attack

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// payloads are what is typed into a text. Each is found again by what it became, never by its being there, and by its own mark in
// that: another's payload may stand on the same page.
var payloads = []func(n string) string{
	func(n string) string { return n + `'"></script></textarea></title>` + element(n) },
	func(n string) string { return n + ` mqa=` + n + ` x` },
	func(n string) string { return n + element(n) }, // without a quote, which may break a statement first
	func(n string) string { return n + `'mqs"mqs` + "`mqs" + `\'mqs\"mqs` + "\\`mqs${mqs}" },
	func(n string) string { return "JaVaScRiPt:" + n },
	func(n string) string { return n + "\r\nX-Mq: " + n },
	func(n string) string { return n + `'||(191*7)||'mqe` },
	func(n string) string { return n + `{{len "abcdefg"}}mqe` },
	func(n string) string { return "=" + n + "+1" },
	func(n string) string { return n + `*)(uid=*` },
	func(n string) string { return "--" + n },
}

// element is markup that is told from everybody else's by its name and its attribute.
func element(n string) string { return "<" + n + " mqa=" + n + ">" }

// examine looks at what an answer shows of a payload with this mark.
func (r *run) examine(ans *answer, n, route string, q *Request, by *actor) {
	for name, values := range ans.header {
		for _, v := range values {
			if name == "X-Mq" && v == n || strings.Contains(v, n) && strings.ContainsAny(v, "\r\n") {
				r.hit(RuleHeaderLine, route, q, by, "the value came out in the header %s with its line break", name)
			}
		}
	}
	if !strings.Contains(ans.body, n) {
		return
	}
	if strings.Contains(ans.body, n+"1337mqe") {
		r.hit(RuleSQL, route, q, by, "the database worked out 191*7 from the value")
	}
	if strings.Contains(ans.body, n+"7mqe") {
		r.hit(RuleTemplate, route, q, by, "the value was run as a template")
	}
	if optionSaid(ans.body, n) {
		r.hit(RuleOption, route, q, by, "a program took the value for an option")
	}
	if strings.HasPrefix(ans.header.Get("Content-Type"), "text/csv") && formulaCell(n).MatchString(ans.body) {
		r.hit(RuleFormula, route, q, by, "a cell of %s begins with =", ans.path)
	}
	for _, node := range ans.dom(r.t).nodes {
		r.examineNode(node, n, route, q, by, ans.path)
	}
}

// formulaCell is a cell that begins with the formula of this mark.
func formulaCell(n string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)(^|[,;\t])"?=` + n + `\+1`)
}

func optionSaid(body, n string) bool {
	for _, said := range []string{"unrecognized option", "unknown option", "invalid option", "illegal option", "not defined: -", "unexpected argument"} {
		if i := strings.Index(body, said); i >= 0 && strings.Contains(body[i:min(len(body), i+len(said)+60)], n) {
			return true
		}
	}
	return false
}

func (r *run) examineNode(node *html.Node, n, route string, q *Request, by *actor, where string) {
	if node.Data == n {
		r.hit(RuleMarkup, route, q, by, "the value made the element <%s> on %s", node.Data, where)
		return
	}
	if node.Data == "script" && node.FirstChild != nil && runs(attr(node, "type")) && breaksOut(node.FirstChild.Data, n) {
		r.hit(RuleScriptText, route, q, by, "the value ended its text in a script of %s", where)
	}
	for _, a := range node.Attr {
		switch {
		case a.Key == "mqa" && a.Val == n:
			r.hit(RuleMarkup, route, q, by, "the value made an attribute of <%s> on %s", node.Data, where)
		case !strings.Contains(a.Val, n):
		case strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") || strings.HasPrefix(a.Key, "@") || strings.HasPrefix(a.Key, "x-on"):
			if breaksOut(a.Val, n) {
				r.hit(RuleScriptText, route, q, by, "the value ended its text in the attribute %s on %s", a.Key, where)
			}
		case a.Key == "srcdoc" && strings.Contains(a.Val, element(n)):
			r.hit(RuleMarkup, route, q, by, "the value is markup in srcdoc on %s", where)
		case a.Key == "content" && strings.EqualFold(attr(node, "http-equiv"), "refresh") && strings.Contains(strings.ToLower(a.Val), "javascript:"+n):
			r.hit(RuleScriptAddress, route, q, by, "the value is the address of a refresh on %s", where)
		case takesAddress(a.Key) && strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:"+n):
			r.hit(RuleScriptAddress, route, q, by, "the value is the %s of <%s> on %s", a.Key, node.Data, where)
		}
	}
}

// runs reports whether browsers run a script of this type (WHATWG HTML 4.12.1).
func runs(kind string) bool {
	kind = strings.ToLower(kind)
	return kind == "" || kind == "module" || strings.Contains(kind, "javascript") || strings.Contains(kind, "ecmascript")
}

func takesAddress(name string) bool {
	switch name {
	case "href", "src", "action", "formaction", "data", "xlink:href", "poster":
		return true
	}
	return false
}

// breaksOut reports whether a value stands in script as code, or ends the text that it stands in.
func breaksOut(script, n string) bool {
	for at := 0; ; {
		i := strings.Index(script[at:], n)
		if i < 0 {
			return false
		}
		i += at
		quote := quoteAt(script[:i])
		rest := script[i+len(n):]
		rest = rest[:min(len(rest), 80)]
		switch {
		case quote == 0:
			if strings.Contains(rest, "mqs") && strings.ContainsAny(rest[:1], "'\"`") || strings.HasPrefix(rest, " mqa=") {
				return true // it stands in the script itself
			}
		case quote != '/' && quote != '*':
			if ends(rest, string(quote)+"mqs") || quote == '`' && ends(rest, "${mqs}") {
				return true
			}
		}
		at = i + len(n)
	}
}

// ends reports whether a sign stands in a text without a backslash that is for it: two are one that is for itself.
func ends(text, sign string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], sign)
		if i < 0 {
			return false
		}
		before := text[:at+i]
		if (len(before)-len(strings.TrimRight(before, `\`)))%2 == 0 {
			return true
		}
		at += i + len(sign)
	}
}

// quoteAt returns the quote that a script is within at its end, 0 for none, '/' or '*' for a comment.
func quoteAt(script string) (quote byte) {
	for i := 0; i < len(script); i++ {
		c := script[i]
		switch {
		case quote == '/':
			if c == '\n' {
				quote = 0
			}
		case quote == '*':
			if c == '*' && i+1 < len(script) && script[i+1] == '/' {
				quote = 0
				i++
			}
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote || c == '\n' && quote != '`' {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == '/' && i+1 < len(script) && script[i+1] == '/':
			quote = '/'
		case c == '/' && i+1 < len(script) && script[i+1] == '*':
			quote = '*'
			i++
		}
	}
	return quote
}

// told looks at what was logged, mailed and sent since then.
func (r *run) told(n, route string, q *Request, by *actor) {
	for name, rule := range map[string]checkRule{"log": RuleLogLine, "mail": RuleMailLine, "sent": RuleBackend} {
		said := r.t.said[name]
		if said == nil {
			continue
		}
		all := said()
		if strings.Contains(all, "\nX-Mq: "+n) || strings.HasPrefix(all, "X-Mq: "+n) {
			r.hit(rule, route, q, by, "the value began a line of its own in the %s", name)
		}
		if name == "sent" && strings.Contains(all, n+`*)(uid=*`) {
			r.hit(rule, route, q, by, "the value closed the filter that it was put into")
		}
	}
}

func (p *parameter) with(value string) string {
	return fmt.Sprintf("%s?%s", p.path, url.Values{p.name: {value}}.Encode())
}
