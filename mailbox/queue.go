package mailbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
)

// ErrLost says that a mail is no longer the worker's: its time ran out and another took it, or it was held.
var ErrLost = errors.New("mailbox: the mail was taken by another worker meanwhile: what this one did with it cannot be noted; give Take a longer time")

// MaxTries is how often a mail is tried before it is given up: over about two days by [pause].
const MaxTries = 12

// Lines in which mails wait: 0 what somebody waits for before a page, 1 all else, 2 and 3 the same after a first try.
var (
	dueMails = db.Query[mailRow](schema, `
		SELECT id, recipient, kind, state, created, tries, next_try, settled, problem, content
		FROM merlon_mail WHERE state = 'queued' AND next_try <= $1
		ORDER BY line, turn, next_try, id LIMIT $2`)
	dueOthers = db.Query[mailRow](schema, `
		SELECT id, recipient, kind, state, created, tries, next_try, settled, problem, content
		FROM merlon_mail WHERE state = 'queued' AND next_try <= $1 AND line IN (1, 3)
		ORDER BY line, turn, next_try, id LIMIT $2`)
	leaseMail = db.Exec(schema, `
		UPDATE merlon_mail SET tries = tries + 1, next_try = $1
		WHERE id = $2 AND state = 'queued' AND tries = $3`)
	settleMail = db.Exec(schema, `
		UPDATE merlon_mail SET state = $1, settled = $2, problem = $3, content = $4
		WHERE id = $5 AND state = 'queued' AND tries = $6`)
	retryMail = db.Exec(schema, `
		UPDATE merlon_mail SET next_try = $1, problem = $2, line = line % 2 + 2
		WHERE id = $3 AND state = 'queued' AND tries = $4`)
	holdMails    = db.Exec(schema, `UPDATE merlon_mail SET state = 'held' WHERE state = 'queued'`)
	releaseMails = db.Exec(schema, `UPDATE merlon_mail SET state = 'queued', next_try = $1 WHERE state = 'held'`)
	dropMails    = db.Exec(schema, `
		UPDATE merlon_mail SET state = 'failed', settled = $1, problem = $2, content = $3
		WHERE kind = $4 AND state IN ('queued', 'held')`)
	dropAllMails = db.Exec(schema, `
		UPDATE merlon_mail SET state = 'failed', settled = $1, problem = $2, content = $3
		WHERE state IN ('queued', 'held')`)
	purgeMails = db.Exec(schema, `DELETE FROM merlon_mail WHERE state IN ('sent', 'failed') AND settled < $1`)
	countMails = db.Query[stateRow](schema, `SELECT state, COUNT(*) AS n FROM merlon_mail GROUP BY state ORDER BY state LIMIT 10`)
	stuckMails = db.Query[countRow](schema, `
		SELECT COUNT(*) AS n FROM merlon_mail
		WHERE state IN ('queued', 'held') AND created < $1`)
)

type countRow struct{ N int64 }

type stateRow struct {
	State string
	N     int64
}

// Count returns how many mails are in each state: queued, held, sent, failed. Those of which there are none are left out.
func (b *Box) Count(from db.Querier) (map[string]int64, error) {
	rows, err := countMails.All(from)
	if err != nil {
		return nil, fmt.Errorf("mailbox: the mails could not be counted: %w", err)
	}
	n := make(map[string]int64, len(rows))
	for _, r := range rows {
		n[r.State] = r.N
	}
	return n, nil
}

// Due reports whether a mail waits to be sent now: a reader's look before [Box.Take] asks for the one writer.
func (b *Box) Due(from db.Querier) (bool, error) {
	rows, err := dueMails.All(from, b.clock().UnixMicro(), 1)
	if err != nil {
		return false, fmt.Errorf("mailbox: the mails could not be read: %w", err)
	}
	return len(rows) > 0, nil
}

// othersTurn says which calls of [Box.Take] begin with the mails that nobody waits for.
const othersTurn = 4

