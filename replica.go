package merlon

import (
	"context"
	"math"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/session"
)

// What a page shows may come from a replica of the database, which is a moment behind: the handler of a GET of the site's own reads
// there. What guards reads from the primary: sessions, access rules, limits, forms, and the pages of parts, which show who may do what.
//
// Whoever has written something sees it. Each form leaves the number of its transaction in the visitor's session, in that very
// transaction, and a replica is read only if it has seen it. What a replica lacks altogether, because somebody else has just
// written it, is not missing: an answer that is no success is made again from the primary.

// writtenLife is for how long it is remembered that somebody has written: then every replica that is read has it. It is several times
// [db.MaxLag], since the machines' clocks differ.
const writtenLife = 30 * time.Second

var (
	writtenKey = session.NewKeyFor[int64]("merlon-written", writtenLife)
	// writtenCookie is for visitors without a session. It is sealed: the number tells how much is written at the site.
	writtenCookie = NewCookie[int64]("written", writtenLife)
)

// replicas returns the engine if it has some.
func (s *Site) replicas() db.Replicated {
	if e, ok := s.cfg.Engine.(db.Replicated); ok && len(e.Replicas()) > 0 {
		return e
	}
	return nil
}

// noteWrite remembers that the visitor has written, within the transaction.
func (w *walk) noteWrite(dw *db.Writer, sw *session.Writer) error {
	number := dw.Number()
	switch {
	case w.run.replicas == nil || number == 0 || w.route.opt.noToken != nil:
		return nil
	case sw.Live():
		writtenKey.Set(sw, number)
		return nil
	}
	return writtenCookie.give(w, number)
}

// noteMounted remembers that the visitor may be about to write by a mounted handler, whose transactions are its own: for a while no
// replica is read.
func (w *walk) noteMounted() {
	if w.run.replicas == nil {
		return
	}
	if err := writtenCookie.give(w, math.MaxInt64); err != nil {
		return
	}
	w.setCookies()
	w.cookies = w.cookies[:0]
}

// pageReader returns the reader of a page's handler: that of the guards, or, where a replica may be read, one of its own, before which
// the guards' has ended.
func (w *walk) pageReader() *db.Reader {
	if w.run.replicas == nil || w.primary || w.route.own || w.route.opt.primary {
		return w.reader
	}
	after, _ := writtenKey.Get(w.state)
	if n, ok := writtenCookie.find(w); ok {
		after = max(after, n)
	}
	r := w.run.replicas.ReadAfter(w.ctx, after)
	if r == nil {
		return w.reader
	}
	w.closeReader()
	w.mu.Lock()
	w.copy = r
	w.mu.Unlock()
	return r
}

// closeCopy ends the reader of a replica, and tells what the handler has recorded: its answer stands.
func (w *walk) closeCopy() {
	_ = w.copy.Close()
	w.mu.Lock()
	later := w.later
	w.copy, w.later = nil, nil
	w.mu.Unlock()
	for _, e := range later {
		w.run.record(e)
	}
}

// replicaTask tells in the log when readers leave a replica, and when they are back.
func (s *Site) replicaTask(run *running) Task {
	faults := map[string]bool{}
	return Task{Name: "merlon/replicas", Every: time.Second, Run: func(context.Context, *House) error {
		for _, r := range run.replicas.Replicas() {
			switch bad := r.Fault != ""; {
			case bad && !faults[r.Name]:
				s.log.Warn("a replica of the database is not read", "replica", r.Name, "fault", r.Fault)
			case !bad && faults[r.Name]:
				s.log.Info("a replica of the database is read again", "replica", r.Name)
			}
			faults[r.Name] = r.Fault != ""
		}
		return nil
	}}
}

// replicaGauges tells how the replicas are.
func (h *House) replicaGauges() (all []Gauge) {
	for _, r := range h.Replicas() {
		up := 1.0
		if r.Fault != "" {
			up = 0
		}
		all = append(all, Gauge{Name: "merlon_replica_up", Help: "1: readers go to this replica of the database; 0: it is away or too far behind.", Label: "replica", Of: r.Name, Value: up},
			Gauge{Name: "merlon_replica_readers", Help: "Transactions of readers on this replica since the start.", Label: "replica", Of: r.Name, Value: float64(r.Readers)})
		if r.Lag >= 0 {
			all = append(all, Gauge{Name: "merlon_replica_lag_seconds", Help: "How old what this replica shows may be, in seconds.", Label: "replica", Of: r.Name, Value: r.Lag.Seconds()})
		}
	}
	return all
}
