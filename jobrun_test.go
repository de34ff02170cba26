package merlon_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/sqlite"
)

var (
	hang     = make(chan struct{})
	hangs    atomic.Int64
	hangJob  = merlon.Job("test/hang", func(context.Context, *merlon.Work, struct{}) error { hangs.Add(1); <-hang; return nil }).Within(time.Second)
	quick    = make(chan struct{}, 1)
	quickJob = merlon.Job("test/quick", func(context.Context, *merlon.Work, struct{}) error { quick <- struct{}{}; return nil })
)

// TestRunsThatHang: a run that heeds no context is told of once, is not run a second time beside itself, and gives its place
// to the jobs of others, however many hang.
func TestRunsThatHang(t *testing.T) {
	var ahead atomic.Int64
	var log lockedText
	site, err := merlon.New(merlon.Env{Mode: merlon.Test, Data: t.TempDir(), Log: event.NewLog(&log, false, slog.LevelInfo), Clock: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }},
		merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Jobs: []merlon.AnyKind{hangJob, quickJob}})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	enqueue := func(kinds ...*merlon.Kind[struct{}]) {
		t.Helper()
		if err := site.House().Engine.Write(t.Context(), func(_ context.Context, w *db.Writer) (err error) {
			for _, k := range kinds {
				err = errors.Join(err, k.Enqueue(w, struct{}{}))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	const many = 8
	for n := int64(2); n <= many; n += 2 {
		enqueue(hangJob, hangJob)
		for end := time.Now().Add(time.Minute); hangs.Load() < n; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d of %d jobs have begun", hangs.Load(), n)
			}
		}
		ahead.Add(int64(10 * time.Hour))
	}
	enqueue(quickJob)
	select {
	case <-quick:
	case <-time.After(time.Minute):
		t.Fatalf("a job waits for %d that do not end", many)
	}
	if n := hangs.Load(); n != many {
		t.Errorf("%d runs of %d jobs: some run twice at a time", n, many)
	}
	close(hang)
	if err := site.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), merlon.RuleJobHangs.ID); n != many {
		t.Errorf("%d runs that hang are told %d times:\n%s", many, n, log.String())
	}
}

// TestUnlistedJobsAreFound: check names a job that stands beside the site's handlers and is in no list.
func TestUnlistedJobsAreFound(t *testing.T) {
	for _, listed := range []bool{false, true} {
		cfg := merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: sitePages, Schema: siteSchema,
			Parts: []merlon.Part{account.New(account.Config{})}, Routes: testRoutes()}
		if listed {
			cfg.Jobs = []merlon.AnyKind{unlistedJob}
		}
		site, err := merlon.New(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, r := range site.Check(t.Context()) {
			for _, f := range r.Findings {
				found = found || f.ID == merlon.RuleJob.ID && strings.Contains(f.What, `"test/unlisted"`)
			}
		}
		if found == listed {
			t.Errorf("listed %v, found %v", listed, found)
		}
	}
}

// TestTasksThatNeverRun are refused; one without a time runs at the end.
func TestTasksThatNeverRun(t *testing.T) {
	ran := 0
	run := func(context.Context, *merlon.House) error { ran++; return nil }
	for _, c := range []struct {
		task    merlon.Task
		refused bool
	}{
		{merlon.Task{Name: "t/none", Run: run}, true},
		{merlon.Task{Name: "t/back", Every: -time.Second, Last: true, Run: run}, true},
		{merlon.Task{Name: "t/nothing", Every: time.Second}, true},
		{merlon.Task{Name: "t/last", Last: true, Run: run}, false},
	} {
		site, err := merlon.New(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"),
			Parts: []merlon.Part{{Name: "t", Tasks: []merlon.Task{c.task}}}})
		if refused := err != nil && strings.Contains(err.Error(), string(c.task.Name)); refused != c.refused {
			t.Errorf("%s: %v", c.task.Name, err)
		}
		if err != nil {
			continue
		}
		if err := errors.Join(site.Start(t.Context()), site.Close(t.Context())); err != nil || ran != 1 {
			t.Errorf("%s ran %d times, %v", c.task.Name, ran, err)
		}
	}
}

// TestAHandlerThatComesLate: a middleware answers before its handler has begun, and the handler finds that it is over; run
// with -race.
func TestAHandlerThatComesLate(t *testing.T) {
	mw := func(next http.Handler) http.Handler { return http.TimeoutHandler(next, 0, "late") }
	site, err := openTestSiteWith(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, merlon.Wrap(mw, merlon.Get("/late", merlon.Public(), plain))...)
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		if i%2 == 0 {
			cancel()
		}
		site.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/late", nil))
		cancel()
	}
	time.Sleep(100 * time.Millisecond)
	if err := site.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A task runs when its part wakes it, and without a time of its own then alone.
func TestWokenTask(t *testing.T) {
	wake, ran := make(chan struct{}), make(chan struct{}, 2)
	run := func(context.Context, *merlon.House) error { ran <- struct{}{}; return nil }
	site, err := merlon.New(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"),
		Parts: []merlon.Part{{Name: "t", Tasks: []merlon.Task{{Name: "t/woken", Run: run, Wake: wake}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		select {
		case wake <- struct{}{}:
			<-ran
		case <-time.After(10 * time.Second):
			t.Fatal("nobody waits to be woken")
		}
	}
	if err := site.Close(t.Context()); err != nil || len(ran) != 0 {
		t.Errorf("it ran %d times more, %v", len(ran), err)
	}
}
