package backup

import (
	"context"

	"github.com/merlon-web/merlon"
)

// gauges are the ages that an owner wants to see: of the newest point that covers the site, and of the last drill that passed.
// Before the first there is none to tell.
func gauges(_ context.Context, h *merlon.House) (all []merlon.Gauge, err error) {
	s, err := homeOf(h.Data).readState()
	if err != nil {
		return nil, err
	}
	if !s.Current.IsZero() {
		all = append(all, merlon.Gauge{Name: "merlon_backup_age_seconds", Help: "Seconds since the newest backup was what the site is.", Value: h.Clock().Sub(s.Current).Seconds()})
	}
	if !s.Drilled.IsZero() {
		all = append(all, merlon.Gauge{Name: "merlon_drill_age_seconds", Help: "Seconds since the last drill that passed.", Value: h.Clock().Sub(s.Drilled).Seconds()})
	}
	return all, nil
}
