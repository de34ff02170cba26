package merlon

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// A Gauge is one measure of how the site is now. Its names are constants of the program; what it is of is a state, a host
// of the settings, never a text of a visitor's.
type Gauge struct {
	Name  constant // merlon_mails
	Help  constant // one sentence, with the unit
	Label constant // state; "": there is one value
	Of    string   // queued
	Value float64
}

// A HealthPage is one for the machine that the site runs on, on the listener of /healthz, which is on loopback (see
// Part.Health). No visitor reaches it; it has no session.
type HealthPage struct {
	Path constant // /metrics
	Open func(*House) http.Handler
}

// HealthPage returns the page of the parts at a path, nil if there is none or the site was not started.
func (s *Site) HealthPage(path string) http.Handler {
	h := s.House()
	if h == nil {
		return nil
	}
	for _, p := range s.cfg.Parts {
		for _, l := range p.Health {
			if string(l.Path) == path {
				return l.Open(h)
			}
		}
	}
	return nil
}

// Gauges returns how the site is now: sessions, mails and jobs by state, the days that certificates have left, how the
// replicas of the database are, and what its parts tell. The error is of those that could not be read; the others are returned with it.
func (h *House) Gauges(ctx context.Context) ([]Gauge, error) {
	all, err := h.counts(ctx)
	if s := h.site.env.Certificates; s != nil {
		for _, leaf := range s.Leaves(ctx) {
			host := ""
			if len(leaf.DNSNames) > 0 {
				host = leaf.DNSNames[0]
			}
			all = append(all, Gauge{Name: "merlon_certificate_days_left", Help: "Days until the certificate ends.", Label: "host", Of: host,
				Value: float64(leaf.NotAfter.Sub(h.Clock())) / float64(24*time.Hour)})
		}
	}
	all = append(all, h.replicaGauges()...)
	for _, p := range h.site.cfg.Parts {
		if p.Gauges != nil {
			more, failed := p.Gauges(ctx, h)
			all, err = append(all, more...), errors.Join(err, failed)
		}
	}
	return all, err
}

// counts are those of the database, by one reader.
func (h *House) counts(ctx context.Context) (all []Gauge, err error) {
	r := h.Engine.Read(ctx)
	defer r.Close()
	sessions, err := h.Sessions.Count(r)
	if err == nil {
		all = append(all, Gauge{Name: "merlon_sessions", Help: "Sessions of signed-in users that are alive.", Value: float64(sessions)})
	}
	mails, failed := h.Mails.Count(r)
	for _, state := range []string{"queued", "held", "failed"} {
		if failed == nil {
			all = append(all, Gauge{Name: "merlon_mails", Help: "Mails that are queued, held after a restore, or were given up.", Label: "state", Of: state, Value: float64(mails[state])})
		}
	}
	err = errors.Join(err, failed)
	for _, state := range []string{"waiting", "held", "given up"} {
		n, failed := countJobs.One(r, state, int64(1)<<62)
		if err = errors.Join(err, failed); failed == nil {
			all = append(all, Gauge{Name: "merlon_jobs", Help: "Jobs that wait, are held after a restore, or were given up.", Label: "state", Of: state, Value: float64(n.N)})
		}
	}
	return all, err
}
