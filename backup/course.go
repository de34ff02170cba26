package backup

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
)

// Where backups go, in which chain, and who is told of them stands in data/backup, and whoever writes there once could lead them
// elsewhere or end them without a word. So each change is an event with a mail to the address that held before, and what held
// before is known by the journal, beside the memory of the process.

// A course is what the settings say of that.
type course struct {
	Target string `json:"target"`
	Chain  string `json:"chain"` // the site's id there, and the beginning's hash
	Mail   string `json:"mail"`
	Where  string `json:"where"` // machine and data folder: of several processes on one database one makes the points
	Sum    string `json:"sum"`   // of the first three, whole: the journal clips long values
}

// courseLife is when a course is recorded once more, so that one is left when old events are deleted.
const courseLife = 30 * 24 * time.Hour

// courses is what a process remembers.
type courses struct {
	mu      sync.Mutex
	known   *course // nil: none yet
	at      time.Time
	gone    time.Time // when it was told last that the settings are
	stuck   time.Time // and that no run comes to its end, see watch
	started time.Time // the site's start
}

func (p *part) courseOf(h *merlon.House, s *Setup) *course {
	c := &course{Target: s.Target, Chain: s.Site + " " + s.Genesis, Mail: s.Mail, Where: where(h.Data)}
	for _, name := range sortedNames(s.Options) {
		c.Target += fmt.Sprintf(" %s=%s", name, s.Options[name])
	}
	if c.Mail == "" {
		c.Mail = p.cfg.Mail
	}
	c.Sum = hashText(sha256.Sum256([]byte(strings.Join([]string{c.Target, c.Chain, c.Mail}, "\n"))))
	return c
}

// where names this machine and the data folder.
func where(data string) string {
	host, _ := os.Hostname()
	return host + ":" + located(data)
}

// told is a course for people.
func (c *course) told() string {
	mail := c.Mail
	if mail == "" {
		mail = "-"
	}
	return fmt.Sprintf("%s\n%s\n%s", c.Target, c.Chain, mail)
}

// known returns the course that held last, and when it was recorded; nil when there is none: the site's data was restored since,
// or has no backups yet.
func (p *part) known(ctx context.Context, h *merlon.House) (*course, time.Time, error) {
	if p.course.known != nil {
		return p.course.known, p.course.at, nil
	}
	r := h.Engine.Read(ctx)
	defer r.Close()
	found, err := journal.List(r, journal.Filter{ID: RuleCourse.ID, Limit: 1})
	if err != nil || len(found) == 0 {
		return nil, time.Time{}, err
	}
	restored, err := journal.List(r, journal.Filter{ID: merlon.RuleRestored.ID, Limit: 1})
	if err != nil || len(restored) > 0 && restored[0].Seq > found[0].Seq {
		return nil, time.Time{}, err
	}
	c := &course{}
	if err := json.Unmarshal(found[0].Detail, c); err != nil {
		return nil, time.Time{}, nil // not this part's: the next record is
	}
	p.course.known, p.course.at = c, found[0].Time
	return c, found[0].Time, nil
}

// keepCourse holds the settings against the course that is known, and tells of a change whoever was told of backups before it.
func (p *part) keepCourse(ctx context.Context, h *merlon.House) error {
	setup, err := ReadSetup(h.Data)
	if err != nil {
		return nil // the run tells
	}
	p.course.mu.Lock()
	defer p.course.mu.Unlock()
	before, at, err := p.known(ctx, h)
	if err != nil {
		return err
	}
	now, clock := p.courseOf(h, setup), h.Clock()
	detail := []slog.Attr{slog.String("target", now.Target), slog.String("chain", now.Chain), slog.String("mail", now.Mail), slog.String("where", now.Where), slog.String("sum", now.Sum)}
	switch {
	case before == nil:
		err = p.tell(ctx, h, RuleCourse, event.Done, "", "", "", detail...)
	case before.Sum != now.Sum:
		err = p.tellTo(ctx, h, p.whom(ctx, h, before.Mail), RuleCourse, event.Done, "backup.mail.elsewhere", now.told(), before.told(), append(detail, slog.String("before", before.Target))...)
	case ageOf(at, clock) > courseLife:
		err = p.tell(ctx, h, RuleCourse, event.Done, "", "", "", detail...)
	default:
		return nil
	}
	if err == nil {
		p.course.known, p.course.at = now, clock
	}
	return err
}

// settingsGone tells that a site which made backups has no settings of them any more, once a day.
func (p *part) settingsGone(ctx context.Context, h *merlon.House) error {
	p.course.mu.Lock()
	defer p.course.mu.Unlock()
	s, err := p.runner.home.readState()
	if err != nil {
		s = &state{}
	}
	inMemory := p.course.known != nil
	before, _, err := p.known(ctx, h)
	if err != nil {
		return err
	}
	if before != nil && !inMemory && h.Carrier() != nil && before.Where != where(h.Data) { // another process makes the points
		before, p.course.known = nil, nil
	}
	if before == nil && s.Seq == 0 || ageOf(p.course.gone, h.Clock()) < mailPause {
		return nil
	}
	if before == nil {
		before = &course{Target: "-", Chain: "-", Mail: p.cfg.Mail}
	}
	p.course.gone = h.Clock()
	return p.tellTo(ctx, h, p.whom(ctx, h, before.Mail), RuleSettingsGone, event.Failed, "backup.mail.gone", before.told(), s.told(), slog.String("target", before.Target), slog.Int64("newest", s.Seq))
}
