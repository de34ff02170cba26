package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

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

// reads asks the site for a page again and again until the context ends, over the network of this machine, and returns how
// long the slowest in a hundred took. Whoever asks has no processors of his own.
func (s *testSite) reads(ctx context.Context, address string) (p99 time.Duration) {
	var took []time.Duration
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for len(took) == 0 || ctx.Err() == nil {
		began := time.Now()
		res, err := client.Get(address + "/newest")
		if err != nil {
			s.t.Error(err)
			return 0
		}
		n, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if took = append(took, time.Since(began)); err != nil || res.StatusCode != http.StatusOK || n == 0 {
			s.t.Errorf("%d, %d bytes, %v", res.StatusCode, n, err)
			return 0
		}
		time.Sleep(time.Millisecond)
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// patiently makes a point, after the one that the site's own schedule may be making.
func (s *testSite) patiently(label string) (made *Made, took time.Duration) {
	s.t.Helper()
	for {
		began := time.Now()
		made, err := s.run(label)
		switch {
		case err == nil:
			return made, time.Since(began)
		case !errors.Is(err, ErrBusy):
			s.t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func showNewest(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	row, err := newestNote.One(r.DB)
	return merlon.Text(row.Text[:min(len(row.Text), 100)]), err
}

var newestRoutes = []merlon.Route{merlon.Get("/newest", merlon.Public(), showNewest)}

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

// fill writes rows of text until the database has about so many bytes.
func (s *testSite) fill(size int64) {
	s.t.Helper()
	text := make([]byte, 0, 64<<10)
	for n := int64(0); n < size; {
		err := s.site.House().Engine.Write(s.t.Context(), func(_ context.Context, w *db.Writer) error {
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
			s.t.Fatal(err)
		}
	}
}

// TestGigabyte makes a point of a large database beside a writer and readers, and restores it to a site that is up. Figures of
// a quiet machine are for the log and bench; what is held here holds on a busy one too.
func TestGigabyte(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // as in a site: memory is measured
	need.Time(t, "backs up a large database")
	s := &testSite{t: t, data: filepath.Join(t.TempDir(), "data"), target: t.TempDir(), routes: newestRoutes}
	s.start()
	s.setUp()
	s.fill(int64(bigMB()) << 20)
	server := httptest.NewServer(s.site)
	defer server.Close()
	file := filepath.Join(s.data, "notes.db")
	copying := func() time.Duration { return s.kept(func(to string) error { return copyAndSync(file, to) }) }
	during := func(do func()) (p99 time.Duration, written int) {
		ctx, cancel := context.WithCancel(t.Context())
		read, wrote := make(chan time.Duration, 1), make(chan int, 1)
		go func() { read <- s.reads(ctx, server.URL) }()
		go func() { wrote <- s.writes(ctx) }()
		do()
		cancel()
		return <-read, <-wrote
	}
	rounds := 1
	if bigMB() >= 500 {
		rounds = 5 // the slowest of a hundred are another hundred each time
	}
	var copied, beside, runs, slower []float64 // of each round
	for range rounds {
		alone := copying().Seconds()
		var copiedBeside time.Duration
		during(func() { copiedBeside = copying() })
		quiet, _ := during(func() { time.Sleep(2 * time.Second) })
		debug.FreeOSMemory()
		before, began := peak(true), processorTime()
		var made *Made
		var run time.Duration
		busy, written := during(func() { made, run = s.patiently("big") })
		more, cpu := peak(false)-before, processorTime()-began
		t.Logf("%d MB: copy and fsync %.2f s, %.2f s beside the same writer and readers; point %.2f s (ciphertext %s); GET p99 %s quiet, %s beside (%.1f); memory +%.0f MB; %d rows written meanwhile; %.2f s of processors in all",
			bigMB(), alone, copiedBeside.Seconds(), run.Seconds(), megabytes(made.Size), quiet, busy, float64(busy)/float64(max(quiet, 1)), more, written, cpu.Seconds())
		if more > 48 {
			t.Errorf("a point of %d MB takes %.0f MB of memory: something holds the data", bigMB(), more)
		}
		copied, beside, runs, slower = append(copied, alone), append(beside, copiedBeside.Seconds()), append(runs, run.Seconds()), append(slower, float64(busy)/float64(max(quiet, 1)))
	}
	median := func(of []float64) float64 { slices.Sort(of); return of[len(of)/2] }
	t.Logf("medians: a point has %.2f of the rate of copy and fsync, %.2f of that beside the same writer and readers; GET p99 is %.1f times that of quiet",
		median(copied)/median(runs), median(beside)/median(runs), median(slower))
	began := processorTime()
	bare := s.kept(func(to string) error { return barePoint(file, to) })
	cpuBare := processorTime() - began
	began = processorTime()
	_, alone := s.patiently("alone")
	cpuAlone := processorTime() - began
	t.Logf("the libraries alone, one after the other on one processor: %.2f s, %.2f s of processors (%.2f of copy and fsync on two that do nothing else); a point beside nobody %.2f s, %.2f s of processors (%.2f)",
		bare.Seconds(), cpuBare.Seconds(), 2*median(copied)/max(cpuBare.Seconds(), 0.01), alone.Seconds(), cpuAlone.Seconds(), cpuAlone.Seconds()/max(cpuBare.Seconds(), 0.01))
	point := s.points()[0]
	plain := s.kept(func(to string) error { return s.unsealTo(point, to) })
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

// kept is how long a file takes to be written, which is removed afterwards: the next one finds memory and disk as this one did.
func (s *testSite) kept(write func(to string) error) time.Duration {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "kept")
	defer os.Remove(path)
	return timeOf(s.t, func() error { return write(path) })
}

// barePoint is what no point can do without, by the libraries alone and with nothing around it: hash a file, compress, seal and
// hash it into another one; open that, decompress it and hash what comes out.
func barePoint(from, to string) error {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	plain, back := sha256.New(), sha256.New()
	sealed, err := age.Encrypt(io.MultiWriter(out, sha256.New()), id.Recipient())
	if err != nil {
		return err
	}
	z, err := compressor(sealed)
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(io.MultiWriter(plain, z), struct{ io.Reader }{in}, make([]byte, 1<<20)); err != nil {
		return err
	}
	if err := errors.Join(z.Close(), sealed.Close(), out.Sync()); err != nil {
		return err
	}
	again, err := os.Open(to)
	if err != nil {
		return err
	}
	defer again.Close()
	opened, err := age.Decrypt(again, id)
	if err != nil {
		return err
	}
	d, err := zstd.NewReader(opened, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := io.CopyBuffer(struct{ io.Writer }{back}, struct{ io.Reader }{d}, make([]byte, 1<<20)); err != nil {
		return err
	}
	if !bytes.Equal(plain.Sum(nil), back.Sum(nil)) {
		return errors.New("what came back is not what went in")
	}
	return nil
}

func timeOf(t testing.TB, do func() error) time.Duration {
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
