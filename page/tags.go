package page

import (
	"fmt"
	"slices"
	"strings"
)

// nameAttr judges an attribute by its name alone: what is script or style in any case.
func (c *compiler) nameAttr(t *tag, a *attr) {
	switch {
	case isHandlerName(a.name):
		c.fault(RuleHandler, a.pos, fmt.Sprintf("%s on <%s>", a.name, t.name), "give the element a class or data-… and listen in a file under static: element.addEventListener(…)")
	case a.name == "style":
		c.fault(RuleStyle, a.pos, fmt.Sprintf("style on <%s>", t.name), "give it a class, and the class a rule in a style sheet")
	case a.name == "srcdoc":
		c.fault(RuleSrcdoc, a.pos, "srcdoc", "make it a page of its own")
	case a.name == "ping":
		c.fault(RuleAttribute, a.pos, "ping, which tells another address of each visit", "leave it out")
	case a.name == "formmethod" || a.name == "formaction" && len(a.path) > t.depth:
		c.fault(RuleForm, a.pos, fmt.Sprintf("%s on <%s>: the form would be sent another way than it says", a.name, t.name), "make it a form of its own")
	default:
		return
	}
	t.bad = true
}

// one returns an attribute that may be decided by a branch only if it does not decide anything itself.
func (t *tag) one(name string) *attr {
	for _, a := range t.attrs {
		if a.name == name {
			return a
		}
	}
	return nil
}

// constant returns the value of an attribute that is constant and not in a branch; ok is false if it is there and is not so.
func (t *tag) constant(name string) (value string, there, ok bool) {
	a := t.one(name)
	if a == nil {
		return "", false, true
	}
	if a.data || len(a.path) > t.depth || len(a.pre) > 1 {
		return "", true, false
	}
	if len(a.pre) == 1 {
		value = decoded(a.pre[0])
	}
	return value, true, true
}

// decisive are the attributes that decide what an element does: constant, and in no branch.
var decisive = map[string][]string{
	"script": {"src", "type", "integrity"}, "link": {"rel", "href", "integrity", "type"}, "meta": {"http-equiv", "name", "property", "charset"},
	"form": {"method", "enctype", "target"}, "input": {"type"}, "button": {"type", "formaction"}, "iframe": {"src", "sandbox"},
	"template": {"shadowrootmode"},
}

// endTag judges a complete tag, adds what Merlon adds, and hands its steps on.
func (c *compiler) endTag(t *tag) {
	if t.end {
		t.block.text(">")
		c.leaveTag(t)
		c.closeElement(t)
		return
	}
	for _, name := range decisive[t.name] {
		if _, _, ok := t.constant(name); !ok && !t.bad {
			c.tagFault(RuleAttribute, t, fmt.Sprintf("%s of <%s> is not constant", name, t.name), "choose the whole element with if")
		}
	}
	if !t.bad {
		c.judgeAddresses(t)
	}
	c.openElement(t)
	if !t.bad && (c.h.open == nil || c.h.open.space == "") {
		c.judgeElement(t)
	}
	if t.close {
		t.block.text("/")
	}
	t.block.text(">")
	c.leaveTag(t)
	if t.name == "form" && c.h.form != nil && c.h.form.fact.Token >= 0 && c.h.form.tag == t {
		t.outer.add(step{op: opToken, off: uintptr(c.h.form.fact.Token)})
	}
	c.enterRaw(t)
}

// leaveTag gives the steps of a tag to what is around it.
func (c *compiler) leaveTag(t *tag) {
	t.outer.steps = append(t.outer.steps, fuse(t.block.steps)...)
	c.spare, t.block = t.block.steps, nil
}

// judgeAddresses judges the constant addresses of a tag, whatever the element.
func (c *compiler) judgeAddresses(t *tag) {
	for _, a := range t.attrs {
		values := a.pre
		if a.name == "srcset" || a.name == "imagesrcset" {
			values = nil
			for _, v := range a.pre {
				for _, one := range strings.Split(v, ",") {
					if f := strings.Fields(one); len(f) > 0 {
						values = append(values, f[0])
					}
				}
			}
		} else if !c.addressLike(a) || a.data {
			continue
		}
		for _, v := range values {
			if why := badConstant(decoded(v)); why != "" {
				c.attrFault(a, why)
			}
		}
	}
}

// judgeElement judges what an element does, and records it.
func (c *compiler) judgeElement(t *tag) {
	c.recordLoads(t)
	switch t.name {
	case "html":
		if lang := t.one("lang"); lang != nil && lang.has && len(lang.path) == t.depth && !slices.ContainsFunc(lang.pre, func(v string) bool { return strings.TrimSpace(v) == "" }) {
			c.h.seen |= sawLang // constant, or the visitor's: lang="{{$site.Lang}}"
		}
		c.h.seen |= sawHTML
	case "title":
		c.h.seen |= sawTitle
	case "a", "area":
		c.judgeLink(t)
	case "img", "source", "video", "audio", "track":
		c.judgeMedia(t)
	case "script":
		c.judgeScript(t)
	case "link":
		c.judgeLinkElement(t)
	case "meta":
		c.judgeMeta(t)
	case "iframe":
		c.judgeFrame(t)
	case "form":
		c.judgeForm(t)
	case "input", "select", "textarea", "button":
		c.judgeControl(t)
	}
}

