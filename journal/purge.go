package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
)

var (
	firstKept = db.Query[linkRow](schema, `
		SELECT link FROM merlon_event
		WHERE link > $1 AND link <= $2 AND at >= $3 ORDER BY link LIMIT 1`)
	deleteUpTo  = db.Exec(schema, `DELETE FROM merlon_event WHERE link <= $1`)
	setAnchor   = db.Exec(schema, `UPDATE merlon_event_chain SET anchor_link = $1, anchor_hash = $2 WHERE one = 1 AND anchor_link = $3`)
	deleteCount = db.Exec(schema, `DELETE FROM merlon_refusal WHERE last < $1`)
)

type linkRow struct{ Link int64 }

// maxPurge is how many links one transaction deletes, so that no post waits long.
const maxPurge = 2000

// Purge deletes the linked events before a time, oldest first, at most 2,000 a call, and returns how many; call it again, in
// a new transaction, while it returns that many. The chain then begins at an anchor and can still be verified; the purge is
// an event of the chain, made at now. Events out of their order of time keep those after them. The counted refusals before
// the time go as well.
func Purge(w *db.Writer, before, now time.Time) (int64, error) {
	fail := func(err error) (int64, error) {
		return 0, fmt.Errorf("journal: old events could not be deleted: %w", err)
	}
	if _, err := deleteCount.Run(w, before.UnixMicro()); err != nil {
		return fail(err)
	}
	c, err := getChain.One(w)
	if err != nil {
		return fail(err)
	}
	upTo := min(c.HeadLink, c.AnchorLink+maxPurge)
	if first, err := firstKept.One(w, c.AnchorLink, upTo, before.UnixMicro()); err == nil {
		upTo = first.Link - 1
	} else if !errors.Is(err, db.ErrNoRow) {
		return fail(err)
	}
	if upTo <= c.AnchorLink {
		return 0, nil
	}
	last, err := atLink.One(w, upTo)
	if err != nil {
		return fail(err)
	}
	anchor := Head{upTo, Hash{}}
	if anchor.Hash, err = toHash(last.Hash); err != nil {
		return 0, err
	}
	done, err := deleteUpTo.Run(w, upTo)
	if err != nil {
		return fail(err)
	}
	if _, err := setAnchor.Run(w, anchor.Link, anchor.Hash[:], c.AnchorLink); err != nil {
		return fail(err)
	}
	e := event.New(RulePurged, event.Done, purgeAttr(anchor))
	e.Time = now
	return done.Rows, Append(w, e)
}

func purgeAttr(anchor Head) slog.Attr { return slog.String("anchor", anchor.String()) }
func purgeDetail(anchor Head) []byte  { return appendDetail(nil, []slog.Attr{purgeAttr(anchor)}) }
