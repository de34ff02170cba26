package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
)

// The rules of the room.
var (
	RuleBroken = check.Rule{
		ID: "MRL-JOURNAL-001", Property: check.Integrity, Severity: check.High,
		Title:  "the chain of events is broken",
		Why:    "somebody changed, deleted or inserted events after they were written",
		Attack: "Who got into the database deletes the traces of how.",
		Wrong:  "DELETE FROM merlon_event WHERE user_id = 7",
		Right:  "Treat it as an intrusion. events verify names the first broken link; compare with the backup before it, and with the\nlog, which has the same events. Old events are deleted by Purge, which leaves an anchor.",
		Source: "OWASP ASVS 5.0 16.4.2; NIST SP 800-92, 4.2",
	}
	RuleTail = check.Rule{
		ID: "MRL-JOURNAL-002", Property: check.Integrity, Severity: check.Medium,
		Title:  "events wait to be linked",
		Why:    "a row that is not linked can be changed without a trace",
		Attack: "Who can stop the chainer has time to remove what was recorded of it.",
		Right:  "One process of the site must run its chainer: every second, without being asked. See its errors in the log.",
		Source: "OWASP ASVS 5.0 16.4.2",
	}
	RulePurged = check.Rule{
		ID: "MRL-JOURNAL-003", Property: check.Integrity, Severity: check.Low,
		Title:  "old events were deleted",
		Why:    "what is deleted by the site itself leaves a record of where the chain goes on",
		Attack: "Deleting the oldest rows would leave no trace if the beginning of the chain could be moved silently.",
		Right:  "Nothing is to be done: the journal keeps events for the time that the site says.",
		Source: "OWASP ASVS 5.0 16.1.1, 14.2.7 (retention)",
	}
)

// Rules lists the rules of the room.
func Rules() []check.Rule { return []check.Rule{RuleBroken, RuleTail, RulePurged} }

// recent is how many links a check walks: the whole chain is for [Verify].
const recent = 1000

// Checks returns the room's checks: the last 1,000 links hold, and no event waits longer than a minute for its link.
func Checks(engine db.Engine, clock func() time.Time) []check.Check {
	look := func(ctx context.Context) (Result, error) {
		r := engine.Read(ctx)
		defer r.Close()
		c, err := getChain.One(r)
		if err != nil {
			c.HeadLink = 0
		}
		return verify(r, c.HeadLink-recent, nil)
	}
	return []check.Check{
		{Rule: RuleBroken, Run: func(ctx context.Context) []check.Finding {
			res, err := look(ctx)
			if err != nil {
				return []check.Finding{RuleBroken.Finding("", err.Error(), "migrate the database, then check again")}
			}
			if res.Broken == nil {
				return nil
			}
			return []check.Finding{RuleBroken.Finding("", fmt.Sprintf("link %d (row %d): %s", res.Broken.Link, res.Broken.Seq, res.Broken.Why), "run: events verify")}
		}},
		{Rule: RuleTail, Run: func(ctx context.Context) []check.Finding {
			res, err := look(ctx)
			if err != nil || res.Unlinked == 0 || clock().Sub(res.OldestUnlinked) < time.Minute {
				return nil // an error is the finding of the other check
			}
			return []check.Finding{RuleTail.Finding("", fmt.Sprintf("%d events wait to be linked, the oldest since %s", res.Unlinked, res.OldestUnlinked.Format(time.RFC3339)), "see why the chainer does not run in the log")}
		}},
	}
}
