// Package cert is where a site's certificates come from: files of the owner's, an authority that speaks ACME, or in
// development an authority of this machine that can vouch for nothing but this machine.
//
// Each source is a [Source]; [Config] makes the TLS of a server of it: TLS 1.3, and of TLS 1.2 only what encrypts with a
// seal (AEAD) under a key that is made anew for each connection. The package opens no socket.
package cert

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
)

// A Source gives the certificate for a handshake. It is safe for concurrent use.
type Source interface {
	// Get returns the certificate for the name that the client asked for. Its error ends the handshake: there is no way on
	// without TLS.
	Get(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Protocols are those that the source needs beside HTTP.
	Protocols() []string
	// Leaves are the certificates that the source would give now, for the check of their age.
	Leaves(context.Context) []*x509.Certificate
}

// Config returns the TLS of a server. The suites are those that OWASP ASVS 5.0 11.3.2 and RFC 9325 4.2 leave of TLS 1.2;
// those of TLS 1.3 are all of this kind.
//
// Nobody gets a session ticket. In TLS 1.2 whoever steals the key that seals it reads, without any other key, what was said on
// connections that were resumed by it (RFC 9325 4.3); in TLS 1.3 a ticket is good for seven days, which crypto/tls cannot
// shorten, saves one signature, and tells who came before.
func Config(s Source) *tls.Config {
	return &tls.Config{
		SessionTicketsDisabled: true,
		GetCertificate:         s.Get,
		MinVersion:             tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		NextProtos: append([]string{"h2", "http/1.1"}, s.Protocols()...),
	}
}

// Age says whether a certificate is or will soon be refused by browsers: the finding of [RuleAge] when a third of its time
// or less is left (what renews it should have done so), of [RuleLate] from 14 days before its end on and again at 7, of
// [RuleEnded] on its last day, after it, and before it begins. Of certificates that live for days the times are shorter: a
// quarter, a sixth and a twelfth of their life.
func Age(leaf *x509.Certificate, now time.Time) (check.Finding, bool) {
	name := "certificate"
	if len(leaf.DNSNames) > 0 {
		name = "certificate of " + leaf.DNSNames[0]
	}
	const renew = "renew it; with ACME look into the log for why it was not"
	left := leaf.NotAfter.Sub(now)
	switch StageOf(leaf, now) {
	case NotYet:
		return RuleEnded.Finding(name, "not valid before "+leaf.NotBefore.UTC().Format(time.RFC3339), "set this machine's clock, or wait"), true
	case Ended:
		return RuleEnded.Finding(name, "ended "+leaf.NotAfter.UTC().Format(time.RFC3339), renew), true
	case LastDay:
		return RuleEnded.Finding(name, fmt.Sprintf("ends in %s", left.Round(time.Minute)), renew+", today"), true
	case Week:
		return RuleLate.Finding(name, fmt.Sprintf("ends in %d days, within a week", int(left/day)), renew+" now"), true
	case Fortnight:
		return RuleLate.Finding(name, fmt.Sprintf("ends in %d days", int(left/day)), renew), true
	case Third:
		return RuleAge.Finding(name, fmt.Sprintf("ends in %d days: two thirds of its time are over", int(left/day)), "see that it is renewed"), true
	}
	return check.Finding{}, false
}

const day = 24 * time.Hour

// A Stage is how near a certificate's end is. Each is told once.
type Stage string

// The stages of [StageOf], for certificates of ninety days and more.
const (
	Young     Stage = ""
	Third     Stage = "a third is left"
	Fortnight Stage = "14 days are left"
	Week      Stage = "7 days are left"
	LastDay   Stage = "1 day is left"
	Ended     Stage = "it has ended"
	NotYet    Stage = "it is not valid yet"
)

// StageOf returns the stage of a certificate. Of those that live for days the times are shorter: see [Age].
func StageOf(leaf *x509.Certificate, now time.Time) Stage {
	left, life := leaf.NotAfter.Sub(now), leaf.NotAfter.Sub(leaf.NotBefore)
	switch {
	case now.Before(leaf.NotBefore):
		return NotYet
	case left <= 0:
		return Ended
	case left <= min(day, life/12):
		return LastDay
	case left <= min(7*day, life/6):
		return Week
	case left <= min(14*day, life/4):
		return Fortnight
	case left <= life/3:
		return Third
	}
	return Young
}

// Checks returns the checks of the ages of a source's certificates, and of those that an authority has not given ([ACME.Lacks]).
func Checks(s Source, clock func() time.Time) (all []check.Check) {
	for _, rule := range []check.Rule{RuleAge, RuleLate, RuleEnded} {
		all = append(all, check.Check{Rule: rule, Run: func(ctx context.Context) (found []check.Finding) {
			for _, leaf := range s.Leaves(ctx) {
				if f, ok := Age(leaf, clock()); ok && f.ID == rule.ID {
					found = append(found, f)
				}
			}
			return found
		}})
	}
	return append(all, check.Check{Rule: RuleACME, Run: func(ctx context.Context) []check.Finding {
		if a, asks := s.(*ACME); asks {
			return a.Lacks(ctx)
		}
		return nil
	}})
}

// NameCheck returns the check that one of a source's certificates names each host. Of [ACME], which asks for the names itself,
// nothing is found: the check of MRL-CERT-005 says what it does not get.
func NameCheck(s Source, hosts []string) check.Check {
	return check.Check{Rule: RuleNames, Run: func(ctx context.Context) (found []check.Finding) {
		if _, asks := s.(*ACME); asks {
			return nil
		}
		leaves := s.Leaves(ctx)
		var names []string
		for _, leaf := range leaves {
			names = append(names, leaf.DNSNames...)
			for _, ip := range leaf.IPAddresses {
				names = append(names, ip.String())
			}
		}
		for _, host := range hosts {
			if !slices.ContainsFunc(leaves, func(leaf *x509.Certificate) bool { return leaf.VerifyHostname(host) == nil }) {
				found = append(found, RuleNames.Finding("tls.cert", fmt.Sprintf("the certificate does not name %s; it names %s", host, cmp.Or(strings.Join(names, ", "), "no host")),
					"get a certificate that names "+host+", or mend the site's hosts in the settings"))
			}
		}
		return found
	}}
}
