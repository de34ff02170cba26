package merlon

import (
	"context"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/trust"
)

// deployChecks look at the settings with which a site goes into the world.
func (s *Site) deployChecks() []check.Check {
	all := []check.Check{
		{Rule: RuleNoOrigin, Run: s.checkOrigin},
		{Rule: RulePlainOrigin, Run: s.checkScheme},
		{Rule: RuleHostMissing, Run: s.checkHostMissing},
		{Rule: RuleHostLocal, Run: s.checkHostLocal},
		{Rule: RuleSender, Run: s.checkSender},
		{Rule: RuleWideProxy, Run: s.checkWideProxy},
		{Rule: RuleNumberOrigin, Run: s.checkNumber},
		{Rule: RuleDemo, Run: s.checkDemo},
		{Rule: file.RuleField, Run: s.checkFields},
		{Rule: RuleNoName, Run: func(context.Context) []check.Finding {
			if s.name != "" {
				return nil
			}
			return []check.Finding{RuleNoName.Finding("Config.Name", "it is empty", `give it one: Name: "shop"`)}
		}},
	}
	for i := range all {
		all[i].Deploy = true
	}
	return all
}

// publicHost is the host of Settings.Origin, "" without one.
func (s *Site) publicHost() string {
	u, err := url.Parse(s.env.Settings.Origin)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func (s *Site) checkOrigin(context.Context) []check.Finding {
	if s.env.Settings.Origin != "" {
		return nil
	}
	return []check.Finding{RuleNoOrigin.Finding(setting.Host.String(), "the site does not know its own address", `set it: site.host = "example.org", or site.origin = "https://example.org:8443"`)}
}

func (s *Site) checkScheme(context.Context) []check.Finding {
	if !strings.HasPrefix(s.env.Settings.Origin, "http://") {
		return nil
	}
	return []check.Finding{RulePlainOrigin.Finding(setting.Origin.String(), s.env.Settings.Origin+" is not encrypted", "give the site a certificate and write https://"+s.publicHost())}
}

func (s *Site) checkHostMissing(context.Context) []check.Finding {
	host := s.publicHost()
	if host == "" || len(s.env.Settings.Hosts) == 0 || slices.ContainsFunc(s.env.Settings.Hosts, func(h string) bool { return strings.EqualFold(bareHost(h), host) }) {
		return nil
	}
	return []check.Finding{RuleHostMissing.Finding(setting.Hosts.String(), fmt.Sprintf("%s is the site's address and is not among %s", host, strings.Join(s.env.Settings.Hosts, ", ")), "add it, or leave the others out")}
}

// bareHost is a host of the settings in ASCII, without a port.
func bareHost(h string) string {
	if u, err := url.Parse("//" + h); err == nil {
		return trust.ASCIIName(strings.TrimSuffix(u.Hostname(), "."))
	}
	return h
}

// localEnds are names that mean something else on every machine or network, or nothing (RFC 6761, RFC 6762).
var localEnds = []string{"localhost", "local", "test", "example", "invalid", "internal", "home.arpa", "onion"}

func (s *Site) checkHostLocal(context.Context) (found []check.Finding) {
	hosts, public := slices.Clone(s.env.Settings.Hosts), s.publicHost()
	if !slices.ContainsFunc(hosts, func(h string) bool { return bareHost(h) == public }) {
		hosts = append(hosts, public)
	}
	for _, h := range hosts {
		bare, where := bareHost(h), setting.Hosts
		if bare == public {
			where = setting.Host
		}
		if slices.ContainsFunc(localEnds, func(end string) bool { return bare == end || strings.HasSuffix(bare, "."+end) }) {
			found = append(found, RuleHostLocal.Finding(where.String(), fmt.Sprintf("%q is a name of this machine or network only", h), "take it out, or write the name that visitors type"))
		}
	}
	return found
}

func (s *Site) checkNumber(context.Context) []check.Finding {
	if _, err := netip.ParseAddr(s.publicHost()); err != nil {
		return nil
	}
	return []check.Finding{RuleNumberOrigin.Finding(setting.Host.String(), s.publicHost()+" is a number", "register a name, and write that")}
}

// checkSender compares registrable names by their ends: club@example.org may send for www.example.org, and the other way
// round; it knows no list of public suffixes.
func (s *Site) checkSender(context.Context) []check.Finding {
	from, err := mail.ParseAddress(s.env.Settings.Mail.From)
	host := strings.TrimPrefix(s.publicHost(), "www.")
	if err != nil || host == "" {
		return nil
	}
	_, domain, _ := strings.Cut(strings.ToLower(from.Address), "@")
	if domain == host || strings.HasSuffix(domain, "."+host) || strings.HasSuffix(host, "."+domain) {
		return nil
	}
	return []check.Finding{RuleSender.Finding(setting.MailFrom.String(), fmt.Sprintf("mails are from %s, and the site is %s", domain, host), "send from the site's domain")}
}

func (s *Site) checkWideProxy(context.Context) (found []check.Finding) {
	for _, p := range s.env.Settings.Proxies {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			continue // one address, or a fault that is told elsewhere
		}
		if least := map[bool]int{true: 24, false: 48}[prefix.Addr().Is4()]; prefix.Bits() < least {
			found = append(found, RuleWideProxy.Finding(setting.Proxies.String(), fmt.Sprintf("%s is a network of very many machines", p), "name the proxies' own addresses"))
		}
	}
	return found
}

