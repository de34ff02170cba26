package page

import (
	"encoding/base64"
	"fmt"
	"mime"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/header"
)

// openSource lets the page load from an address: its own site, or the https host that its author wrote.
func (c *compiler) openSource(a *attr, s *header.Sources, address string) {
	if !isForeign(address) {
		s.Self = true
		return
	}
	origin, ok := originOf(address)
	if !ok {
		file := c.file
		c.file = a.file
		c.fault(RuleAddress, a.pos, fmt.Sprintf("%s of <%s> is %q", a.name, a.tag.name, address), "load it from this site, or by https:// from another")
		c.file = file
		return
	}
	if !slices.Contains(s.Origins, origin) {
		s.Origins = append(s.Origins, origin)
	}
}

// originOf returns the origin of an absolute https address.
func originOf(address string) (string, bool) {
	rest, ok := strings.CutPrefix(address, "https://")
	if !ok {
		return "", false
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return "https://" + strings.ToLower(rest), rest != "" && !strings.ContainsAny(rest, "@"+holeMark)
}

// executable reports whether browsers run a script of this type (WHATWG 4.12.1.1), and importable if they read it as
// something else that decides what runs.
func scriptKind(typ string) (kind rawKind, ok bool) {
	switch t := strings.ToLower(strings.TrimSpace(typ)); t {
	case "", "module", "importmap":
		return rawScript, true
	case "speculationrules":
		return rawScript, false
	default:
		media, _, err := mime.ParseMediaType(t)
		if err != nil {
			media = t
		}
		switch {
		case media == "application/json", media == "text/json", strings.HasSuffix(media, "+json"):
			return rawJSON, true
		case slices.Contains([]string{"application/ecmascript", "application/javascript", "application/x-ecmascript", "application/x-javascript",
			"text/ecmascript", "text/javascript", "text/javascript1.0", "text/javascript1.1", "text/javascript1.2", "text/javascript1.3",
			"text/javascript1.4", "text/javascript1.5", "text/jscript", "text/livescript", "text/x-ecmascript", "text/x-javascript"}, media):
			return rawScript, true
		}
		return rawInert, true
	}
}

// judgeScript judges a script element: its file, or what it holds, is opened in the policy.
func (c *compiler) judgeScript(t *tag) {
	typ, _, _ := t.constant("type")
	kind, ok := scriptKind(typ)
	if !ok {
		c.tagFault(RuleScript, t, fmt.Sprintf("a script of type %q, which the policy blocks", typ), "send the header Speculation-Rules")
		return
	}
	src, there, _ := t.constant("src")
	if !there || kind != rawScript {
		return
	}
	p := &c.facts.Policy
	integrity, has, _ := t.constant("integrity")
	if !isForeign(src) {
		p.Script.Self = true
		for _, name := range t.one("src").features {
			if !slices.Contains(c.facts.Features, name) {
				c.facts.Features = append(c.facts.Features, name)
			}
		}
		c.addIntegrity(t, t.one("src"), has)
		return
	}
	hashes := integrityHashes(integrity)
	if _, https := originOf(src); !https || len(hashes) == 0 {
		c.tagFault(RuleForeign, t, fmt.Sprintf("a script of another host without integrity: %s", src), `put the file under static, or add integrity="sha384-…" to the https:// address`)
		return
	}
	for _, h := range hashes {
		if !slices.Contains(p.Script.Hashes, h) {
			p.Script.Hashes = append(p.Script.Hashes, h)
		}
	}
	c.addCrossorigin(t)
}

// integrityHashes are the hashes of an integrity attribute that are whole.
func integrityHashes(value string) []string {
	var all []string
	for _, one := range strings.Fields(value) {
		one, _, _ = strings.Cut(one, "?")
		alg, sum, _ := strings.Cut(one, "-")
		b, err := base64.StdEncoding.Strict().DecodeString(sum)
		if err != nil || len(b) != map[string]int{"sha256": 32, "sha384": 48, "sha512": 64}[alg] || len(b) == 0 {
			return nil
		}
		all = append(all, one)
	}
	return all
}

// addIntegrity writes the hash of a static file, so that a browser runs what this page was compiled with.
func (c *compiler) addIntegrity(t *tag, a *attr, has bool) {
	if a.integrity == "" || has {
		return
	}
	t.block.text(` integrity="` + string(appendHTML(nil, a.integrity)) + `"`)
}

// addCrossorigin lets a browser compare a file of another host with its hash, which it may only read then.
func (c *compiler) addCrossorigin(t *tag) {
	if t.one("crossorigin") == nil {
		t.block.text(` crossorigin="anonymous"`)
	}
}

// The kinds of link that pages have. Those that load open the policy.
var relWords = set(`alternate author canonical dns-prefetch expect help icon license manifest me modulepreload next pingback
	preconnect prefetch preload prev privacy-policy search shortcut apple-touch-icon mask-icon stylesheet terms-of-service
	amphtml bookmark external nofollow noopener noreferrer tag self hub micropub webmention authorization_endpoint
	token_endpoint`)

// judgeLinkElement judges a link element.
func (c *compiler) judgeLinkElement(t *tag) {
	rel, there, _ := t.constant("rel")
	href, hasHref, _ := t.constant("href")
	if !there || !hasHref {
		c.tagFault(RuleMarkup, t, "<link> without rel or href", `write <link rel="…" href="…">`)
		return
	}
	p := &c.facts.Policy
	for _, word := range strings.Fields(strings.ToLower(rel)) {
		switch word {
		case "stylesheet":
			if isForeign(href) {
				c.tagFault(RuleForeign, t, fmt.Sprintf("a style sheet of another host: %s", href), "put the file under static; integrity alone does not open the page's policy for a style sheet")
				return
			}
			p.Style.Self = true
			c.stylesheetLoads()
			_, has, _ := t.constant("integrity")
			c.addIntegrity(t, t.one("href"), has)
		case "icon", "apple-touch-icon", "mask-icon":
			c.openSource(t.one("href"), &p.Img, href)
		case "manifest":
			if isForeign(href) {
				c.tagFault(RuleForeign, t, fmt.Sprintf("a manifest of another host, which the page's policy blocks: %s", href), "put the file under static")
				return
			}
			p.Manifest.Self = true
		case "modulepreload":
			if isForeign(href) {
				c.tagFault(RuleForeign, t, fmt.Sprintf("a script of another host: %s", href), "put the file under static")
				return
			}
			p.Script.Self = true
			_, has, _ := t.constant("integrity")
			c.addIntegrity(t, t.one("href"), has)
		case "preload", "prefetch":
			if isForeign(href) {
				c.tagFault(RuleForeign, t, fmt.Sprintf("a file of another host is loaded ahead: %s", href), "put the file under static")
				return
			}
		default:
			if !relWords[word] {
				c.tagFault(RuleAttribute, t, fmt.Sprintf("rel=%q is no kind of link", word), didYouMean(word, names(relWords), "leave it out"))
			}
		}
	}
}

// stylesheetLoads opens the policy for what the site's own style sheets may name: the images and fonts beside them.
func (c *compiler) stylesheetLoads() {
	for _, f := range c.opts.Static {
		for _, name := range f.Names() {
			switch t := f.Type(name); {
			case strings.HasPrefix(t, "image/"):
				c.facts.Policy.Img.Self = true
			case strings.HasPrefix(t, "font/"):
				c.facts.Policy.Font.Self = true
			}
		}
	}
}

// judgeMeta judges a meta element: what steers the browser is refused, but for UTF-8 and a reload.
func (c *compiler) judgeMeta(t *tag) {
	equiv, hasEquiv, _ := t.constant("http-equiv")
	name, _, _ := t.constant("name")
	property, _, _ := t.constant("property")
	charset, hasCharset, _ := t.constant("charset")
	content := t.one("content")
	if hasCharset && !strings.EqualFold(strings.TrimSpace(charset), "utf-8") {
		c.tagFault(RuleMeta, t, fmt.Sprintf("charset %q", charset), "pages are UTF-8")
		return
	}
	if hasEquiv {
		value, _, ok := t.constant("content")
		switch e := strings.ToLower(strings.TrimSpace(equiv)); {
		case !ok:
			c.tagFault(RuleMeta, t, "http-equiv with content that is not constant", `leave it out; <meta name="description" content="{{.Summary}}"> takes data`)
		case e == "content-type" && strings.EqualFold(strings.ReplaceAll(value, " ", ""), "text/html;charset=utf-8"), e == "x-ua-compatible":
		case e == "refresh" && localRefresh(value):
		default:
			c.tagFault(RuleMeta, t, fmt.Sprintf("http-equiv %q", equiv), "send a header; a reload is content=\"30\", or content=\"30;url=/path\"")
		}
		return
	}
	if content == nil || !content.data {
		return
	}
	key := strings.ToLower(strings.TrimSpace(name))
	if key == "" {
		key = strings.ToLower(strings.TrimSpace(property))
	}
	if !metaNames[key] {
		c.tagFault(RuleMeta, t, fmt.Sprintf("an action in content of <meta name=%q>", key), didYouMean(key, names(metaNames), "write it constant; description and og:title take data"))
	}
}

// localRefresh reports whether a constant refresh stays on this site.
func localRefresh(value string) bool {
	seconds, rest, more := strings.Cut(value, ";")
	if strings.Trim(strings.TrimSpace(seconds), "0123456789") != "" {
		return false
	}
	if !more {
		return true
	}
	key, to, ok := strings.Cut(strings.TrimSpace(rest), "=")
	return ok && strings.EqualFold(strings.TrimSpace(key), "url") && strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && badConstant(to) == "" && !strings.ContainsAny(to, `'"`)
}

// judgeFrame judges an iframe: another page, by https, which the policy is opened for.
func (c *compiler) judgeFrame(t *tag) {
	src, there, _ := t.constant("src")
	if !there {
		return
	}
	if !isForeign(src) {
		c.tagFault(RuleElement, t, "a frame of this site, which the policy of its own pages forbids", "show the content in the page itself, or link to it")
		return
	}
	c.openSource(t.one("src"), &c.facts.Policy.Frame, src)
}

// enterRaw begins the content of an element that holds no markup.
func (c *compiler) enterRaw(t *tag) {
	if c.h.open == nil || c.h.open.space != "" || c.h.open.name != t.name {
		return
	}
	kind := rawText
	switch t.name {
	case "title", "textarea":
	case "style":
		kind = rawStyle
	case "iframe":
		kind = rawBlank
	case "script":
		typ, _, _ := t.constant("type")
		kind, _ = scriptKind(typ)
	default:
		return
	}
	c.h.raw = &raw{name: t.name, kind: kind, pos: t.pos, depth: len(c.path), tag: t}
}

// endRaw judges the content of a raw element at its end.
func (c *compiler) endRaw(r *raw) {
	c.h.raw = nil
	lower := strings.ToLower(r.text)
	p := &c.facts.Policy
	switch r.kind {
	case rawText:
		if r.name == "title" && blank(r.text) && r.holes == 0 {
			c.tagFault(RuleTitle, r.tag, "an empty title", "say what the page is")
		}
		return
	case rawBlank:
		if !blank(r.text) {
			c.tagFault(RuleElement, r.tag, fmt.Sprintf("text in <%s>, which browsers do not show", r.name), "leave it empty")
		}
		return
	case rawJSON:
		if r.holes == 0 && strings.Contains(lower, "<") {
			c.tagFault(RuleScript, r.tag, `a "<" in a data block`, `write it \u003c`)
		}
		return
	}
	if strings.Contains(lower, "<!--") || strings.Contains(lower, "<script") || strings.Contains(lower, "</"+r.name) {
		c.tagFault(RuleScript, r.tag, fmt.Sprintf("%q, %q or an end tag in <%s>, where browsers read on by rules of their own", "<!--", "<script", r.name), "move it into a file under static")
		return
	}
	if blank(r.text) || r.kind == rawInert {
		return
	}
	// Browsers turn CRLF and CR into LF before they hash (WHATWG 13.2.3.5).
	hash := header.Hash([]byte(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(r.text)))
	if r.kind == rawStyle {
		if !slices.Contains(p.Style.Hashes, hash) {
			p.Style.Hashes = append(p.Style.Hashes, hash)
		}
		if strings.Contains(lower, "url(") {
			p.Img.Self = true
		}
		if strings.Contains(lower, "@font-face") {
			p.Font.Self = true
		}
		return
	}
	if _, there, _ := r.tag.constant("src"); there {
		c.tagFault(RuleScript, r.tag, "a script with a file and with content, which browsers ignore", "write one of them")
		return
	}
	if !slices.Contains(p.Script.Hashes, hash) {
		p.Script.Hashes = append(p.Script.Hashes, hash)
	}
}