// Take hands out the mails that are due, at most limit of them: those that somebody waits for ([Mail.Soon]) before others, and
// of either recipients take turns, so that nobody's many mails keep another's one waiting; one that was tried before goes after all
// that were not, so that servers which take long to refuse keep it from none. Each fourth call hands out the others
// alone, if there are any: who has links mailed to many addresses without end keeps no owner from a warning. Each is the
// worker's for the time of lease: unsettled it becomes due again then, for the worker may have died. One that is
// Unreadable can only be given up. Send with no transaction open, then settle.
func (b *Box) Take(w *db.Writer, lease time.Duration, limit int) ([]Message, error) {
	now, most := b.clock(), int64(min(max(limit, 1), maxList))
	var rows []mailRow
	var err error
	if b.takes.Add(1)%othersTurn == 0 {
		rows, err = dueOthers.All(w, now.UnixMicro(), most)
	}
	if err == nil && len(rows) == 0 {
		rows, err = dueMails.All(w, now.UnixMicro(), most)
	}
	if err != nil {
		return nil, fmt.Errorf("mailbox: no mails could be taken: %w", err)
	}
	var taken []Message
	for _, r := range rows {
		done, err := leaseMail.Run(w, now.Add(lease).UnixMicro(), r.ID, r.Tries)
		if err != nil {
			return nil, fmt.Errorf("mailbox: mail %d could not be taken: %w", r.ID, err)
		}
		if done.Rows == 0 {
			continue // another worker, on an engine with several writers
		}
		r.Tries++
		m := b.message(r)
		m.Unreadable = m.Unreadable || len(r.Content) == 0
		taken = append(taken, m)
	}
	return taken, nil
}

// An Outcome is what came of a try to send.
type Outcome struct {
	Sent      bool
	Permanent bool   // not sent, and never will be: the server refused for good (5xx)
	Problem   string // what the server said, kept at most 500 bytes long; must not hold the mail's text
}

// Settle notes what came of a mail that was taken. Sent and given-up mails lose their content; others become due again after
// a pause of one minute, doubled each time up to eight hours, and are given up after twelve tries. The error is [ErrLost] if the mail
// was not the worker's any more.
func (b *Box) Settle(w *db.Writer, m Message, o Outcome) error {
	now := b.clock()
	problem := event.Clean(o.Problem)
	if len(problem) > 500 {
		problem = event.Clean(problem[:500]) // Clean mends a letter cut in two
	}
	var done db.Affected
	var err error
	switch {
	case o.Sent:
		done, err = settleMail.Run(w, string(Sent), now.UnixMicro(), "", []byte{}, m.ID, int64(m.Tries))
	case o.Permanent || m.Tries >= MaxTries:
		done, err = settleMail.Run(w, string(Failed), now.UnixMicro(), problem, []byte{}, m.ID, int64(m.Tries))
	default:
		done, err = retryMail.Run(w, now.Add(pause(m.Tries)).UnixMicro(), problem, m.ID, int64(m.Tries))
	}
	if err != nil {
		return fmt.Errorf("mailbox: mail %d could not be settled: %w", m.ID, err)
	}
	if done.Rows == 0 {
		return ErrLost
	}
	return nil
}

func pause(tries int) time.Duration {
	return min(time.Minute<<min(max(tries-1, 0), 9), 8*time.Hour)
}

// HoldAll keeps every queued mail back: after a restore most of them were sent already. It returns how many.
func (b *Box) HoldAll(w *db.Writer) (int64, error) {
	return rows(holdMails.Run(w))
}

// ReleaseAll queues every held mail again. It returns how many.
func (b *Box) ReleaseAll(w *db.Writer) (int64, error) {
	w.OnCommit(b.Wake)
	return rows(releaseMails.Run(w, b.clock().UnixMicro()))
}

// Drop gives up every waiting mail of a kind, held ones too: after a restore the links in reset mails are void. It returns
// how many.
func (b *Box) Drop(w *db.Writer, kind constant, why constant) (int64, error) {
	return rows(dropMails.Run(w, b.clock().UnixMicro(), string(why), []byte{}, string(kind)))
}

// DropAll gives up every waiting mail, held ones too. It returns how many.
func (b *Box) DropAll(w *db.Writer, why constant) (int64, error) {
	return rows(dropAllMails.Run(w, b.clock().UnixMicro(), string(why), []byte{}))
}

// Purge deletes the mails that were sent or given up before a time. It returns how many.
func (b *Box) Purge(w *db.Writer, before time.Time) (int64, error) {
	return rows(purgeMails.Run(w, before.UnixMicro()))
}

func rows(done db.Affected, err error) (int64, error) {
	if err != nil {
		return 0, fmt.Errorf("mailbox: %w", err)
	}
	return done.Rows, nil
}

// Checks returns the room's check: no mail waits longer than six hours.
func (b *Box) Checks(engine db.Engine) []check.Check {
	return []check.Check{{Rule: RuleStuck, Run: func(ctx context.Context) []check.Finding {
		r := engine.Read(ctx)
		defer r.Close()
		n, err := stuckMails.One(r, b.clock().Add(-6*time.Hour).UnixMicro())
		if err != nil {
			return []check.Finding{RuleStuck.Finding("", "the mails could not be counted: "+err.Error(), "migrate the database, then check again")}
		}
		if n.N == 0 {
			return nil
		}
		return []check.Finding{RuleStuck.Finding("", fmt.Sprintf("%d mails wait for longer than six hours, queued or held", n.N), "see why in the list of mails")}
	}}}
}