// routeChecks look at what routes let in.
func (s *Site) routeChecks() []check.Check {
	return []check.Check{
		{Rule: RuleOpenAdmin, Run: s.checkOpenAdmin},
		{Rule: RuleOpenAct, Run: s.checkOpenAct},
		{Rule: RuleRoleShown, Run: s.checkRoles},
		{Rule: RuleRolesAlike, Run: s.checkAlike},
		{Rule: RuleVisitor, Run: s.checkVisitor},
		{Rule: RuleLargeBody, Run: func(context.Context) (found []check.Finding) {
			for _, rt := range s.routes {
				if rt.open() && rt.opt.maxBody > maxOpenBody {
					found = append(found, RuleLargeBody.Finding(rt.where, fmt.Sprintf("route %q takes %d MB from everybody", rt.id(), rt.opt.maxBody>>20), "lower MaxBody, or close the route"))
				}
			}
			return found
		}},
		{Rule: RuleOpenStream, Run: func(context.Context) (found []check.Finding) {
			for _, rt := range s.routes {
				if rt.open() && rt.opt.streaming != nil {
					found = append(found, RuleOpenStream.Finding(rt.where, fmt.Sprintf("route %q streams to everybody", rt.id()), "close the route, or let the handler end each connection"))
				}
			}
			return found
		}},
	}
}

// maxOpenBody is what everybody may send in one body without a word of check, in bytes.
const maxOpenBody = 16 << 20

// open reports whether everybody may come in by the route: its rule looks at no session.
func (r *route) open() bool { return r.access != nil && !r.access.session && len(r.access.needs) == 0 }

func (s *Site) checkOpenAdmin(context.Context) (found []check.Finding) {
	for _, rt := range s.routes {
		first, _, _ := strings.Cut(strings.TrimPrefix(rt.pattern, "/"), "/")
		if rt.open() && slices.Contains([]string{"admin", "administration", "manage", "management", "backend", "internal", "staff"}, first) {
			found = append(found, RuleOpenAdmin.Finding(rt.where, fmt.Sprintf("route %q is open to everybody", rt.id()), "say who may come in: account.HasRole(account.Admin)"))
		}
	}
	return found
}

func (s *Site) checkOpenAct(context.Context) (found []check.Finding) {
	closed := map[string]*route{}
	for _, rt := range s.routes {
		if rt.method == "GET" && rt.access != nil && !rt.open() {
			closed[rt.pattern] = rt
		}
	}
	for _, rt := range s.routes {
		page := closed[rt.pattern]
		if rt.method == "POST" && page != nil && rt.open() && rt.opt.noToken == nil {
			found = append(found, RuleOpenAct.Finding(rt.where, fmt.Sprintf("route %q is open to everybody, and its page asks for %q (%s)", rt.id(), page.access, page.where), "give both the same rule"))
		}
	}
	return found
}
