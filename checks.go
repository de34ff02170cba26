package merlon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/check/build"
	"github.com/merlon-web/merlon/check/host"
	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/outbound/mail"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/static"
	"github.com/merlon-web/merlon/throttle"
	"github.com/merlon-web/merlon/trust"
	"github.com/merlon-web/merlon/trust/cert"
	"github.com/merlon-web/merlon/trust/wire"
)

// AllRules returns the rules of this room and of every room below it: what `explain` knows of each site.
func AllRules() []check.Rule {
	var all []check.Rule
	for _, rules := range [][]check.Rule{Rules(), build.Rules(), csrf.Rules(), db.Rules(), file.Rules(), form.Rules(), header.Rules(), host.Rules(), journal.Rules(), keyring.Rules(),
		mail.Rules(), mailbox.Rules(), page.Rules(), password.Rules(), session.Rules(), static.Rules(), throttle.Rules(), trust.Rules(), cert.Rules(), wire.Rules()} {
		all = append(all, rules...)
	}
	return all
}

// Checks returns every check that can be run now: those of the code always, also when the site is not sound, and those of
// the data between [Site.Start] and [Site.Close].
func (s *Site) Checks() []check.Check {
	h := s.House()
	all := slices.DeleteFunc(slices.Clone(s.checks), func(c check.Check) bool { return c.Live && h == nil })
	for _, f := range s.statics {
		all = append(all, f.Checks()...)
	}
	all = append(append(append(all, host.Checks(s.env.Data)...), build.Checks()...), s.certificateChecks()...)
	if h == nil {
		return all
	}
	if s.cfg.Stores != nil && s.env.Mode != Drill {
		all = append(all, s.cfg.Stores.Checks()...)
	}
	for _, live := range [][]check.Check{checksAsSet(s.running.Load().trust.Checks()), h.storeChecks(), {h.alarmCheck(), h.namelessCheck()}, h.Keys.Checks(h.Clock), h.Sessions.Checks(), h.Mails.Checks(h.Engine), h.jobChecks(),
		journal.Checks(h.Engine, h.Clock)} {
		for _, c := range live {
			if c.Live = true; !slices.Contains(neverHere, c.Rule.ID) {
				all = append(all, c)
			}
		}
	}
	return all
}

// Check runs the checks that hold in development too, also when the site is not sound: what [New] found is in the report.
func (s *Site) Check(ctx context.Context) check.Report {
	return check.Run(ctx, check.Choice{}.Of(s.Checks())...).Joined()
}

// CheckDeploy runs every check: what is found with severity [check.High] must not go into the world.
func (s *Site) CheckDeploy(ctx context.Context) check.Report {
	return check.Run(ctx, check.Choice{Deploy: true}.Of(s.Checks())...).Joined()
}

// CheckLive runs those of the chosen checks that are about this process and the data that it has open: what the process
// that serves answers to `check` in another one.
func (h *House) CheckLive(ctx context.Context, c check.Choice) check.Report {
	live := slices.DeleteFunc(c.Of(h.site.Checks()), func(one check.Check) bool { return !one.Live })
	return check.Run(ctx, live...).Joined()
}

// addChecks makes a check of each rule that New judges, so that a report says what passed.
func (s *Site) addChecks() {
	found := map[string][]check.Finding{}
	for _, f := range s.faults {
		found[f.ID] = append(found[f.ID], f)
	}
	for _, r := range AllRules() {
		if isJudged(r.ID) || r.ID == db.RuleCalled.ID && s.called || len(found[r.ID]) > 0 {
			s.checks = append(s.checks, check.Check{Rule: r, Run: func(context.Context) []check.Finding {
				if err := s.unproven.Load(); err != nil && r.ID == db.RulePrepare.ID { // until the start proves them
					return append(slices.Clone(found[r.ID]), db.RulePrepare.Finding("", "the statements were not proven: "+(*err).Error(), "start the database's server; the site proves them before it serves"))
				}
				return found[r.ID]
			}})
		}
	}
}

