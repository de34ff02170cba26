package merlon

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/trust/cert"
)

// ageTask looks each hour, so that the last day is not missed; each stage of a certificate is told once. A host that an authority has given
// none is told of when it had none an hour before either: a new site gets its certificates in minutes.
func (s *Site) ageTask() Task {
	before := s.lacking(context.Background())
	return Task{Name: "merlon/certificates", Every: time.Hour, Run: func(ctx context.Context, h *House) error {
		for _, leaf := range s.env.Certificates.Leaves(ctx) {
			if err := h.tellAge(ctx, leaf); err != nil {
				return err
			}
		}
		now := s.lacking(ctx)
		for where, found := range now {
			if _, lasts := before[where]; lasts {
				if err := h.tellLack(ctx, found); err != nil {
					return err
				}
			}
		}
		before = now
		return nil
	}}
}

// lacking are the findings of hosts without a certificate, by where they were found, where an authority is asked.
func (s *Site) lacking(ctx context.Context) map[string]check.Finding {
	a, asks := s.env.Certificates.(*cert.ACME)
	if !asks {
		return nil
	}
	all := map[string]check.Finding{}
	for _, f := range a.Lacks(ctx) {
		all[f.Where] = f
	}
	return all
}

// certificateChecks are those of the certificates that visitors are shown.
func (s *Site) certificateChecks() []check.Check {
	if s.env.Certificates == nil {
		return nil
	}
	all := cert.Checks(s.env.Certificates, s.clock)
	all = append(all, cert.NameCheck(s.env.Certificates, s.namedHosts()))
	for i := range all {
		all[i].Deploy = true
	}
	return all
}

// namedHosts are those that a certificate must name: that of the site's address, and the further ones that the world reaches.
func (s *Site) namedHosts() (hosts []string) {
	if public := s.publicHost(); public != "" {
		hosts = append(hosts, public)
	}
	for _, h := range s.env.Settings.Hosts {
		if bare := bareHost(h); header.PublicName(bare) && !slices.Contains(hosts, bare) {
			hosts = append(hosts, bare)
		}
	}
	return hosts
}

// tellAge makes an event and a mail of a certificate that is old, unless its stage was told: the journal knows, also after a
// restart.
func (h *House) tellAge(ctx context.Context, leaf *x509.Certificate) error {
	found, old := cert.Age(leaf, h.Clock())
	if !old {
		return nil
	}
	stage, serial := cert.StageOf(leaf, h.Clock()), leaf.SerialNumber.Text(16)
	r := h.Engine.Read(ctx)
	told, err := ageTold(r, found.ID, serial, stage, h.Clock())
	_ = r.Close()
	if err != nil || told {
		return err
	}
	name := h.Name
	if len(leaf.DNSNames) > 0 {
		name = leaf.DNSNames[0]
	}
	e := event.New(ageRule(found.ID), event.Failed, slog.String("certificate", found.Where), slog.String("serial", serial), slog.String("stage", string(stage)), slog.String("problem", found.What))
	// of a certificate that is not valid yet no mail: that is the clock's, and the mail would have the wrong date too
	return h.tellOwner(ctx, e, stage != cert.NotYet, "certificate.mail.age", name, leaf.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
}

// lackAgain is after what time a host that still has no certificate is told of once more: nobody reaches the site under it.
const lackAgain = 24 * time.Hour

// tellLack makes an event and a mail of a host without a certificate, unless the journal has one of the last day.
func (h *House) tellLack(ctx context.Context, found check.Finding) error {
	r := h.Engine.Read(ctx)
	entries, err := journal.List(r, journal.Filter{ID: found.ID, Since: h.Clock().Add(-lackAgain), Limit: 500})
	_ = r.Close()
	if err != nil {
		return err
	}
	for _, e := range entries {
		var d struct{ Certificate string }
		if json.Unmarshal(e.Detail, &d) == nil && d.Certificate == found.Where {
			return nil
		}
	}
	e := event.New(cert.RuleACME, event.Failed, slog.String("certificate", found.Where), slog.String("problem", found.What))
	return h.tellOwner(ctx, e, true, "certificate.mail.lack", strings.TrimPrefix(found.Where, "certificate of "), found.What)
}

// tellOwner records an event about a certificate, and writes to the owner of it: the texts' first word is the site's title.
func (h *House) tellOwner(ctx context.Context, e event.Event, mails bool, texts, name, more string) error {
	e.Time = h.Clock()
	h.Log.LogAttrs(ctx, e.Level(), e.Title, e.Attrs()...)
	h.site.happened(e)
	return h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		if err := journal.Append(w, e); err != nil {
			return err
		}
		to := h.site.env.Settings.Owner
		if to == "" || !mails {
			return nil
		}
		address, err := mailbox.ParseAddress(to)
		if err != nil {
			return fmt.Errorf("merlon: %s: %w", setting.Owner, err)
		}
		say := func(key string) string { return text.Own().Format(h.Lang(), texts+"."+key, h.Title, name, more) }
		return h.Mails.Queue(w, mailbox.Mail{To: address, Kind: "certificate", Lang: h.Lang(), Subject: say("subject"), Text: say("text")})
	})
}

// ageTold reports whether the journal has the stage of a certificate.
func ageTold(from db.Querier, id, serial string, stage cert.Stage, now time.Time) (bool, error) {
	entries, err := journal.List(from, journal.Filter{ID: id, Since: now.Add(-eventLife), Limit: 500})
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		var d struct{ Serial, Stage string }
		if json.Unmarshal(e.Detail, &d) == nil && d.Serial == serial && d.Stage == string(stage) {
			return true, nil
		}
	}
	return false, nil
}

func ageRule(id string) check.Rule {
	for _, r := range cert.Rules() {
		if r.ID == id {
			return r
		}
	}
	return cert.RuleAge
}
