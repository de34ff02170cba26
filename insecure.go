package merlon

import (
	"context"
	"fmt"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/page"
)

// checkInsecure lists each guard that was opened by name, with its reason.
func (s *Site) checkInsecure(context.Context) (found []check.Finding) {
	for _, rt := range s.routes {
		note := func(what, reason string) {
			found = append(found, RuleInsecure.Finding(rt.where, fmt.Sprintf("route %q %s: %q", rt.id(), what, reason), "keep it only while the reason holds"))
		}
		if rt.opt.noToken != nil && rt.pattern != header.ReportPath {
			note("takes posts without a token", *rt.opt.noToken)
		}
		if rt.opt.streaming != nil {
			note("holds connections without a deadline", *rt.opt.streaming)
		}
		for _, e := range rt.opt.embeddable {
			note("may be framed by "+e.origin, e.reason)
		}
	}
	for _, one := range page.Sanitisers() {
		if one != ownMarkup {
			found = append(found, RuleInsecure.Finding(one.Where(), fmt.Sprintf("texts are printed as raw HTML: %q", one.Reason()), "keep it only while the reason holds"))
		}
	}
	for _, o := range check.Openings() {
		found = append(found, RuleInsecure.Finding(o.Where, o.What, "keep it only while the reason holds"))
	}
	if s.pages != nil {
		for _, p := range s.pages.Pages() {
			if p == page.Declared(stalePage) {
				continue // the site's own, written by room form
			}
			facts := s.pages.Facts(p)
			if facts == nil {
				continue // it does not compile: told elsewhere
			}
			for _, raw := range facts.Raw {
				found = append(found, RuleInsecure.Finding(raw.Where, "the page prints "+raw.Value+" as raw HTML", "keep it only while its reason holds"))
			}
		}
	}
	return found
}

// checkScriptCookies lists the cookies that scripts may read. They are the program's: which of its sites sets one is not known.
func checkScriptCookies(context.Context) (found []check.Finding) {
	for _, c := range header.ScriptCookies() {
		found = append(found, header.RuleScriptCookie.Finding(c.Where(), fmt.Sprintf("scripts may read the cookie %s: %q", c.Name(), c.Reason()), "keep it only while the reason holds"))
	}
	return found
}

// judgeReasons tells of declarations of the program that open something and say nothing.
func (s *Site) judgeReasons() {
	for _, one := range page.Sanitisers() {
		s.needReason(one.Where(), "page.InsecureHTML", one.Reason())
	}
	for _, c := range header.ScriptCookies() {
		s.needReason(c.Where(), "header.InsecureScriptCookie", c.Reason())
	}
}

func (s *Site) needReason(where, what, reason string) {
	if strings.TrimSpace(reason) == "" {
		s.fault(RuleReason.Finding(where, what+" without a reason", "say why as the argument"))
	}
}
