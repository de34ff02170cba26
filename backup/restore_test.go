package backup

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
)

func TestPick(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	point := func(seq int64, hours int, left bool) *Point {
		return &Point{Manifest: Manifest{Seq: seq, Instant: at}, Effective: at.Add(time.Duration(hours) * time.Hour), Abandoned: left}
	}
	points := []*Point{point(1, 0, false), point(2, 1, false), point(3, 2, true), point(4, 3, false), point(5, 4, true)}
	for _, c := range []struct {
		which, at string
		want      int64 // 0: refused
		usage     bool
	}{
		{"", "", 4, false}, {"latest", "", 4, false}, {"2", "", 2, false}, {"5", "", 5, false}, {"9", "", 0, false}, {"x", "", 0, true},
		{"", "2026-11-24T13:30Z", 2, false}, {"", "2026-11-24T14:30Z", 2, false}, {"latest", "2026-11-24 15:00", 4, false}, {"", "2026-11-24", 0, false},
		{"", "noon", 0, true}, {"2", "2026-11-24T13:30Z", 0, true},
	} {
		p, err := pick(points, c.which, c.at)
		if (err == nil) != (c.want > 0) || err == nil && p.Seq != c.want || errors.Is(err, merlon.ErrUsage) != c.usage {
			t.Errorf("%q --at %q: %v, %v", c.which, c.at, p, err)
		}
	}
	if _, err := pick(points[4:], "", ""); err == nil {
		t.Error("an abandoned point is the latest")
	}
}

func TestParseKey(t *testing.T) {
	r, err := NewRecovery()
	if err != nil {
		t.Fatal(err)
	}
	kit := "recovery key\n" + groups(r.Reveal(), 8) + "\n\ntarget    file:///mnt/x\nsite      0123456789abcdef\n"
	k, err := parseKey(kit)
	if err != nil || k.recovery == nil || k.target != "file:///mnt/x" || k.site != "0123456789abcdef" {
		t.Errorf("the kit: %+v, %v", k, err)
	}
	if k, err := parseKey(FormatPointKey(make([]byte, fileKeySize))); err != nil || k.recovery != nil || k.id == nil {
		t.Errorf("a point key: %v", err)
	}
	for _, wrong := range []string{"", "hello", r.Reveal()[:70], strings.Repeat("A", 28)} {
		_, err := typedKey(wrong)
		if !errors.Is(err, merlon.ErrUsage) || wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestParseAims(t *testing.T) {
	if a, err := parseAims("rto=1m"); err != nil || a != (aims{targetRPO, time.Minute}) {
		t.Error(a, err)
	}
	for _, wrong := range []string{"rpo", "rpo=5", "rpo=-1m", "rta=5m", "rpo=5m,,"} {
		if _, err := parseAims(wrong); !errors.Is(err, merlon.ErrUsage) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// Each evidence names the one before; a drill over its targets fails.
func TestEvidence(t *testing.T) {
	data := t.TempDir()
	var before string
	for i := range 3 {
		e := &Evidence{Format: evidenceFormat, Started: time.Date(2026, 11, 24, 3, i, 0, 0, time.UTC), RPO: 600, RPOTarget: 900, RTO: 4, RTOTarget: 300}
		path, err := e.place(data)
		if err != nil {
			t.Fatal(err)
		}
		_, sum, _ := e.text()
		if err := e.write(path); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || sum != hashText(sha256.Sum256(text)) || e.Prev != before || filepath.Dir(path) != filepath.Join(data, "drills") {
			t.Errorf("evidence %d: %s after %q, want %q: %v", i, path, e.Prev, before, err)
		}
		if before = sum; e.judge() != nil {
			t.Errorf("within its targets: %v", e.judge())
		}
		if _, err := e.place(data); err == nil {
			t.Error("evidence is written over")
		}
		late, slow := *e, *e
		late.RPO, slow.RTO = 901, 301
		if late.judge() == nil || slow.judge() == nil {
			t.Error("over its targets a drill passes")
		}
	}
}

func TestSizesArePrinted(t *testing.T) {
	for n, want := range map[int64]string{0: "0.0 KB", 423: "0.4 KB", 48_123: "48.1 KB", 999_999: "1000.0 KB", 1_000_000: "1.0 MB", 3_250_000_000: "3250.0 MB"} {
		if got := megabytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

// A path that is typed in the place of an address is told as the address that it would be.
func TestPathForAnAddress(t *testing.T) {
	for path, want := range map[string]string{"/mnt/usb/club": "file:///mnt/usb/club", "/mnt/my usb": "file:///mnt/my%20usb", "backups": "write it like file:///"} {
		_, err := OpenTarget(t.Context(), path, nil, nil)
		var told *TargetError
		if !errors.As(err, &told) || !errors.Is(err, ErrAddress) || !strings.HasSuffix(told.Advice, want) && !strings.Contains(told.Advice, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// pick finds a point as the command does.
func pick(points []*Point, name, at string) (*Point, error) {
	w, err := parseWhich(name, at)
	if err != nil {
		return nil, err
	}
	return w.in(points)
}
