package account

import (
	"strings"
	"time"

	"github.com/merlon-web/merlon/internal/text"
)

// A Moment is a time as pages show it: in words, with the exact one behind them.
type Moment struct {
	Words string // "3 minutes ago", "28 November 2026"
	Exact string // RFC 3339, for the datetime of a <time>
}

// day is a date in a language: "28 November 2026". Times are shown in UTC, since the server does not know the visitor's zone.
func day(lang string, t time.Time) string {
	t = t.UTC()
	months := strings.Fields(text.Own().Format(lang, "when.months"))
	return text.Own().Format(lang, "when.day", t.Day(), months[t.Month()-1], t.Year())
}

// Date is a day as pages show it, in a language: "28 November 2026", UTC.
func Date(lang string, t time.Time) Moment {
	return Moment{day(lang, t), t.UTC().Format(time.RFC3339)}
}

// Minute is a date with the time of day: "28 November 2026, 14:35 UTC".
func Minute(lang string, t time.Time) Moment {
	return Moment{text.Own().Format(lang, "when.minute", day(lang, t), t.UTC().Format("15:04")), t.UTC().Format(time.RFC3339)}
}

// Ago is how long ago something was, in one unit; beyond 60 days the date.
func Ago(lang string, t, now time.Time) Moment {
	m := Date(lang, t)
	switch d := now.Sub(t); {
	case d < time.Minute:
		m.Words = text.Own().Format(lang, "when.now")
	case d < time.Hour:
		m.Words = text.Own().Format(lang, "when.minutes", int(d/time.Minute))
	case d < 24*time.Hour:
		m.Words = text.Own().Format(lang, "when.hours", int(d/time.Hour))
	case d < 60*24*time.Hour:
		m.Words = text.Own().Format(lang, "when.days", int(d/(24*time.Hour)))
	}
	return m
}
