package cli

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
)

// Who closes the site is told who can still come in: the page on which a second factor is set up is closed too.
func TestMaintenanceTellsOfTheSecondFactor(t *testing.T) {
	var out strings.Builder
	if err := tellMaintenance(&merlon.Call{Out: &out}, true); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "with a second factor that is set up already") {
		t.Errorf("it says %q", &out)
	}
}
