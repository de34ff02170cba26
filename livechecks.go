package merlon

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/throttle"
)

// lateJob is how long a job may be due before [RuleJobLate] is found.
const lateJob = time.Hour

var jobNames = db.Query[struct{ Name string }](schema, `SELECT DISTINCT name FROM merlon_job WHERE state = 'waiting' ORDER BY name LIMIT 200`)

// jobChecks say how many jobs were given up, wait for long, or are unknown to this program.
func (h *House) jobChecks() []check.Check {
	count := func(rule check.Rule, state string, before time.Duration, what, do string) check.Check {
		return check.Check{Rule: rule, Run: func(ctx context.Context) []check.Finding {
			r := h.Engine.Read(ctx)
			defer r.Close()
			n, err := countJobs.One(r, state, h.Clock().Add(-before).UnixMicro())
			if err != nil {
				return []check.Finding{rule.Finding("", "the jobs could not be counted: "+err.Error(), "migrate the database, then check again")}
			}
			if n.N == 0 {
				return nil
			}
			return []check.Finding{rule.Finding("", fmt.Sprintf("%d jobs %s", n.N, what), do)}
		}}
	}
	return []check.Check{
		count(RuleJobGivenUp, "given up", 0, "were given up", "run: jobs list"),
		count(RuleJobLate, "waiting", lateJob, "are due for more than an hour", "let the site serve, and see its log; then: jobs list"),
		{Rule: RuleJobUnknown, Run: h.unknownJobs},
	}
}

func (h *House) unknownJobs(ctx context.Context) []check.Finding {
	r := h.Engine.Read(ctx)
	defer r.Close()
	names, err := jobNames.All(r)
	if err != nil {
		return []check.Finding{RuleJobUnknown.Finding("", "the jobs could not be read: "+err.Error(), "migrate the database, then check again")}
	}
	var unknown []string
	for _, n := range names {
		if h.site.jobs[n.Name] == nil {
			unknown = append(unknown, n.Name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return []check.Finding{RuleJobUnknown.Finding("", "waiting, and unknown to this program: "+strings.Join(unknown, ", "), "list their kinds in merlon.Config.Jobs, or run: jobs list, jobs drop ID")}
}

// alarmCheck says whether failed attempts run far above the usual rate just now.
func (h *House) alarmCheck() check.Check {
	return check.Check{Rule: throttle.RuleAlarm, Deploy: true, Run: func(context.Context) []check.Finding {
		if !h.Limits.Alarmed() {
			return nil
		}
		return []check.Finding{throttle.RuleAlarm.Finding("", "they do now", "see who tries: events --outcome refused")}
	}}
}

// manyNameless is the number of requests from this machine itself from which [RuleNameless] is found: an owner's own tools ask
// less often.
const manyNameless = 100

// namelessCheck says whether the world comes from this machine.
func (h *House) namelessCheck() check.Check {
	return check.Check{Rule: RuleNameless, Deploy: true, Run: func(context.Context) []check.Finding {
		n := h.site.running.Load().nameless.Load()
		if n < manyNameless {
			return nil
		}
		return []check.Finding{RuleNameless.Finding(setting.Proxies.String(), fmt.Sprintf("%d requests since the start came from this machine itself", n),
			"name the proxy there, and what it writes in "+setting.ClientHeader.String()+"; if they are your own tools, nothing is wrong")}
	}}
}

// storeChecks are those that the engine brings, or ask it for damage, where it can look.
func (h *House) storeChecks() []check.Check {
	if checker, ok := h.site.cfg.Engine.(db.Checker); ok {
		return checker.Checks()
	}
	inspector, ok := h.site.cfg.Engine.(db.Inspector)
	if !ok {
		return nil
	}
	look := func(rule check.Rule, look func(context.Context) ([]string, error), do string) check.Check {
		return check.Check{Rule: rule, Deploy: true, Run: func(ctx context.Context) (found []check.Finding) {
			told, err := look(ctx)
			if err != nil {
				told = append(told, err.Error())
			}
			for _, what := range told {
				found = append(found, rule.Finding(h.site.cfg.Engine.Name(), what, do))
			}
			return found
		}}
	}
	return []check.Check{
		look(db.RuleDamaged, inspector.Damage, "stop the site, keep a copy of the file, and restore the newest backup"),
		look(db.RuleOrphan, inspector.Orphans, "find out what wrote the rows, then mend or delete them"),
	}
}
