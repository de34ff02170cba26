// Package event holds what Merlon records: typed security events, and the recorder that travels in a context.
//
// A refusal is a fact: each is an event with the id of its rule and the property that it guards. The package has no table;
// room journal keeps events, and [NewLog] prints them so that nothing from a visitor can forge a line.
package event

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/merlon-web/merlon/check"
)

// Outcome says what became of the act that an event tells of.
type Outcome uint8

// The outcomes. Only [Done] is written in the request's own transaction: it is true only if that commits.
const (
	Refused Outcome = iota // a guard refused it
	Failed                 // it went wrong: an error, a panic, a wrong password
	Done                   // it happened
)

// String returns refused, failed or done.
func (o Outcome) String() string {
	switch o {
	case Refused:
		return "refused"
	case Failed:
		return "failed"
	}
	return "done"
}

// An Event is one security-relevant fact.
type Event struct {
	Time     time.Time
	ID       string // the rule's id: MRL-CSRF-003
	Property check.Property
	Severity check.Severity // of the rule: how loud the log is when it failed
	Outcome  Outcome
	Title    string // the rule's title: the kind of event in words

	Request string     // request id
	Method  string     // as routed
	Route   string     // the route's pattern, "" before routing
	Client  netip.Addr // as room trust found it
	User    int64      // 0: nobody
	Detail  []slog.Attr
}

// New returns an event of a rule. The recorder fills in the request's facts.
func New(rule check.Rule, outcome Outcome, detail ...slog.Attr) Event {
	return Event{ID: rule.ID, Property: rule.Property, Severity: rule.Severity, Title: rule.Title, Outcome: outcome, Detail: detail}
}

// ByCommand is the detail of what the operator did by a command: nobody is signed in there.
func ByCommand() slog.Attr { return slog.String("by", "command") }

// A Recorder takes events. Record must not block on the request's transaction and must be safe for concurrent use.
type Recorder interface {
	Record(context.Context, Event)
}

// RecorderFunc makes a function a [Recorder].
type RecorderFunc func(context.Context, Event)

// Record calls f.
func (f RecorderFunc) Record(ctx context.Context, e Event) { f(ctx, e) }

// A Filler is a recorder that knows the facts of a request.
type Filler interface {
	// Fill fills in what a recorder would: time, request, route, client, user.
	Fill(*Event)
}

// Fill fills an event in from the request of ctx, for whoever writes it into a transaction by themselves. It reports whether
// there is one; without it the event is left as it is.
func Fill(ctx context.Context, e *Event) bool {
	f, ok := ctx.Value(recorderKey{}).(Filler)
	if ok {
		f.Fill(e)
	}
	return ok
}

type recorderKey struct{}

// With returns a context that carries the recorder.
func With(ctx context.Context, r Recorder) context.Context {
	return context.WithValue(ctx, recorderKey{}, r)
}

// Record hands an event of a rule to the recorder of ctx. Without one it goes to [slog.Default]: an event is never lost
// because somebody forgot to carry a recorder.
func Record(ctx context.Context, rule check.Rule, outcome Outcome, detail ...slog.Attr) {
	e := New(rule, outcome, detail...)
	if r, ok := ctx.Value(recorderKey{}).(Recorder); ok {
		r.Record(ctx, e)
		return
	}
	e.Time = time.Now()
	slog.LogAttrs(ctx, e.Level(), e.Title, e.Attrs()...)
}

// Level is the log level of an event: Info when done, Warn when refused; when failed Error if its rule weighs high, else
// Warn: a wrong password is a visitor's failure, not the site's.
func (e Event) Level() slog.Level {
	switch {
	case e.Outcome == Done:
		return slog.LevelInfo
	case e.Outcome == Failed && e.Severity == check.High:
		return slog.LevelError
	}
	return slog.LevelWarn
}

// Attrs returns the event as log attributes; the empty ones are left out.
func (e Event) Attrs() []slog.Attr {
	a := make([]slog.Attr, 0, 8+len(e.Detail))
	a = append(a, slog.String("id", e.ID), slog.String("guards", e.Property.String()), slog.String("outcome", e.Outcome.String()))
	if e.Request != "" {
		a = append(a, slog.String("request", e.Request))
	}
	if e.Route != "" {
		a = append(a, slog.String("route", e.Method+" "+e.Route))
	}
	if e.Client.IsValid() {
		a = append(a, slog.String("client", e.Client.String()))
	}
	if e.User != 0 && !slices.ContainsFunc(e.Detail, func(d slog.Attr) bool { return d.Key == "user" }) { // no key twice
		a = append(a, slog.Int64("user", e.User))
	}
	return append(a, e.Detail...)
}
