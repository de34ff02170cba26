package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/mailbox"
)

// The schedule's measures.
const (
	drillHour  = 3              // UTC: from when on the night's drill is due
	mailPause  = 24 * time.Hour // between two mails about one failure
	retryAfter = 5 * time.Minute
)

// round is the task: once a minute it looks whether a point is due, and once a night whether the drill is.
func (p *part) round(ctx context.Context, h *merlon.House) error {
	if p.demo.Swap(false) {
		if err := beginDemo(ctx, h); err != nil {
			return fmt.Errorf("the demo goes on without backups: %w", err)
		}
	}
	if _, err := ReadSetup(h.Data); err != nil {
		if errors.Is(err, ErrNotSetUp) {
			return p.settingsGone(ctx, h)
		}
		return err
	}
	s, err := p.runner.home.readState()
	if err != nil {
		return err
	}
	now := h.Clock()
	wait := p.cfg.Every
	if s.Failed != "" {
		wait = min(wait, retryAfter)
	}
	night := p.drill != nil && ableToRestore() == nil && drillDue(s, now) && !s.tired(now)
	if since := ageOf(s.Tried, now); since < wait && (!night || since < retryAfter) {
		return nil
	}
	p.began.Store(&now)
	defer p.began.Store(nil)
	_, err = p.attempt(ctx, h, wish{daily: night, force: night})
	if err == nil && night {
		return p.drill(ctx, h)
	}
	return nil // told already, or another process has the lock: watch tells if that does not end
}

// drillDue reports whether the night's drill has not been tried yet.
func drillDue(s *state, now time.Time) bool {
	now = now.UTC()
	at := s.DrillAt.UTC()
	return now.Hour() >= drillHour && (ahead(at, now) || at.YearDay() != now.YearDay() || at.Year() != now.Year())
}

// attempt runs, and tells of a failure: an event each time, a mail once a day.
func (p *part) attempt(ctx context.Context, h *merlon.House, want wish) (*Made, error) {
	before, err := p.runner.home.readState()
	if err != nil {
		return nil, err
	}
	if err := p.keepCourse(ctx, h); err != nil { // the next attempt tries again: no reason to make no point
		h.Log.LogAttrs(ctx, slog.LevelError, "where backups go is not held against what was recorded", slog.String("problem", err.Error()))
	}
	began := time.Now()
	made, err := p.runner.run(ctx, want)
	switch {
	case errors.Is(err, ErrBusy) || ctx.Err() != nil:
		return made, err
	case errors.Is(err, ErrNotSetUp) && before.Seq == 0: // nothing was to be backed up; settings that are gone are another matter
		return made, err
	case err != nil:
		return made, errors.Join(err, p.failed(ctx, h, before, err))
	}
	if !made.Skipped {
		h.Log.LogAttrs(ctx, slog.LevelInfo, "backup point", slog.Int64("seq", made.Seq), slog.String("class", string(made.Class)), slog.Int64("bytes", made.Size),
			slog.String("proven", string(made.Depth)), slog.Duration("took", time.Since(began).Round(time.Millisecond)))
	}
	for _, note := range made.Notes {
		h.Log.LogAttrs(ctx, slog.LevelWarn, "backup upkeep", slog.String("problem", note))
	}
	if before.Failed != "" {
		err = p.tell(ctx, h, RuleWorksAgain, event.Done, "backup.mail.again", before.Since.UTC().Format("2006-01-02 15:04 MST"), made.Receipt)
	}
	return made, err
}

