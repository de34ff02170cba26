package backup

import (
	"strings"
	"testing"
)

// The page for load balancers has a line of a drill that failed, until one passes.
func TestAFailedDrillIsToldBelowReady(t *testing.T) {
	s := newTestSite(t, false)
	line := func(drill string) string {
		t.Helper()
		st := s.state()
		st.Drill, st.DrillAt = drill, s.site.House().Clock()
		s.keep(st)
		var all []string
		for _, p := range s.site.Parts() {
			if p.Readiness != nil {
				all = append(all, p.Readiness(t.Context(), s.site.House())...)
			}
		}
		return strings.Join(all, "\n")
	}
	for _, c := range []struct{ drill, says string }{{"", ""}, {"pass", ""}, {"fail", "failed: read why in its evidence, data/drills, and mend that: then run drill"}, {"pass", ""}} {
		if got := line(c.drill); (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("after a drill that ended with %q: %q", c.drill, got)
		}
	}
}
