package journal_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/journal"
)

// Two rows have the same canonical bytes only if they are the same: otherwise text could be moved between columns.
func FuzzCanonicalIsInjective(f *testing.F) {
	f.Add("a", "b", "", "ab", "", "", int64(1), int64(2))
	f.Add("", "", "", "", "", "", int64(0), int64(0))
	f.Add("x\x00\x00\x00\x00\x00\x00\x00\x01y", "", "x", "y", "", "", int64(1), int64(256))
	f.Fuzz(func(t *testing.T, a, b, c, d, e, g string, m, n int64) {
		rows := []journal.Row{
			{Link: m, Seq: n, ID: a, Route: b, Detail: c},
			{Link: m, Seq: n, ID: d, Route: e, Detail: g},
			{Link: n, Seq: m, ID: a, Route: b, Detail: c},
			{Link: m, At: n, ID: a, Route: b, Detail: c},
			{Link: m, User: n, ID: a, Property: b, Detail: c},
			{Link: m, Seq: n, ID: a + b, Detail: c},
			{Link: m, Seq: n, ID: a, Property: b, Outcome: c},
			{Link: m, Seq: n, Title: a, Request: b, Method: c, Client: d},
		}
		for i, x := range rows {
			for _, y := range rows[i+1:] {
				if same := bytes.Equal(x.Canonical(), y.Canonical()); same != (x == y) {
					t.Fatalf("%+v and %+v: the same bytes: %v", x, y, same)
				}
			}
		}
	})
}

func FuzzDetail(f *testing.F) {
	f.Add("key", "value", "a", "b")
	f.Add("a", "\x1b[2J\"}\\", "a", "\xff\u2028")
	f.Add(strings.Repeat("k", 500), strings.Repeat("\"", 5000), "", "")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string) {
		out := journal.Detail(slog.String(k1, v1), slog.Group(k2, slog.String(k1, v2), slog.String(k2, v1)), slog.Any(v2, []string{v1, k1}))
		var m map[string]any
		if err := json.Unmarshal(out, &m); err != nil || len(out) > 4<<10 || len(m) == 0 {
			t.Fatalf("%v, %d bytes: %s", err, len(out), out)
		}
		for _, r := range string(out) {
			if r < 0x20 || r >= 0x7f && r <= 0x9f || r == 0x2028 || r == 0x2029 || r == 0x202e {
				t.Fatalf("raw %U in %s", r, out)
			}
		}
	})
}
