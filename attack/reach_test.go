package attack

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/merlon-web/merlon"
)

// TestReached: a route is reached by whichever request got through to it, and is told apart from one that refused all and
// from one that nothing led to.
func TestReached(t *testing.T) {
	origin, err := url.Parse(siteOrigin)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{t: &target{origin: origin, signIn: "/sign-in"}, seen: map[string]bool{}, report: &Report{}, site: &sight{patterns: map[string]bool{}, asked: map[string]bool{}}}
	for _, c := range []struct {
		method, pattern, path string
		answers               []*answer
		told                  string
	}{
		{"GET", "/crawled", "", nil, ""},
		{"GET", "/seen/{id}", "/seen/7?q=x", []*answer{{status: 404}, {status: 200}}, ""},
		{"POST", "/typed", "/typed", []*answer{{status: 422}}, ""},
		{"POST", "/fails", "/fails", []*answer{{status: 500}}, ""},
		{"POST", "/found", "", nil, ""},
		{"any", "/plain/", "/plain/x/y", []*answer{{status: 200}}, ""},
		{"POST", "/shut", "/shut", []*answer{{status: 403}, {status: 429}}, "route POST /shut: every request was refused"},
		{"GET", "/mine", "/mine", []*answer{{status: 303, header: http.Header{"Location": {"/sign-in?next=%2Fmine"}}}}, "route GET /mine: every request was refused"},
		{"POST", "/seen/{id}", "", nil, "route POST /seen/{id}: no page or form led there"},
	} {
		r.t.routes = append(r.t.routes, merlon.RouteInfo{Method: c.method, Pattern: c.pattern})
		if c.told != "" {
			r.report.Coverage.NotReached = append(r.report.Coverage.NotReached, c.told)
		}
		for _, ans := range c.answers {
			if ans.header == nil {
				ans.header = http.Header{}
			}
			method := c.method
			if method == "any" {
				method = "GET"
			}
			r.answered(&Request{Method: method, Path: c.path}, ans)
		}
	}
	want := r.report.Coverage.NotReached
	r.report.Coverage.NotReached = nil
	r.site.patterns["GET /crawled"] = true
	r.hit(RuleMarkup, "POST /found", nil, &actor{role: "anonymous"}, "x")
	r.count()
	if got := r.report.Coverage; !slices.Equal(got.NotReached, want) || got.Routes != 9 || got.Reached != 6 {
		t.Errorf("%d of %d routes are reached, not:\n%q\nwant\n%q", got.Reached, got.Routes, got.NotReached, want)
	}
}