// loaders are the elements that load from an address without a visitor's doing, and the attributes that name it.
var loaders = map[string]string{"img": "src", "script": "src", "source": "src", "video": "src", "audio": "src", "track": "src", "link": "href"}

// recordLoads records the constant addresses that an element loads, so that who knows the routes can tell what is not there.
func (c *compiler) recordLoads(t *tag) {
	a := t.one(loaders[t.name])
	if a == nil {
		return
	}
	if rel, _, _ := t.constant("rel"); t.name == "link" && !slices.ContainsFunc(strings.Fields(strings.ToLower(rel)), loadingRel) {
		return
	}
	for _, v := range a.pre {
		if address := pattern(v); strings.HasPrefix(address, "/") && !isForeign(address) && !strings.Contains(address, "{}") {
			c.facts.Loads = append(c.facts.Loads, LinkFact{Where: position(a.file, int(a.pos)), Address: address})
		}
	}
}

func loadingRel(word string) bool {
	return slices.Contains([]string{"stylesheet", "icon", "apple-touch-icon", "mask-icon", "manifest", "modulepreload", "preload"}, word)
}

// judgeLink records where a link leads, and gives those to other hosts rel="noopener noreferrer": what they open cannot
// reach back, and is not told where it came from.
func (c *compiler) judgeLink(t *tag) {
	for _, a := range t.attrs {
		if a.name != "href" {
			continue
		}
		for _, v := range a.pre {
			p := decoded(v)
			c.facts.Links = append(c.facts.Links, LinkFact{Where: position(a.file, int(a.pos)), Address: pattern(v), Foreign: isForeign(p)})
			scheme, _, ok := schemeOf(p)
			if strings.HasPrefix(p, "//") || ok && (scheme == "http" || scheme == "https") {
				c.addRel(t, false)
				return
			}
		}
	}
	if t.links {
		c.addRel(t, true)
	}
}

var foreignRel = []string{"noopener", "noreferrer"}

// addRel completes rel. Without rel of its own, a link whose address is data gets it only if that leads elsewhere.
func (c *compiler) addRel(t *tag, byData bool) {
	if a := t.one("rel"); a != nil {
		if a.text < 0 || a.many || len(a.pre) != 1 {
			c.tagFault(RuleAttribute, t, "rel of a link to another host, in a branch", "write it once: Merlon adds noopener and noreferrer")
			return
		}
		value := a.pre[0]
		for _, word := range foreignRel {
			if !strings.Contains(" "+strings.ToLower(value)+" ", " "+word+" ") {
				value = strings.TrimSpace(value + " " + word)
			}
		}
		if a.quote == 0 {
			value = `"` + value + `"`
		}
		t.block.steps[a.text].text = value
		return
	}
	const rel = ` rel="noopener noreferrer"`
	if !byData {
		t.block.text(rel)
		return
	}
	t.block.steps = append([]step{{op: opDo, do: func(f *frame, dst []byte) []byte {
		f.env.stray = false
		return dst
	}}}, t.block.steps...)
	t.block.do(func(f *frame, dst []byte) []byte {
		if f.env.stray {
			dst = append(dst, rel...)
		}
		return dst
	})
}

// judgeMedia opens the policy for what the page loads.
func (c *compiler) judgeMedia(t *tag) {
	for _, a := range t.attrs {
		if a.name != "src" && a.name != "poster" && a.name != "srcset" {
			continue
		}
		sources := &c.facts.Policy.Img
		if a.name == "src" && (t.name == "video" || t.name == "audio" || t.name == "track" || t.name == "source") {
			sources = &c.facts.Policy.Media // a source with src is one of a video or audio; pictures have srcset
		}
		for _, v := range a.pre {
			for _, one := range addressesOf(a, v) {
				if t.name == "track" && isForeign(one) {
					c.tagFault(RuleForeign, t, fmt.Sprintf("subtitles of another host, which browsers block: %s", one), "put the file under static")
					return
				}
				c.openSource(a, sources, one)
			}
		}
	}
}

// addressesOf splits the candidates of a srcset.
func addressesOf(a *attr, v string) []string {
	if a.name != "srcset" && a.name != "imagesrcset" {
		return []string{decoded(v)}
	}
	var all []string
	for _, one := range strings.Split(decoded(v), ",") {
		if f := strings.Fields(one); len(f) > 0 {
			all = append(all, f[0])
		}
	}
	return all
}
