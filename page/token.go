package page

import (
	"fmt"
	"strings"
	"text/template/parse"
)

const (
	tokenFn   = "token"
	tokenAttr = "data-merlon-token"
)

// tokenFunction compiles {{token "/votes"}}: the token with which a script of the page posts to that route. It stands alone
// in an attribute that no browser sends anywhere: not in a link, not in a field of a form, which may be one that asks by GET
// and shows it in the address.
func (c *compiler) tokenFunction(path *expr, pos parse.Pos) *expr {
	if path.word == nil || !strings.HasPrefix(*path.word, "/") || strings.HasPrefix(*path.word, "//") || strings.ContainsAny(*path.word, "?#{} ") {
		c.fault(RuleToken, pos, "token with a path that is no constant path of this site", `write it in the page: {{token "/votes"}}`)
		return nil
	}
	return &expr{fields: &fieldCall{fn: tokenFn, name: *path.word}, src: fmt.Sprintf("token %q", *path.word)}
}

func (c *compiler) printToken(path string, pos parse.Pos) {
	a := c.h.attr
	if c.h.mode != inValue || a.name != tokenAttr || a.many || len(a.pre) != 1 || a.pre[0] != "" {
		c.fault(RuleToken, pos, fmt.Sprintf("token %q elsewhere than alone in %s", path, tokenAttr), fmt.Sprintf(`write <div %s="{{token %q}}"> and read it in the script: element.dataset.merlonToken`, tokenAttr, path))
		return
	}
	c.hole()
	at := len(c.facts.Tokens)
	c.facts.Tokens = append(c.facts.Tokens, TokenFact{position(c.file, int(pos)), path})
	c.facts.HasForm = true
	c.facts.Policy.Connect.Self = true // what the token is for: nothing else on a page lets its scripts fetch
	where := position(c.file, int(pos))
	c.out.do(func(f *frame, dst []byte) []byte {
		t, ok := f.env.render.Tokens.(RouteTokens)
		if !ok {
			panic(failure{where, "the page has a {{token}}, and its Tokens have no AppendToken; implement page.RouteTokens"})
		}
		return t.AppendToken(dst, at) // base64url: nothing to escape
	})
}
