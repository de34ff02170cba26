package merlon

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
)

// loose are the events that no transaction carries: what failed, and what happened on a GET. They are written a moment
// later by a short transaction of their own. What does not fit is in the log, or counted there.
type loose struct {
	mu     sync.Mutex
	events []event.Event
	second int64 // of the log lines counted
	lines  map[flood]int
	unsaid map[flood]int // lines left out since the last flush
}

// flood is what there may be a flood of: a rule, and of failures the route, since most have the same rule.
type flood struct{ id, route string }

const (
	maxLoose = 1000 // events waiting
	lateBy   = 3600 // seconds
	maxLines = 10   // log lines a second of one kind of refusal or failure: a flood of one does not hide another
)

func (l *loose) add(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) < maxLoose {
		l.events = append(l.events, e)
	}
}

// mayLog reports whether another refusal or failure may be logged within this second; what may not is counted.
func (l *loose) mayLog(k flood, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := now.Unix(); s > l.second || s < l.second-lateBy { // a request's time is that of its beginning, an hour later the clock was set back
		l.second, l.lines = s, map[flood]int{}
	}
	if l.lines[k]++; l.lines[k] <= maxLines {
		return true
	}
	if l.unsaid == nil {
		l.unsaid = map[flood]int{}
	}
	l.unsaid[k]++
	return false
}

// tell logs how many lines were left out since the last time, one line for each kind.
func (l *loose) tell(log *slog.Logger) {
	l.mu.Lock()
	unsaid := l.unsaid
	l.unsaid = nil
	l.mu.Unlock()
	for k, n := range unsaid {
		log.Warn("more of the same were not logged", "id", k.id, "route", k.route, "count", n)
	}
}

func (l *loose) flush(ctx context.Context, engine db.Engine) error {
	l.mu.Lock()
	events := l.events
	l.events = nil
	l.mu.Unlock()
	if len(events) == 0 {
		return nil
	}
	err := engine.Write(ctx, func(_ context.Context, w *db.Writer) error { return journal.Append(w, events...) })
	if err != nil { // busy, full: they wait for the next time
		l.mu.Lock()
		l.events = append(events, l.events...)
		l.events = l.events[:min(len(l.events), maxLoose)]
		l.mu.Unlock()
	}
	return err
}
