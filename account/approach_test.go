package account_test

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/merlontest"
)

// TestApproachesOnCopiesOnly: what the attacker of a site makes users by, and takes the administrator's role away by, does nothing
// on data that is somebody's.
func TestApproachesOnCopiesOnly(t *testing.T) {
	s := merlontest.Start(t, factors)
	n := 0
	for _, p := range s.Site.Parts() {
		for _, way := range p.Approaches {
			n++
			if _, err := way.Go(t.Context(), s.Site.House(), nil); err == nil || !strings.Contains(err.Error(), "only in a copy of the data") {
				t.Errorf("%s: %v", way.Name, err)
			}
		}
	}
	if n == 0 {
		t.Error("there are none")
	}
}
