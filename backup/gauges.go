package backup

import (
	"context"

	"github.com/merlon-web/merlon"
)

// gauges are the ages that an owner wants to see: of the newest point that covers the site, and of the last drill that passed.
// Before the first there is none to tell. None is negative: what was noted while the clock was ahead is as old as can be (ageOf).
func gauges(_ context.Context, h *merlon.House) (all []merlon.Gauge, err error) {
	s, err := homeOf(h.Data).readState()
	if err != nil {
		return nil, err
	}
	now := h.Clock()
	if !s.Current.IsZero() {
		all = append(all, merlon.Gauge{Name: "merlon_backup_age_seconds", Help: "Seconds since the newest backup was what the site is.", Value: ageOf(s.covers(now), now).Seconds()})
	}
	if !s.Drilled.IsZero() {
		all = append(all, merlon.Gauge{Name: "merlon_drill_age_seconds", Help: "Seconds since the last drill that passed.", Value: ageOf(s.Drilled, now).Seconds()})
	}
	return all, nil
}
