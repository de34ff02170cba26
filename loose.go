package merlon

import (
	"context"
	"sync"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
)

// loose are the events that no transaction carries: what failed, and what happened on a GET. They are written a moment
// later by a short transaction of their own. What does not fit is still in the log.
type loose struct {
	mu     sync.Mutex
	events []event.Event
	second int64 // of the log lines counted
	lines  map[string]int
}

const (
	maxLoose = 1000 // events waiting
	maxLines = 10   // log lines a second of one kind of refusal or failure: a flood of one does not hide another
)

func (l *loose) add(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) < maxLoose {
		l.events = append(l.events, e)
	}
}

// mayLog reports whether another refusal or failure may be logged within this second.
func (l *loose) mayLog(id string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := now.Unix(); s != l.second {
		l.second, l.lines = s, map[string]int{}
	}
	l.lines[id]++
	return l.lines[id] <= maxLines
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