// judged are the rules that New looks at for every site, by room: those of requests and of a running site are none.
var judged = map[string]string{
	"SITE": "001 002 004 005 006 007", "ROUTE": "001 002 003 004 005 006 010 011 013 014 015", "TEXT": "001",
	"FORM": "001 002 003 004 005 006 007 008 009 010",
	"PAGE": `001 002 003 004 005 006 007 008 009 010 011 012 013 014 015 016 017 018 019 022 023 024 025
		030 031 032 033 034 035 036 037 038 039 040 041 042 043 044 045 046 047 048 049 050 051 052 053 054 055 056 057 058 060`,
	"SQL":    "002 003 004 005 006 007 008 009 010 011 012 018 022 030",
	"STATIC": "001 002 004 006", "HDR": "007 008",
	"TRUST": "011 012 013", "SMTP": "001 002 003 004",
}

func isJudged(id string) bool {
	room, number, _ := strings.Cut(strings.TrimPrefix(id, "MRL-"), "-")
	return slices.Contains(strings.Fields(judged[room]), number)
}

// neverHere are checks of rooms that a site cannot fail, since it does not let anybody choose: its keys lie in a file, and
// its sessions live as long as is recommended.
var neverHere = []string{keyring.RuleMemory.ID, session.RuleLifetime.ID}

// roomChecks look at what New does not refuse: what was opened by name, and the place of the data.
func (s *Site) roomChecks() []check.Check {
	own := []check.Check{
		{Rule: RuleInsecure, Run: s.checkInsecure},
		{Rule: header.RuleScriptCookie, Run: checkScriptCookies},
		{Rule: RuleData, Run: s.checkData},
		{Rule: RuleJob, Run: func(context.Context) []check.Finding { return s.unlisted() }},
		{Rule: mail.RuleNoServer, Deploy: true, Run: s.checkMail},
		{Rule: db.RuleNoLimit, Run: func(context.Context) []check.Finding {
			return s.unlimited
		}},
	}
	return slices.Concat(own, s.routeChecks(), s.deployChecks(), s.codeChecks())
}

// codeChecks are those of the parts that look at the site's own code.
func (s *Site) codeChecks() (all []check.Check) {
	var own []db.Declared
	if s.cfg.Schema != nil {
		own = s.cfg.Schema.Statements()
	}
	for _, p := range s.cfg.Parts {
		if p.CodeChecks != nil {
			all = append(all, p.CodeChecks(own)...)
		}
	}
	return all
}

// checkData judges a folder that has the site's keys: without them it may be anybody's.
func (s *Site) checkData(context.Context) []check.Finding {
	if _, err := os.Lstat(filepath.Join(s.env.Data, "keys")); err != nil {
		return nil
	}
	info, err := os.Stat(s.env.Data)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	path := filepath.Base(s.env.Data)
	return []check.Finding{RuleData.Finding(path, fmt.Sprintf("the folder has mode %04o", info.Mode().Perm()), "run: chmod 700 "+path)}
}

// Listening tells the site its address in development, so that links in mails and on the terminal name its port.
func (s *Site) Listening(a net.Addr) { s.listening(a, "http") }

// ListeningTLS is [Site.Listening] for a listener with TLS.
func (s *Site) ListeningTLS(a net.Addr) { s.listening(a, "https") }

func (s *Site) listening(a net.Addr, scheme string) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || s.env.Settings.Origin != "" || s.env.Mode == Production {
		return
	}
	host := "localhost"
	if s.name != "" {
		host = s.name + ".localhost"
	}
	o := fmt.Sprintf("%s://%s:%d", scheme, host, tcp.Port)
	s.origin.Store(&o)
}

// Ready asks the parts what to say when the site listens: lines of a name and a text.
func (s *Site) Ready(ctx context.Context) ([][2]string, error) {
	return s.ask(ctx, func(p Part) func(context.Context, *House) ([][2]string, error) { return p.Ready })
}

// Demo has the parts fill in data to try the site with. The data folder is marked: production refuses it ([RuleDemo]).
func (s *Site) Demo(ctx context.Context) ([][2]string, error) {
	was, err := s.readMark(demoFile)
	if err != nil {
		return nil, err
	}
	if was == nil { // before anything is filled in: what is ended in the midst of it is marked too
		if err := s.markDemo(nil); err != nil {
			return nil, err
		}
	}
	lines, err := s.ask(ctx, func(p Part) func(context.Context, *House) ([][2]string, error) { return p.Demo })
	switch {
	case len(lines) > 0: // also of a part that filled its data in before another one failed
		err = errors.Join(err, s.markDemo(lines))
	case err == nil && was == nil: // nothing was
		err = os.Remove(filepath.Join(s.env.Data, demoFile))
	}
	s.demo.Store(err == nil && (was != nil || len(lines) > 0))
	return lines, err
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
