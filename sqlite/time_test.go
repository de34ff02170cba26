package sqlite_test

import (
	"testing"
	"time"

	"github.com/merlon-web/merlon/sqlite"
)

func TestTimes(t *testing.T) {
	for _, one := range []struct{ text, want string }{
		{"2026-02-28T23:59:58.123456Z", "2026-02-28T23:59:58.123456Z"},
		{"0001-01-01T00:00:00.000000Z", "0001-01-01T00:00:00Z"},
		{"2026-02-28 23:59:58", "2026-02-28T23:59:58Z"},
		{"2024-02-29", "2024-02-29T00:00:00Z"},
		{"2026-02-28T23:59:58+02:00", "2026-02-28T21:59:58Z"},
		{"2026-02-28T23:59:58.5Z", "2026-02-28T23:59:58.5Z"},
		{"2026-02-29", ""}, {"2026-13-01", ""}, {"2026-00-10", ""}, {"2026-01-00", ""}, {"2026-01-01 24:00:00", ""}, {"2026-01-01 00:60:00", ""}, {"2026-01-01 00:00:60", ""},
		{"2026/01/01", ""}, {"2026-1-1", ""}, {"", ""}, {"now", ""}, {"２０２６-01-01", ""}, {"2026-01-01T00:00:00.000000+", ""}, {"1700000000", ""},
	} {
		got, err := sqlite.ParseTime([]byte(one.text))
		switch {
		case one.want == "" && err == nil:
			t.Errorf("%q was read as %v", one.text, got)
		case one.want != "" && (err != nil || got.Format(time.RFC3339Nano) != one.want):
			t.Errorf("%q: got %v, %v; want %s", one.text, got, err, one.want)
		}
	}
}

// FuzzTime holds parseTime against the time package: it reads nothing that the two forms of SQLite and RFC 3339 do not
// have, reads the same instant, and what is stored comes back.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{"2026-02-28T23:59:58.123456Z", "2026-02-28 23:59:58", "2026-02-28", "2026-02-28T23:59:58+02:00", "9999-12-31T23:59:59.999999Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := sqlite.ParseTime([]byte(text))
		var want time.Time
		wantErr := error(nil)
		for _, layout := range []string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
			if want, wantErr = time.Parse(layout, text); wantErr == nil {
				break
			}
		}
		if err == nil && (wantErr != nil || !got.Equal(want)) {
			t.Errorf("%q: got %v, the time package says %v, %v", text, got, want, wantErr)
		}
		if err != nil || got.Year() < 0 || got.Year() > 9999 {
			return
		}
		stored := sqlite.AppendTime(nil, got)
		again, err := sqlite.ParseTime(stored)
		if err != nil || !again.Equal(got.Truncate(time.Microsecond)) {
			t.Errorf("%q was stored as %s and came back as %v, %v", text, stored, again, err)
		}
		if formatted := got.Truncate(time.Microsecond).Format("2006-01-02T15:04:05.000000Z07:00"); formatted != string(stored) {
			t.Errorf("stored %s, the time package writes %s", stored, formatted)
		}
	})
}
