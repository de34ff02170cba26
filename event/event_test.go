package event_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/event"
)

var rule = check.Rule{ID: "MRL-TEST-001", Property: check.Integrity, Title: "a forged form", Why: "w", Attack: "a", Right: "r", Source: "s"}

func TestRecordGoesToTheRecorderOfTheContext(t *testing.T) {
	var got []event.Event
	ctx := event.With(t.Context(), event.RecorderFunc(func(_ context.Context, e event.Event) { got = append(got, e) }))
	event.Record(ctx, rule, event.Refused, slog.String("reason", "cross-site"))
	if len(got) != 1 || got[0].ID != rule.ID || got[0].Property != check.Integrity || got[0].Title != rule.Title || got[0].Outcome != event.Refused || len(got[0].Detail) != 1 {
		t.Errorf("got %+v", got)
	}
	inner := event.With(ctx, event.RecorderFunc(func(context.Context, event.Event) {}))
	event.Record(inner, rule, event.Done)
	if len(got) != 1 {
		t.Error("the inner recorder did not take the event")
	}
}

func TestWithoutARecorderNothingIsLost(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(event.NewLog(&out, true, nil))
	event.Record(t.Context(), rule, event.Failed)
	if s := out.String(); !strings.Contains(s, rule.ID) || !strings.Contains(s, `"level":"WARN"`) || !strings.Contains(s, `"guards":"integrity"`) {
		t.Errorf("got %s", s)
	}
}

func TestAttrsLeaveOutWhatIsEmpty(t *testing.T) {
	e := event.New(rule, event.Refused)
	if got := len(e.Attrs()); got != 3 {
		t.Errorf("%d attributes of an event before routing, want 3: %v", got, e.Attrs())
	}
	e = event.Event{Time: time.Unix(0, 0), ID: "MRL-X-001", Request: "r1", Method: "POST", Route: "/notes", Client: netip.MustParseAddr("198.51.100.7"), User: 7, Detail: []slog.Attr{slog.Int("n", 1)}}
	want := "[id=MRL-X-001 guards=unknown outcome=refused request=r1 route=POST /notes client=198.51.100.7 user=7 n=1]"
	if got := slog.GroupValue(e.Attrs()...).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLevels(t *testing.T) {
	for s, failed := range map[check.Severity]slog.Level{check.High: slog.LevelError, check.Medium: slog.LevelWarn, check.Low: slog.LevelWarn} {
		rule := rule
		rule.Severity = s
		for o, want := range map[event.Outcome]slog.Level{event.Done: slog.LevelInfo, event.Refused: slog.LevelWarn, event.Failed: failed} {
			if got := event.New(rule, o).Level(); got != want {
				t.Errorf("%s, %s: %v, want %v", s, o, got, want)
			}
		}
	}
	for o, want := range map[event.Outcome]string{event.Done: "done", event.Refused: "refused", event.Failed: "failed"} {
		if o.String() != want {
			t.Errorf("got %s, want %s", o, want)
		}
	}
}