// failed records a failure and tells it.
func (p *part) failed(ctx context.Context, h *merlon.House, before *state, why error) error {
	mailed := "backup.mail.failed"
	now := h.Clock()
	if before.Failed != "" && ageOf(before.Mailed, now) < mailPause {
		mailed = ""
	}
	told := p.tell(ctx, h, ruleOf(why), event.Failed, mailed, why.Error(), before.told(), slog.String("problem", why.Error()), slog.Int64("newest", before.Seq))
	unlock, err := p.runner.home.lock()
	if err != nil {
		return told // another run has the lock: the next failure notes what is to be noted
	}
	defer unlock()
	s, err := p.runner.home.readState()
	if err != nil {
		return errors.Join(told, err)
	}
	unnoted, mail := s.Tried.Equal(before.Tried), told == nil && mailed != ""
	if unnoted { // the run ended before it could: the next one is to wait, and to mail nobody
		s.Tried, s.Failed = now, why.Error()
		if before.Failed == "" {
			s.Since = now
		}
	}
	if mail {
		s.Mailed = now
	}
	if unnoted || mail {
		err = p.runner.home.write(stateFile, s)
	}
	return errors.Join(told, err)
}

// tell records an event and queues a mail with the text of an id, "": none. Both are in one transaction.
func (p *part) tell(ctx context.Context, h *merlon.House, rule check.Rule, outcome event.Outcome, mail string, first, second string, detail ...slog.Attr) error {
	return p.tellTo(ctx, h, p.whom(ctx, h), rule, outcome, mail, first, second, detail...)
}

// whom returns the first that is an address: of those that are given, of the settings, and of the program. Nobody parsed settings
// that were written by hand, and one that is none must not keep what is told from being recorded, nor from whoever else is named.
func (p *part) whom(ctx context.Context, h *merlon.House, given ...string) (to mailbox.Address) {
	if setup, err := ReadSetup(h.Data); err == nil {
		given = append(given, setup.Mail)
	}
	for _, one := range append(given, p.cfg.Mail) {
		if one == "" {
			continue
		}
		to, err := mailbox.ParseAddress(one)
		if err == nil {
			return to
		}
		h.Log.LogAttrs(ctx, slog.LevelWarn, "nobody can be told of backups at what is named for it", slog.String("address", one), slog.String("problem", err.Error()))
	}
	return to
}

// tellTo is tell for whoever is named; the zero address: nobody.
func (p *part) tellTo(ctx context.Context, h *merlon.House, to mailbox.Address, rule check.Rule, outcome event.Outcome, mail string, first, second string, detail ...slog.Attr) error {
	e := event.New(rule, outcome, detail...)
	e.Time = h.Clock()
	h.Log.LogAttrs(ctx, e.Level(), e.Title, e.Attrs()...)
	err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		if err := journal.Append(w, e); err != nil || mail == "" || to == (mailbox.Address{}) {
			return err
		}
		say := func(key string, args ...any) string { return text.Own().Format(h.Lang(), mail+"."+key, args...) }
		return h.Mails.Queue(w, mailbox.Mail{To: to, Kind: "backup", Subject: say("subject", h.Title), Text: say("text", h.Title, first, second, sealedTo(h.Data))})
	})
	if err != nil {
		h.Log.LogAttrs(ctx, slog.LevelError, "an event of backups is not recorded, and nobody is mailed", slog.String("event", e.ID), slog.String("problem", err.Error()))
	}
	return err
}

// sealedTo is the fingerprint of whoever can open the points, as the kit has it: each mail says it, so that its owner sees when a
// stranger's took its place. "-" without settings.
func sealedTo(data string) string {
	setup, err := ReadSetup(data)
	if err != nil {
		return "-"
	}
	return strings.Join(fingerprints(setup.R), ", ")
}

// ruleOf is the rule of a failure.
func ruleOf(err error) check.Rule {
	for _, one := range []struct {
		kind error
		rule check.Rule
	}{
		{ErrForked, RuleTwoServers}, {ErrClock, RuleClock}, {ErrNoRoom, RuleNoRoom}, {ErrServer, RuleServer}, {ErrUnknown, RuleGone}, {ErrSettings, RuleSettings}, {ErrUnread, RuleUnread}, {ErrDamaged, RuleUnread},
		{ErrFull, RuleTargetFull}, {ErrDenied, RuleTargetDenies}, {ErrUnreachable, RuleTargetAway}, {ErrNotFound, RuleTargetAway},
	} {
		if errors.Is(err, one.kind) {
			return one.rule
		}
	}
	return RuleFailed
}
