package merlon

import (
	"testing"
	"time"
)

// TestLinesOfASecond: of one kind ten lines a second are logged, and each kind has its own ten.
func TestLinesOfASecond(t *testing.T) {
	var l loose
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	count := func(k flood, at time.Time) (logged int) {
		for range 25 {
			if l.mayLog(k, at) {
				logged++
			}
		}
		return logged
	}
	one, other := flood{id: "MRL-SITE-010", route: "GET /a"}, flood{id: "MRL-SITE-010", route: "GET /b"}
	for _, step := range []struct {
		k    flood
		at   time.Duration
		want int
	}{{one, 0, 10}, {other, 999 * time.Millisecond, 10}, {one, 999 * time.Millisecond, 0}, {one, time.Second, 10}, {other, -4 * time.Second, 10}, {one, time.Second, 0}} {
		if got := count(step.k, at.Add(step.at)); got != step.want {
			t.Errorf("%v after %v: %d of 25 lines are logged, want %d", step.k, step.at, got, step.want)
		}
	}
	if l.unsaid[one] != 80 || l.unsaid[other] != 30 {
		t.Errorf("left out: %v", l.unsaid)
	}
}

// TestKindOf: a line of net/http is of the kind that its words before a client's say, over HTTP/2 too.
func TestKindOf(t *testing.T) {
	for line, want := range map[string]string{
		"http: TLS handshake error from 192.0.2.1:5: EOF":                                    "TLS handshake error from ",
		"http2: received GOAWAY [FrameHeader GOAWAY len=8], starting graceful shutdown":      "received GOAWAY ",
		"http2: server: error reading preface from client 192.0.2.1:5: bogus greeting \"x\"": "server: error reading preface from client ",
		"http2: panic serving 192.0.2.1:5: oh":                                               "panic serving ",
		"http: panic serving 192.0.2.1:5: oh":                                                "panic serving ",
	} {
		if got := kindOf(line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
