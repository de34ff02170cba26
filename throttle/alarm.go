package throttle

import (
	"context"
	"log/slog"
	"math"
	"sync"

	"github.com/merlon-web/merlon/event"
)

// alarm compares the failures of each minute with the usual ones: a running mean over about six hours. It is in memory only
// and learns anew after a start.
type alarm struct {
	mu     sync.Mutex
	minute int64
	count  float64
	usual  float64 // failures a minute
	until  int64   // minute in which it ends
}

const (
	alarmTimes = 5
	alarmLeast = 20 // failures in a minute below which nothing is unusual
	alarmKeeps = 10 // minutes it stays on after the last unusual one
	alarmShare = 1.0 / 360
)

func (a *alarm) failed(ctx context.Context, now int64) {
	a.mu.Lock()
	a.turn(now / 60e6)
	a.count++
	raise := a.count >= alarmLeast && a.count >= alarmTimes*max(a.usual, 1)
	was := a.until > a.minute
	if raise {
		a.until = a.minute + alarmKeeps
	}
	count, usual := a.count, a.usual
	a.mu.Unlock()
	if raise && !was {
		event.Record(ctx, RuleAlarm, event.Refused, slog.Int("failures", int(count)), slog.Int("usual", int(math.Ceil(usual))))
	}
}

// turn closes the minutes since the last one. A minute of an attack counts for no more than the alarm's threshold, so that an
// attack does not teach the alarm that attacks are usual.
func (a *alarm) turn(minute int64) {
	if a.minute == 0 || minute < a.minute {
		a.minute, a.count = minute, 0
		a.until = min(a.until, minute+alarmKeeps)
		return
	}
	if minute == a.minute {
		return
	}
	a.usual += (min(a.count, alarmTimes*max(a.usual, 1)) - a.usual) * alarmShare
	if gap := minute - a.minute - 1; gap > 0 {
		a.usual *= math.Pow(1-alarmShare, float64(gap))
	}
	a.minute, a.count = minute, 0
}

func (a *alarm) on(now int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	minute := now / 60e6
	return a.until > minute && a.until <= minute+alarmKeeps
}
