package attack

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// A page is what an attacker sees of an answer: links, forms, and whatever data has made of it.
type page struct {
	links []string
	forms []*form
	nodes []*html.Node
	texts map[string]bool // words that are no numbers and no random texts
	metas []string        // policies that the page gives itself (CSP3 3.3), where frame-ancestors count for nothing
}

// A form is one of a page.
type form struct {
	page   string // path on which it stands
	action string // as resolved; "" when it leads elsewhere, which is in away then
	away   string
	method string
	file   bool
	fields []field
	button bool              // its first button was seen
	fixed  map[string]string // what is typed into fields that do not take any text; "": nothing is
	typed  map[string]string // what was said that is typed, by [Typed]
}

type field struct {
	name, kind, value string
	options           []string
	required          bool
	auto              string // autocomplete
	accept            string // of an upload
	learnt            bool   // it is a token, as was seen in another session
	limit             limit
}

// dom parses an answer once.
func (a *answer) dom(t *target) *page {
	if a.parsed {
		return a.doc
	}
	a.parsed, a.doc = true, &page{texts: map[string]bool{}}
	if !a.isHTML() {
		return a.doc
	}
	root, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		return a.doc
	}
	for n := range root.Descendants() {
		switch n.Type {
		case html.TextNode:
			for w := range strings.FieldsSeq(n.Data) {
				if !noise.MatchString(w) {
					a.doc.texts[w] = true
				}
			}
		case html.ElementNode:
			a.doc.nodes = append(a.doc.nodes, n)
			switch n.Data {
			case "a", "area", "link", "iframe", "img", "script":
				at := attr(n, "href")
				if at == "" {
					at = attr(n, "src")
				}
				if to, ok := t.local(at, a.path); ok && at != "" && n.Data != "link" && n.Data != "script" {
					a.doc.links = append(a.doc.links, to)
				}
			case "meta":
				if strings.EqualFold(attr(n, "http-equiv"), "Content-Security-Policy") {
					a.doc.metas = append(a.doc.metas, attr(n, "content"))
				}
			case "form":
				a.doc.forms = append(a.doc.forms, t.form(n, a.path))
				a.doc.forms = append(a.doc.forms, t.buttons(n, a.path)...)
			}
		}
	}
	return a.doc
}

// noise are words that differ from one load to the next: numbers, times, random texts.
var noise = regexp.MustCompile(`\d|^[A-Za-z0-9_\-+/=]{20,}$`)

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func (t *target) form(n *html.Node, from string) *form {
	f := &form{page: from, method: strings.ToUpper(attr(n, "method")), file: strings.EqualFold(attr(n, "enctype"), "multipart/form-data")}
	if f.method != "POST" {
		f.method = "GET"
	}
	if to, ok := t.local(attr(n, "action"), from); ok {
		f.action = to
	} else {
		f.away = attr(n, "action")
	}
	for c := range n.Descendants() {
		if c.Type != html.ElementNode || hasAttr(c, "disabled") {
			continue
		}
		if sends(c) { // by the Enter key a form is sent as by its first button, which is the main one
			if first := !f.button; !first {
				continue
			}
			f.button = true
		}
		if attr(c, "name") == "" {
			continue
		}
		d := field{name: attr(c, "name"), value: attr(c, "value"), required: hasAttr(c, "required"), auto: attr(c, "autocomplete"), accept: attr(c, "accept"), limit: limitOf(c)}
		switch c.Data {
		case "input":
			if d.kind = strings.ToLower(attr(c, "type")); d.kind == "" {
				d.kind = "text"
			}
			if (d.kind == "checkbox" || d.kind == "radio") && d.value == "" {
				d.value = "on"
			}
		case "textarea":
			d.kind = "textarea"
			if c.FirstChild != nil {
				d.value = c.FirstChild.Data
			}
		case "select":
			d.kind = "select"
			for o := range c.Descendants() {
				if o.Type == html.ElementNode && o.Data == "option" {
					v := attr(o, "value")
					if !hasAttr(o, "value") && o.FirstChild != nil {
						v = o.FirstChild.Data
					}
					d.options = append(d.options, v)
				}
			}
		case "button":
			d.kind = "button"
		default:
			continue
		}
		f.fields = append(f.fields, d)
	}
	t.marks(f)
	return f
}

// sends reports whether an element is a button that sends its form.
func sends(c *html.Node) bool {
	kind := strings.ToLower(attr(c, "type"))
	return c.Data == "button" && (kind == "" || kind == "submit") || c.Data == "input" && (kind == "submit" || kind == "image")
}

// isText reports whether a field takes what an attacker writes.
func (d field) isText() bool {
	switch d.kind {
	case "text", "textarea", "search", "tel", "url", "password", "email":
		return true
	}
	return false
}

func (f *form) has(kind string) bool {
	for _, d := range f.fields {
		if d.kind == kind {
			return true
		}
	}
	return false
}

// shape is what tells a form from another: its method, the pattern of its address and its fields.
func (f *form) shape(pattern string) string {
	var names []string
	for _, d := range f.fields {
		names = append(names, d.name)
	}
	return f.method + " " + pattern + " " + strings.Join(names, ",")
}

// mark is the shape of the attacker's own texts: mq and a number. They are found again wherever they come out.
var mark = regexp.MustCompile(`mq\d+`)

// hasAction reports whether a form of the page leads there.
func (p *page) hasAction(action string) bool {
	for _, f := range p.forms {
		if f.action == action {
			return true
		}
	}
	return false
}
