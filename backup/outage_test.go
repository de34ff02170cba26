package backup_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/backup/s3"
	"github.com/merlon-web/merlon/backup/sftp"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/s3peer"
	"github.com/merlon-web/merlon/internal/e2e/sftppeer"
)

// What befalls a store while a point is made never ends in a "yes"; it is an event; the site writes on; and the first run
// after it makes the point, with the chain whole.
func TestOutagesOfABucket(t *testing.T) {
	b := newBucketSite(t)
	b.Point()
	other := base64.StdEncoding.EncodeToString(make([]byte, 32))
	puts, heads := s3peer.Puts, s3peer.Heads
	manifests := func(r *http.Request) bool { return puts(r) && strings.HasSuffix(r.URL.Path, "/manifest.json") }
	half := s3peer.Body(func(body []byte) []byte { return body[:len(body)/2] })
	ten := func(years int) func(*http.Response) {
		return s3peer.Header("Date", time.Now().AddDate(years, 0, 0).UTC().Format(http.TimeFormat))
	}
	for _, c := range []struct {
		name  string
		fault s3peer.Fault
		kind  error
		event string
	}{
		{"gone", s3peer.Fault{Gone: true}, backup.ErrUnreachable, backup.RuleTargetAway.ID},
		{"503", s3peer.Fault{Status: 503, Code: "SlowDown"}, backup.ErrUnreachable, backup.RuleTargetAway.ID},
		{"503 for what is put", s3peer.Fault{On: puts, Status: 503, Code: "SlowDown"}, backup.ErrUnreachable, backup.RuleTargetAway.ID},
		{"503 for manifests", s3peer.Fault{On: manifests, Status: 503, Code: "SlowDown"}, backup.ErrUnreachable, backup.RuleTargetAway.ID},
		{"403", s3peer.Fault{On: puts, Status: 403, Code: "AccessDenied"}, backup.ErrDenied, backup.RuleTargetDenies.ID},
		{"404 bucket", s3peer.Fault{Status: 404, Code: "NoSuchBucket"}, backup.ErrNotFound, backup.RuleTargetAway.ID},
		{"full", s3peer.Fault{On: puts, Status: 507, Code: "InsufficientStorage"}, backup.ErrFull, backup.RuleTargetFull.ID},
		{"breaks in the middle", s3peer.Fault{On: puts, CutRequest: 300}, backup.ErrUnreachable, backup.RuleTargetAway.ID},
		{"half an answer", s3peer.Fault{On: s3peer.Gets, Change: half}, backup.ErrDamaged, backup.RuleUnread.ID},
		{"another hash is taken", s3peer.Fault{On: puts, Change: s3peer.Header("X-Amz-Checksum-Sha256", other)}, backup.ErrDamaged, backup.RuleUnread.ID},
		{"another hash is there", s3peer.Fault{On: heads, Change: s3peer.Header("X-Amz-Checksum-Sha256", other)}, backup.ErrDamaged, backup.RuleUnread.ID},
		{"ten years ahead", s3peer.Fault{Change: ten(10)}, backup.ErrClock, backup.RuleClock.ID},
		{"ten years behind", s3peer.Fault{Change: ten(-10)}, backup.ErrClock, backup.RuleClock.ID},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.proxy.Set(c.fault)
			before, rows := strings.Count(b.Events(), c.event), b.Rows()
			made, err := b.Run(1)
			if !errors.Is(err, c.kind) {
				t.Errorf("made %+v, %v; want %v", made, err, c.kind)
			}
			if n := strings.Count(b.Events(), c.event); n != before+1 {
				t.Errorf("%d events %s, there were %d before", n, c.event, before)
			}
			if n := b.Rows(); n != rows+1 {
				t.Errorf("%d rows, want %d", n, rows+1)
			}
			b.proxy.Set()
			if _, err := b.Run(1); err != nil {
				t.Errorf("the next run: %v", err)
			}
			points, err := b.store.Chain(t.Context(), nil)
			if err != nil {
				t.Errorf("the chain: %v", err)
			}
			for _, p := range points {
				if p.Data.LockUntil.After(time.Now().Add(401 * 24 * time.Hour)) {
					t.Errorf("point %d is locked until %s", p.Seq, p.Data.LockUntil)
				}
			}
			if len(points) > 0 {
				opens(t, b.store, points[len(points)-1], b.Recovery().Identity())
			}
		})
	}
	if !strings.Contains(b.Events(), backup.RuleWorksAgain.ID) {
		t.Error("no event says that it works again")
	}
}

