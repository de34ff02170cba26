package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
)

// A drill whose proof cannot be put has not passed, and no file says so.
func TestProofOfADrillThatCannotBePut(t *testing.T) {
	s := chainOf(t, 1)
	s.wrap(func(to Target) Target {
		return failing{to, func(name string) (bool, error) { return false, fmt.Errorf("%s: %w", name, ErrFull) }}
	})
	e := &Evidence{Format: evidenceFormat, Outcome: "pass", Started: time.Now()}
	path, err := s.part.runner.noteDrill(t.Context(), s.points()[0], e, nil)
	if !errors.Is(err, ErrFull) || e.Outcome != "fail" || s.state().Drill != "fail" {
		t.Errorf("%v; the evidence says %q, the state %q", err, e.Outcome, s.state().Drill)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), `"pass"`) || !strings.Contains(string(text), "full") {
		t.Errorf("%s: %v", text, err)
	}
	var out strings.Builder
	e.print(&out)
	has(t, out.String(), "FAIL")
}

// A drill whose evidence cannot be kept has put no proof.
func TestEvidenceThatCannotBeKept(t *testing.T) {
	s, puts := chainOf(t, 1), 0
	s.wrap(func(to Target) Target {
		return failing{to, func(string) (bool, error) { puts++; return true, nil }}
	})
	if err := os.Symlink("/proc", filepath.Join(s.data, "drills")); err != nil || runtime.GOOS != "linux" {
		t.Skipf("needs a folder in which nobody can write: %v", err)
	}
	e := &Evidence{Format: evidenceFormat, Outcome: "pass", Started: time.Now()}
	if _, err := s.part.runner.noteDrill(t.Context(), s.points()[0], e, nil); err == nil || e.Outcome != "fail" || s.state().Drill != "fail" || puts != 0 {
		t.Errorf("%v, %d put; the evidence says %q, the state %q", err, puts, e.Outcome, s.state().Drill)
	}
}

// Who ends a command gets the exit code of that, at whatever step.
func TestCommandsThatAreEnded(t *testing.T) {
	p, target := newProgram(t), t.TempDir()
	p.run(cli.ExitDone, "migrate", "up")
	p.run(cli.ExitDone, "backup", "init", "--to", "file://"+target, "--try", "--kit", filepath.Join(t.TempDir(), "kit.html"))
	p.note()
	p.run(cli.ExitDone, "backup", "run")
	p.note()
	for _, args := range [][]string{{"backup", "run"}, {"backup", "verify"}, {"backup", "list"}, {"drill"}} {
		ctx, cancel := context.WithCancel(t.Context())
		call := func(env merlon.Env) (*merlon.Site, error) {
			cancel() // as the command begins
			return p.open(env)
		}
		var o, e bytes.Buffer
		if got := cli.Run(ctx, call, append(args, "--data", p.data), &o, &e); got != cli.ExitInterrupted {
			t.Errorf("%q: exit %d\n%s%s", args, got, o.String(), e.String())
		}
	}
	for _, err := range []error{ErrUnreachable, ErrBusy, errors.New("read: interrupted")} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := commandError(ctx, err); !errors.Is(got, context.Canceled) || errors.Is(got, merlon.ErrCannot) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// An older point is advised when it may be the better one, and not when it would fail likewise.
func TestInstead(t *testing.T) {
	point := &Point{Manifest: Manifest{Seq: 6}}
	to := choice{point: point, before: &Point{Manifest: Manifest{Seq: 5}}}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx   context.Context
		err   error
		older bool
		want  string
	}{
		{t.Context(), errors.New("it does not decrypt"), true, "restore 5"},
		{t.Context(), fmt.Errorf("write: %w", syscall.ENOSPC), false, "disk is full"},
		{t.Context(), fmt.Errorf("%w: sealed to another", ErrKey), false, "sealed to another"},
		{t.Context(), fmt.Errorf("%w: a timeout", ErrUnreachable), false, "a timeout"},
		{ended, errors.New("it does not decrypt"), false, "nothing was restored"},
	} {
		got := to.instead(c.ctx, notOpened(point, c.err))
		has(t, got.Error(), c.want)
		if strings.Contains(got.Error(), "take an older one") != c.older {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}

// The key of another point is told as that, and not as an altered object.
func TestPointKeyOfAnotherPoint(t *testing.T) {
	s := chainOf(t, 2)
	points, store := s.points(), s.store()
	text, err := store.Header(t.Context(), points[0])
	if err != nil {
		t.Fatal(err)
	}
	header, err := ParseHeader(text)
	if err != nil {
		t.Fatal(err)
	}
	fileKey, err := header.Open(s.recovery.Identity())
	if err != nil {
		t.Fatal(err)
	}
	k, err := parseKey(FormatPointKey(fileKey))
	if err != nil {
		t.Fatal(err)
	}
	_, err = unpackInto(t.Context(), store, points[1], k, t.TempDir(), nil, func(string, ...any) {})
	if !errors.Is(err, ErrKey) || strings.Contains(err.Error(), "altered") {
		t.Errorf("%v", err)
	}
}
