package backup

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/check"
)

// A drill fails over what check finds in the copy alone.
func TestFindingsOfTheSite(t *testing.T) {
	own := check.Faults{check.Rule{ID: "MRL-MAILBOX-004"}.Finding("", "7 mails wait", "")}
	for _, c := range []struct {
		found []string
		fails bool
		want  string
	}{{nil, false, "pass"}, {[]string{"MRL-MAILBOX-004"}, false, "pass, 1 findings that the site has too"}, {[]string{"MRL-MAILBOX-004", "MRL-JOB-005"}, true, "1 findings"}} {
		sent, e := &told{}, &Evidence{}
		for _, id := range c.found {
			sent.Findings = append(sent.Findings, toldFinding{id, id + ": of the copy"})
		}
		sent.disregard(own)
		err := e.compare(sent, &Inner{})
		if (err != nil) != c.fails || e.Checks.Check != c.want || err != nil && !strings.Contains(err.Error(), "MRL-JOB-005") {
			t.Errorf("%q: %v, %q", c.found, err, e.Checks.Check)
		}
	}
}