// While a put waits for a slow store the site goes on as ever.
func TestTheSiteDoesNotWaitForTheStore(t *testing.T) {
	b := newBucketSite(t)
	b.Point()
	let := make(chan struct{})
	met := make(chan struct{}, 10)
	b.proxy.Set(s3peer.Fault{N: 1, On: s3peer.Puts, Change: func(*http.Response) { met <- struct{}{}; <-let }})
	done := make(chan error, 1)
	go func() {
		_, err := b.Run(1)
		done <- err
	}()
	<-met
	rows := b.Rows()
	for range 50 {
		b.Note(1)
	}
	if n := b.Rows(); n != rows+50 {
		t.Errorf("%d rows, want %d", n, rows+50)
	}
	select {
	case err := <-done:
		t.Errorf("the run did not wait: %v", err)
	default:
	}
	close(let)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A disk that is full, and one that is gone, are said; what stands there stays, and the next run makes the point.
func TestOutagesOfFolders(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		need.Missing(t, "the right to mount a tmpfs", "run it as root on Linux")
	}
	server := sftppeer.Start(t)
	for _, kind := range []string{"file", "sftp"} {
		t.Run(kind, func(t *testing.T) {
			folder := t.TempDir()
			tmpfs(t, folder)
			address, settings := "file://"+folder, backup.Settings(nil)
			if kind == "sftp" {
				address, settings = server.Address(folder), backup.Settings{"key-file": server.KeyFile, "host-key": server.HostKey}
			}
			s := backup.NewTestSite(t, address, settings, s3.Scheme, sftp.Scheme)
			s.Point()
			fill := filepath.Join(folder, "other-things")
			filled(t, fill)
			if _, err := s.Run(2000); !errors.Is(err, backup.ErrFull) {
				t.Errorf("full: %v", err)
			}
			if !strings.Contains(s.Events(), backup.RuleTargetFull.ID) {
				t.Error("no event")
			}
			if points, err := s.Store().Chain(t.Context(), nil); err != nil || len(points) != 1 {
				t.Errorf("%d points, %v", len(points), err)
			}
			if err := os.Remove(fill); err != nil {
				t.Fatal(err)
			}
			if made, err := s.Run(1); err != nil || made.Seq != 2 {
				t.Errorf("the next run: %+v, %v", made, err)
			}
			gone := filepath.Join(folder, s.Store().Site())
			if err := os.Rename(gone, gone+"-away"); err != nil {
				t.Fatal(err)
			}
			events := len(s.Events())
			if made, err := s.Run(1); err == nil || made != nil && !made.Skipped && made.Depth != "" {
				t.Errorf("gone: %+v, %v", made, err)
			}
			if len(s.Events()) <= events {
				t.Error("gone: no event")
			}
			if err := os.RemoveAll(gone); err != nil { // what a run may have made there
				t.Fatal(err)
			}
			if err := os.Rename(gone+"-away", gone); err != nil {
				t.Fatal(err)
			}
			if made, err := s.Run(1); err != nil || made.Seq != 3 {
				t.Errorf("the run after it was gone: %+v, %v", made, err)
			}
			parts, err := os.ReadDir(filepath.Join(folder, ".merlon-part"))
			if err != nil || len(parts) != 0 {
				t.Errorf("parts are left: %v, %v", parts, err)
			}
		})
	}
}

// tmpfs mounts 2 MB of memory over a folder, until the test ends.
func tmpfs(t *testing.T, folder string) {
	t.Helper()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", folder).CombinedOutput(); err != nil {
		need.Missing(t, "the right to mount a tmpfs", string(out))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", folder).CombinedOutput(); err != nil {
			t.Errorf("%s", out)
		}
	})
}

// filled writes a file until the disk takes no more.
func filled(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; size /= 2 {
		for {
			if _, err := f.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
}
