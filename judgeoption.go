package merlon

import (
	"fmt"
	"net/http"
)

// judgeOptions tells of options that change nothing on the route that they stand at: whoever wrote one believes that it
// does. What each of them means for a route of another kind is nothing at all, never something weaker.
func (s *Site) judgeOptions(rt *route) {
	o := &rt.opt
	get, mount := rt.method == http.MethodGet, rt.method == ""
	for _, one := range []struct {
		name  string
		given bool
		fits  bool
		where string // which routes it is for
	}{
		{"OwnLinksOnly", o.ownLinks, get, "it is for pages, which merlon.Get declares"},
		{"Primary", o.primary, get, "all but pages, which merlon.Get declares, read from the primary anyhow"},
		{"Embeddable", len(o.embeddable) > 0, get, "it is for pages, which merlon.Get declares; a mounted handler sets its own headers"},
		{"InsecureNoToken", o.noToken != nil, !get, "a GET is never asked for a token"},
		{"InsecureStreaming", o.streaming != nil, mount, "it is for handlers that merlon.Mount hangs in"},
		{"MaxBody", o.bodySet, !get, "a GET has no body"},
		{"JSONBody", o.json, rt.method == http.MethodPost, "it is for merlon.Post and merlon.PostAfter"},
		{"JSONErrors", o.jsonErrors, get, "it is for merlon.Get; merlon.JSONBody brings it for what is posted"},
		{"MaxBody beside InsecureStreaming", o.bodySet && !get, o.streaming == nil, "what streams is not bounded"},
	} {
		if one.given && !one.fits {
			s.fault(RuleOption.Finding(rt.where, fmt.Sprintf("route %q has the option %s, which changes nothing there", rt.id(), one.name), "take it away: "+one.where))
		}
	}
	if rt.spec != nil && rt.spec.HasSealed() {
		s.fault(RuleOption.Finding(rt.where, fmt.Sprintf("route %q takes %s, which has a sealed field, and a site has no sealer: the page would not print it, and no post would be taken", rt.id(), rt.spec.Type()),
			"keep the value in the session (session.NewKey), or name it in the path and look in the handler whose it is"))
	}
	if rt.spec != nil && rt.spec.HasUpload() && o.json {
		s.fault(RuleOption.Finding(rt.where, fmt.Sprintf("route %q takes %s as JSON, which has no files", rt.id(), rt.spec.Type()), "take JSONBody away: a script sends files by FormData, as a form does"))
	}
	if o.bodySet && o.maxBody < 1 {
		s.fault(RuleOption.Finding(rt.where, fmt.Sprintf("route %q has a largest body of %d bytes", rt.id(), o.maxBody), "name the largest body in bytes: merlon.MaxBody(64 << 10)"))
	}
}
