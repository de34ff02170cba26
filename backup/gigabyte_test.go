package backup

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/sqlite"
)

// bigMB is the size of the database of TestGigabyte, in MB: MERLON_TEST_MB, else 1,000 in CI's long form and 24 otherwise,
// where only the way is tried.
func bigMB() int {
	if n, err := strconv.Atoi(os.Getenv("MERLON_TEST_MB")); err == nil {
		return n
	}
	if need.Long() {
		return 1000
	}
	return 24
}

// peak is the most memory that this process has had since its mark was set back, in MB; 0 where the system does not tell.
func peak(reset bool) float64 {
	if reset {
		_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	}
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	return 0
}

// processorTime is how long this process has computed, from /proc; 0 where the system does not tell.
func processorTime() time.Duration {
	text, _ := os.ReadFile("/proc/self/stat")
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // in ticks: proc_pid_stat(5)
}

// reads reads a row again and again until the context ends, and returns how long the slowest in a hundred took.
func (s *testSite) reads(ctx context.Context) (p99 time.Duration) {
	var took []time.Duration
	for ctx.Err() == nil {
		began := time.Now()
		r := s.site.House().Engine.Read(context.Background())
		_, err := newestNote.One(r)
		r.Close()
		if err != nil {
			s.t.Error(err)
			return 0
		}
		took = append(took, time.Since(began))
		time.Sleep(time.Millisecond)
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

type noteRow struct{ Text string }

var newestNote = db.Query[noteRow](noteSchema, "SELECT text FROM note ORDER BY id DESC LIMIT 1")

// writes writes a row every few milliseconds until the context ends.
func (s *testSite) writes(ctx context.Context) (n int) {
	for ; ctx.Err() == nil; n++ {
		s.note(1)
		time.Sleep(5 * time.Millisecond)
	}
	return n
}

// TestGigabyte makes a point of a large database beside a writer and readers, and restores it to a site that is up. Figures of
// a quiet machine are for the log and bench; what is held here holds on a busy one too.
func TestGigabyte(t *testing.T) {
	need.Time(t, "backs up a large database")
	s := newTestSite(t, true)
	size := int64(bigMB()) << 20
	text := make([]byte, 0, 64<<10)
	for n := int64(0); n < size; {
		err := s.site.House().Engine.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
			for range 50 {
				text = text[:0]
				for i := 0; len(text) < 60<<10; i++ {
					text = fmt.Appendf(text, "%s %d %x ", canary, n+int64(i), (n+int64(i))*2654435761)
				}
				n += int64(len(text))
				if _, err := insertNote.Run(w, string(text)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	copying := func() time.Duration {
		return timeOf(t, func() error {
			return copyAndSync(filepath.Join(s.data, "notes.db"), filepath.Join(t.TempDir(), "copy"))
		})
	}
	copied := copying()
	during := func(do func()) (p99 time.Duration, written int) {
		ctx, cancel := context.WithCancel(t.Context())
		read, wrote := make(chan time.Duration, 1), make(chan int, 1)
		go func() { read <- s.reads(ctx) }()
		go func() { wrote <- s.writes(ctx) }()
		do()
		cancel()
		return <-read, <-wrote
	}
	quiet, _ := during(func() { time.Sleep(2 * time.Second) })
	debug.FreeOSMemory()
	before, began := peak(true), processorTime()
	var made *Made
	var run time.Duration
	busy, written := during(func() {
		run = timeOf(t, func() (err error) { made, err = s.run("big"); return err })
	})
	more, cpu := peak(false)-before, processorTime()-began
	copied = (copied + copying()) / 2 // before and after: a busy machine is one at both
	t.Logf("%d MB: copy and fsync %.2f s, point %.2f s (%.2f of that rate; ciphertext %s); reads p99 %s quiet, %s beside (%.1f); memory +%.0f MB; %d rows written meanwhile; %.2f s of processors in all",
		bigMB(), copied.Seconds(), run.Seconds(), copied.Seconds()/run.Seconds(), megabytes(made.Size), quiet, busy, float64(busy)/float64(max(quiet, 1)), more, written, cpu.Seconds())
	if more > 48 {
		t.Errorf("a point of %d MB takes %.0f MB of memory: something holds the data", bigMB(), more)
	}
	point := s.points()[0]
	plain := timeOf(t, func() error { return s.unsealTo(point, filepath.Join(t.TempDir(), "plain")) })
	dest := filepath.Join(t.TempDir(), "data")
	open := func(data string, mode merlon.Mode) (*merlon.Site, error) {
		_, part := newPart(Config{})
		return merlon.New(merlon.Env{Data: data, Mode: mode, Log: slog.New(slog.DiscardHandler)}, merlon.Config{Name: "notes", Engine: sqlite.Engine("notes.db"), Schema: noteSchema, Parts: []merlon.Part{part}})
	}
	back := timeOf(t, func() error {
		f, err := s.part.fetch(t.Context(), fetching{store: s.store(), point: point, key: key{id: s.recovery.Identity()}, dest: dest, open: open, say: func(string, ...any) {}, restore: merlon.Restore{Now: time.Now(), Who: "test"}})
		if err != nil {
			return err
		}
		if _, err := f.commit(t.Context()); err != nil {
			return err
		}
		site, err := open(dest, merlon.Test)
		if err != nil {
			return err
		}
		if err := site.Start(t.Context()); err != nil {
			return err
		}
		return site.Close(t.Context())
	})
	t.Logf("decrypt, decompress and fsync %.2f s; to a site that is up %.2f s (%.2f)", plain.Seconds(), back.Seconds(), back.Seconds()/plain.Seconds())
}

func timeOf(t *testing.T, do func() error) time.Duration {
	t.Helper()
	began := time.Now()
	if err := do(); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

func copyAndSync(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return writeAndSync(in, to)
}

func writeAndSync(in io.Reader, to string) error {
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}

func (s *testSite) unsealTo(p *Point, path string) error {
	stream, err := s.store().Fetch(context.Background(), p, s.recovery.Identity())
	if err != nil {
		return err
	}
	defer stream.Close()
	return writeAndSync(stream, path)
}
