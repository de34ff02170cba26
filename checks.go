package merlon

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/outbound/mail"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/static"
	"github.com/merlon-web/merlon/throttle"
	"github.com/merlon-web/merlon/trust"
)

// AllRules returns the rules of this room and of every room below it: what `explain` knows of each site.
func AllRules() []check.Rule {
	var all []check.Rule
	for _, rules := range [][]check.Rule{Rules(), csrf.Rules(), db.Rules(), form.Rules(), header.Rules(), journal.Rules(), keyring.Rules(),
		mail.Rules(), mailbox.Rules(), page.Rules(), password.Rules(), session.Rules(), static.Rules(), throttle.Rules(), trust.Rules()} {
		all = append(all, rules...)
	}
	return all
}

// Check runs every check of the site and its parts, also when the site is not sound: what [New] found is in the report.
func (s *Site) Check(ctx context.Context) check.Report {
	all := slices.Clone(s.checks)
	for _, f := range s.statics {
		all = append(all, f.Checks()...)
	}
	if p, err := s.newTrust(); err == nil {
		all = append(all, p.Checks()...)
	}
	if h := s.House(); h != nil { // what can only be seen with the data open
		all = append(all, h.Keys.Checks(h.Clock)...)
		all = append(all, h.Sessions.Checks()...)
		all = append(all, h.Mails.Checks(h.Engine)...)
		all = append(all, h.jobChecks()...)
		all = append(all, journal.Checks(h.Engine, h.Clock)...)
	}
	return oncePerRule(check.Run(ctx, all...))
}

// oncePerRule joins what several rooms or files looked for under one rule: it passed when all of them found nothing. The
// report is sorted by id.
func oncePerRule(report check.Report) check.Report {
	joined := report[:0]
	for _, r := range report {
		if n := len(joined); n > 0 && joined[n-1].Rule.ID == r.Rule.ID {
			joined[n-1].Findings = append(slices.Clip(joined[n-1].Findings), r.Findings...)
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

// addChecks makes a check of each rule that New judges, so that a report says what passed.
func (s *Site) addChecks() {
	found := map[string][]check.Finding{}
	for _, f := range s.faults {
		found[f.ID] = append(found[f.ID], f)
	}
	for _, r := range AllRules() {
		if judged[r.ID] || len(found[r.ID]) > 0 {
			s.checks = append(s.checks, check.Check{Rule: r, Run: func(context.Context) []check.Finding { return found[r.ID] }})
		}
	}
}

// judged are the rules of this room that New looks at for every site.
var judged = map[string]bool{RuleName.ID: true, RuleRoute.ID: true, RuleAccess.ID: true, RuleInline.ID: true, RuleReason.ID: true,
	RuleRowForm.ID: true, RulePageForm.ID: true, RuleLink.ID: true, RuleLoad.ID: true, RuleForgotten.ID: true, RuleSettings.ID: true,
	RuleOption.ID: true, RulePart.ID: true, RuleTexts.ID: true}

// roomChecks look at what New does not refuse: what was opened by name, and the place of the data.
func (s *Site) roomChecks() []check.Check {
	return []check.Check{
		{Rule: RuleInsecure, Run: s.checkInsecure},
		{Rule: header.RuleScriptCookie, Run: checkScriptCookies},
		{Rule: RuleData, Run: s.checkData},
		{Rule: mail.RuleNoServer, Run: s.checkMail},
		{Rule: db.RuleNoLimit, Run: func(context.Context) []check.Finding {
			return s.unlimited
		}},
	}
}

func (s *Site) checkData(context.Context) []check.Finding {
	info, err := os.Stat(s.env.Data)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	path := filepath.Base(s.env.Data)
	return []check.Finding{RuleData.Finding(path, fmt.Sprintf("the folder has mode %04o", info.Mode().Perm()), "run: chmod 700 "+path)}
}

// Listening tells the site its address in development, so that links in mails and on the terminal name its port.
func (s *Site) Listening(a net.Addr) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || s.env.Settings.Origin != "" || s.env.Mode == Production {
		return
	}
	host := "localhost"
	if s.name != "" {
		host = s.name + ".localhost"
	}
	o := fmt.Sprintf("http://%s:%d", host, tcp.Port)
	s.origin.Store(&o)
}

// Ready asks the parts what to say when the site listens: lines of a name and a text.
func (s *Site) Ready(ctx context.Context) ([][2]string, error) {
	return s.ask(ctx, func(p Part) func(context.Context, *House) ([][2]string, error) { return p.Ready })
}

// Demo has the parts fill in data to try the site with.
func (s *Site) Demo(ctx context.Context) ([][2]string, error) {
	return s.ask(ctx, func(p Part) func(context.Context, *House) ([][2]string, error) { return p.Demo })
}

// HasDemo reports whether a part has data to try the site with.
func (s *Site) HasDemo() bool {
	return slices.ContainsFunc(s.cfg.Parts, func(p Part) bool { return p.Demo != nil })
}

func (s *Site) ask(ctx context.Context, which func(Part) func(context.Context, *House) ([][2]string, error)) (all [][2]string, err error) {
	h := s.House()
	if h == nil {
		return nil, fmt.Errorf("merlon: the site was not started: its parts have no database yet; call Start before")
	}
	for _, p := range s.cfg.Parts {
		if f := which(p); f != nil {
			lines, err := f(ctx, h)
			if err != nil {
				return all, fmt.Errorf("merlon: part %s: %w", p.Name, err)
			}
			all = append(all, lines...)
		}
	}
	return all, nil
}
