package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/event"
)

// watch is a task of its own, since the round waits for what it began: where a share or a disk is away, a put hangs in the system, and
// no context ends it. It tells once a day that what is under way does not end, in this process or in another that has the lock, when
// the schedule is broken by that; what failed the round tells. It asks nothing of the target, which would hold it too.
func (p *part) watch(ctx context.Context, h *merlon.House) error {
	if _, err := ReadSetup(h.Data); err != nil {
		return nil // the round tells
	}
	s, err := p.runner.home.readState()
	if err != nil {
		return nil // likewise
	}
	now := h.Clock()
	if !p.overdue(s, now) || ageOf(s.Tried, now) <= p.mostGap() { // a run that is short of the lock notes nothing in the state
		return nil
	}
	since, whose, err := p.underWay(now)
	if err != nil || since.IsZero() {
		return err
	}
	p.course.mu.Lock()
	defer p.course.mu.Unlock()
	if ageOf(p.course.stuck, now) < mailPause {
		return nil
	}
	minute := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
	why := fmt.Sprintf("%s has been under way since %s and has not ended", whose, minute(since))
	if covered := s.covers(now); !covered.IsZero() {
		why += "; what the site is was covered last at " + minute(covered)
	}
	err = p.tell(ctx, h, RuleStuck, event.Failed, "backup.mail.stuck", why, s.told(), slog.String("problem", why), slog.Int64("newest", s.Seq))
	if err == nil {
		p.course.stuck = now
	}
	return err
}

// underWay returns since when a run or a drill has been under way for longer than the schedule allows, and whose it is; the zero
// time: none has. The lock's file was written when its holder took it.
func (p *part) underWay(now time.Time) (since time.Time, whose string, err error) {
	if began := p.began.Load(); began != nil && ageOf(*began, now) > p.mostGap() {
		return *began, "a run or drill of the site itself", nil
	}
	held, err := os.Stat(p.runner.home.path(lockFile))
	if errors.Is(err, fs.ErrNotExist) || err == nil && ageOf(held.ModTime(), now) <= p.mostGap() {
		return time.Time{}, "", nil
	}
	if err != nil {
		return time.Time{}, "", fmt.Errorf("backup: %w", err)
	}
	unlock, err := p.runner.home.lock()
	switch {
	case errors.Is(err, ErrBusy):
		return held.ModTime(), fmt.Sprintf("what another process does (%v)", err), nil
	case err != nil:
		return time.Time{}, "", err
	}
	unlock()
	return time.Time{}, "", nil
}

// mostGap is how old what the newest point covers may be while the site is up.
func (p *part) mostGap() time.Duration { return 2*p.cfg.Every + 5*time.Minute }

// overdue reports whether the site was up for longer than the schedule allows without a point that covers it. While it was down
// nothing changed.
func (p *part) overdue(s *state, now time.Time) bool {
	return ageOf(latest(s.covers(now), p.course.started), now) > p.mostGap()
}
