package several_test

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/postgres"
)

//go:embed testdata
var jobFiles embed.FS

var (
	jobSchema = db.From(jobFiles, "testdata/migrations")
	addDone   = db.Exec(jobSchema, "INSERT INTO done (what) VALUES ($1)")

	numbered = merlon.Job("several/numbered", func(_ context.Context, w *merlon.Work, n int) error { return note(w, fmt.Sprint("job ", n)) })
	ticking  = merlon.Job("several/ticking", func(_ context.Context, w *merlon.Work, _ struct{}) error {
		return note(w, "tick "+w.Now().UTC().Truncate(time.Second).Format(time.TimeOnly))
	}).Every(time.Second)
)

func note(w *merlon.Work, what string) error {
	return w.Write(func(dw *db.Writer) error { _, err := addDone.Run(dw, what); return err })
}

// TestJobsRunOnce: of two processes' worth of a site each takes jobs that either has enqueued, and each job runs once; so does a periodic
// one at each of its times.
func TestJobsRunOnce(t *testing.T) {
	need.Time(t, "runs two sites on one server")
	server := pgpeer.Shared(t)
	name, dir := server.Database(t), t.TempDir()
	open := func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "several", Engine: postgres.Engine(server.Config(name)), Schema: jobSchema,
			Jobs: []merlon.AnyKind{numbered, ticking}})
	}
	both := []*merlontest.Server{merlontest.StartIn(t, dir, open), merlontest.StartIn(t, dir, open)}
	const each = 40
	for i, s := range both {
		s.Write(func(w *db.Writer) error {
			for n := range each {
				if err := numbered.Enqueue(w, i*each+n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		all := server.Query(t, name, "SELECT what FROM done")
		times := map[string]int{}
		jobs, ticks := 0, 0
		for _, what := range all {
			if times[what]++; times[what] > 1 {
				t.Fatalf("%q was done %d times", what, times[what])
			}
			if strings.HasPrefix(what, "tick") {
				ticks++
			} else {
				jobs++
			}
		}
		if jobs == 2*each && ticks >= 3 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d jobs and %d ticks are done", jobs, ticks)
		}
	}
}
