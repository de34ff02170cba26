package csrf_test

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/csrf"
)

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range csrf.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
		if seen[r.ID] || !strings.HasPrefix(r.ID, "MRL-CSRF-") {
			t.Errorf("%s: given twice or of another room", r.ID)
		}
		seen[r.ID] = true
		if n := strings.Count(r.Explain(), "\n"); n > 40 {
			t.Errorf("%s: Explain has %d lines, want at most 40", r.ID, n)
		}
	}
	for _, reason := range []csrf.Reason{
		csrf.NoProof, csrf.CrossSite, csrf.Contradiction, csrf.Duplicate, csrf.UnknownValue, csrf.Destination, csrf.NotLinkable, csrf.Framed,
	} {
		id := reason.Rule().ID
		if !seen[id] {
			t.Errorf("reason %s: rule %s is not listed, or is the rule of another reason", reason, id)
		}
		delete(seen, id)
	}
}
