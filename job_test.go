package merlon_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/sqlite"
)

type told struct{ Text string }

// fickle is an argument that its own type cannot read back: what is left of one whose type has changed.
type fickle struct{ Text string }

func (fickle) MarshalJSON() ([]byte, error) { return []byte(`{"Text":"a","Gone":"private"}`), nil }

var (
	noteJob     = merlon.Job("test/note", func(_ context.Context, w *merlon.Work, a told) error { return noteRun(w, a.Text) })
	failJob     = merlon.Job("test/fail", failRun).Tries(3)
	panicJob    = merlon.Job("test/panic", func(context.Context, *merlon.Work, told) error { panic("the job's own panic") }).Tries(2)
	hourlyJob   = merlon.Job("test/hourly", func(_ context.Context, w *merlon.Work, _ struct{}) error { return noteRun(w, "hourly") }).Every(time.Hour)
	fickleJob   = merlon.Job("test/fickle", func(_ context.Context, w *merlon.Work, a fickle) error { return noteRun(w, a.Text) })
	unlistedJob = merlon.Job("test/unlisted", func(_ context.Context, w *merlon.Work, a told) error { return noteRun(w, a.Text) })
	slowJob     = merlon.Job("test/slow", slowRun)
	killedJob   = merlon.Job("test/killed", killedRun)
	chainJob    = merlon.Job("test/chain", func(_ context.Context, w *merlon.Work, n int) error {
		return w.Write(func(dw *db.Writer) error {
			if _, err := insertNote.Run(dw, "job", fmt.Sprint("chain ", n)); err != nil || n == 0 {
				return err
			}
			return chain.Enqueue(dw, n-1)
		})
	})
	chain *merlon.Kind[int]
)

func init() { chain = chainJob } // it names itself

func noteRun(w *merlon.Work, text string) error {
	return w.Write(func(dw *db.Writer) error {
		event.Record(dw.Context(), ruleTest, event.Done)
		_, err := insertNote.Run(dw, "job", text)
		return err
	})
}

func failRun(_ context.Context, w *merlon.Work, a told) error {
	if a.Text == "mended" {
		return noteRun(w, a.Text)
	}
	if err := w.Write(func(dw *db.Writer) error { // rolled back with its events and jobs
		event.Record(dw.Context(), ruleTest, event.Done)
		if err := noteJob.Enqueue(dw, told{"half"}); err != nil {
			return err
		}
		_, err := insertNote.Run(dw, "job", "half")
		return errors.Join(err, errors.New("the job's own error"))
	}); err != nil {
		return err
	}
	return nil
}

// slow is what the test of Close and the slow job say to each other.
var slow = struct{ began, finish chan struct{} }{make(chan struct{}), make(chan struct{})}

func slowRun(ctx context.Context, w *merlon.Work, a told) error {
	if w.Try() > 1 || a.Text == "again" {
		return noteRun(w, "slow again")
	}
	slow.began <- struct{}{}
	select {
	case <-slow.finish:
		return noteRun(w, "slow done")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func killedRun(ctx context.Context, w *merlon.Work, a told) error {
	if err := noteRun(w, fmt.Sprint(a.Text, " ", w.Try())); err != nil {
		return err
	}
	if os.Getenv("MERLON_TEST_JOB_CHILD") != "" {
		fmt.Println("running") // and now it is killed
		<-ctx.Done()
	}
	return nil
}

type enqueueForm struct {
	How string `form:"required,choices=ok|error|panic|status|unlisted" label:"How"`
}

func enqueue(w *merlon.Write[account.Guest], f form.Form[enqueueForm]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.JSONProblems(422, f), nil
	}
	if in.How == "unlisted" {
		return merlon.JSON("queued"), unlistedJob.Enqueue(w.DB, told{"unlisted"})
	}
	if err := noteJob.Enqueue(w.DB, told{"from a post"}); err != nil {
		return nil, err
	}
	switch in.How {
	case "error":
		return nil, errors.New("no")
	case "panic":
		panic("no")
	case "status":
		return merlon.JSONProblems(409, f), nil
	}
	return merlon.JSON("queued"), nil
}

func openJobs(env merlon.Env) (*merlon.Site, error) { return openJobsWith(env) }

func openJobsWith(env merlon.Env, more ...merlon.AnyKind) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"), Pages: votePages, Schema: siteSchema,
		Parts: []merlon.Part{account.New(account.Config{}), {Name: "jobs", Jobs: []merlon.AnyKind{slowJob, killedJob, chainJob}}},
		Jobs:  append([]merlon.AnyKind{noteJob, failJob, panicJob, fickleJob}, more...),
		Routes: []merlon.Route{
			merlon.Get("/votes", account.Anyone(), showVotes),
			merlon.Post("/votes", account.Anyone(), enqueue, merlon.JSONBody()),
		}})
}

func jobNotes(s *merlontest.Server) (texts []string) {
	s.Read(func(r *db.Reader) error {
		list, err := allNotes.All(r, 100)
		for _, n := range list {
			texts = append(texts, n.Text)
		}
		return err
	})
	return texts
}

func jobList(s *merlontest.Server) (list []merlon.JobInfo) {
	s.Read(func(r *db.Reader) (err error) {
		list, err = s.Site.House().Jobs(r, 100)
		return err
	})
	return list
}

// events counts the rows of the journal of one rule.
func events(s *merlontest.Server, id string) (n int) {
	s.Read(func(r *db.Reader) error {
		list, err := journal.List(r, journal.Filter{ID: id})
		n = len(list)
		return err
	})
	return n
}

func TestJobIsOfItsTransaction(t *testing.T) {
	s := merlontest.Start(t, openJobs)
	v := s.Visitor().Get("/votes")
	token := tokenOn(t, v)
	for how, status := range map[string]int{"error": 500, "panic": 500, "status": 409, "unlisted": 500} {
		script(s, v, "/votes", token, `{"How":"`+how+`"}`).Is(status)
	}
	s.Jobs()
	if list, notes := jobList(s), jobNotes(s); len(list) != 0 || len(notes) != 0 {
		t.Errorf("a rolled back request left the jobs %v and the notes %q", list, notes)
	}
	if !strings.Contains(s.Log.String(), "name it in merlon.Config.Jobs") {
		t.Error("enqueueing a job that nothing would run does not say so")
	}
	script(s, v, "/votes", token, `{"How":"ok"}`).Is(200)
	script(s, v, "/votes", token, `{"How":"ok"}`).Is(200) // a double click
	s.Jobs()
	if list, notes := jobList(s), jobNotes(s); len(list) != 0 || !slices.Equal(notes, []string{"from a post"}) {
		t.Errorf("jobs %v, notes %q", list, notes)
	}
	if events(s, ruleTest.ID) != 1 {
		t.Error("the event of the job's transaction is not in the journal")
	}
	if err := noteJob.Enqueue(new(db.Writer), told{"x"}); err == nil || !strings.Contains(err.Error(), "none of a site that runs") {
		t.Errorf("a dead writer: %v", err)
	}
	s.Write(func(w *db.Writer) error {
		if err := noteJob.Enqueue(w, told{strings.Repeat("x", 65<<10)}); err == nil {
			t.Error("a large argument was taken")
		}
		return nil
	})
}

func TestJobsLater(t *testing.T) {
	s := merlontest.Start(t, openJobs)
	s.Write(func(w *db.Writer) error {
		return errors.Join(noteJob.EnqueueAfter(w, time.Hour, told{"after"}), noteJob.EnqueueAt(w, s.Now().Add(2*time.Hour), told{"at"}), chainJob.Enqueue(w, 2))
	})
	s.Jobs()
	if got := jobNotes(s); !slices.Equal(got, []string{"chain 2", "chain 1", "chain 0"}) {
		t.Errorf("at once: %q", got)
	}
	s.Advance(time.Hour + time.Second)
	s.Jobs()
	s.Advance(time.Hour)
	s.Jobs()
	if got := jobNotes(s); !slices.Equal(got[3:], []string{"after", "at"}) {
		t.Errorf("later: %q", got)
	}
}

func TestJobIsTriedAgainAndGivenUp(t *testing.T) {
	s := merlontest.Start(t, openJobs)
	s.Write(func(w *db.Writer) error { return failJob.Enqueue(w, told{"x"}) })
	tries := func(want int, state string) {
		t.Helper()
		s.Jobs()
		if list := jobList(s); len(list) != 1 || list[0].Tries != want || list[0].State != state || list[0].Problem != "the job's own error" {
			t.Fatalf("got %+v, want %d tries, %s", list, want, state)
		}
	}
	tries(1, "waiting")
	s.Advance(50 * time.Second)
	tries(1, "waiting") // its pause is a minute
	s.Advance(11 * time.Second)
	tries(2, "waiting")
	s.Advance(90 * time.Second)
	tries(2, "waiting") // two minutes
	s.Advance(31 * time.Second)
	tries(3, "given up")
	s.Advance(100 * time.Hour)
	tries(3, "given up")
	if notes := jobNotes(s); len(notes) != 0 || events(s, ruleTest.ID) != 0 || events(s, merlon.RuleJobGivenUp.ID) != 1 {
		t.Errorf("notes %q, %d events of success, %d of giving up", notes, events(s, ruleTest.ID), events(s, merlon.RuleJobGivenUp.ID))
	}
	found := s.Site.Check(t.Context()).Findings(check.Low)
	if !slices.ContainsFunc(found, func(f check.Finding) bool {
		return f.ID == merlon.RuleJobGivenUp.ID && f.What == "1 jobs were given up"
	}) {
		t.Error("check does not tell of it")
	}
	id := jobList(s)[0].ID
	s.Write(func(w *db.Writer) error { return s.Site.House().RetryJob(w, id) })
	tries(1, "waiting")
	s.Write(func(w *db.Writer) error {
		h := s.Site.House()
		if err := h.DropJob(w, id, " "); err == nil {
			t.Error("dropped without a reason")
		}
		if err := h.RetryJob(w, 999); !errors.Is(err, db.ErrNoRow) {
			t.Errorf("a retry of nothing: %v", err)
		}
		if err := h.DropJob(w, 999, "x"); !errors.Is(err, db.ErrNoRow) {
			t.Errorf("a drop of nothing: %v", err)
		}
		return h.DropJob(w, id, "a test")
	})
	if len(jobList(s)) != 0 || events(s, merlon.RuleJobDropped.ID) != 1 {
		t.Error("dropped, and still there or no event")
	}
}

// A site that runs no more says so, and asks for no reason that was given.
func TestDropJobOfASiteThatDoesNotRun(t *testing.T) {
	site, err := openJobs(merlon.Env{Data: t.TempDir(), Mode: merlon.Test})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	house := site.House()
	if err := site.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := house.DropJob(nil, 1, "a test"); err == nil || !strings.Contains(err.Error(), "does not run") || strings.Contains(err.Error(), "give a reason") {
		t.Errorf("behind Close: %v", err)
	}
}

func TestJobThatPanics(t *testing.T) {
	s := merlontest.Start(t, openJobs)
	s.Write(func(w *db.Writer) error {
		return errors.Join(panicJob.Enqueue(w, told{"x"}), noteJob.Enqueue(w, told{"beside it"}))
	})
	s.Jobs()
	if list := jobList(s); len(list) != 1 || list[0].Problem != "panic: the job's own panic" || list[0].Tries != 1 {
		t.Errorf("got %+v", list)
	}
	if got := jobNotes(s); !slices.Equal(got, []string{"beside it"}) {
		t.Errorf("the other job: %q", got)
	}
	if log := s.Log.String(); !strings.Contains(log, "a job panicked") || !strings.Contains(log, "job_test.go") {
		t.Error("the panic and its stack are not in the log")
	}
	s.Advance(2 * time.Minute)
	s.Jobs()
	if list := jobList(s); len(list) != 1 || list[0].State != "given up" {
		t.Errorf("got %+v", list)
	}
	s.Visitor().Get("/votes").Is(200)
}

// An argument of another type than its kind's, one that was moved, and a job whose kind is gone are given up at once.
func TestJobThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	t.Run("first", func(t *testing.T) {
		s := merlontest.StartIn(t, dir, func(env merlon.Env) (*merlon.Site, error) {
			env.NoJobs = true
			return openJobsWith(env, hourlyJob)
		})
		s.Write(func(w *db.Writer) error {
			return errors.Join(fickleJob.Enqueue(w, fickle{}), noteJob.Enqueue(w, told{"moved"}), noteJob.Enqueue(w, told{"gone"}))
		})
		s.Write(func(w *db.Writer) error {
			_, err := renameJob.Run(w, "test/chain", 2)
			_, err2 := renameJob.Run(w, "test/no-more", 3)
			return errors.Join(err, err2)
		})
	})
	s := merlontest.StartIn(t, dir, openJobs)
	s.Jobs()
	list := jobList(s)
	if len(list) != 3 {
		t.Fatalf("got %+v", list)
	}
	for i, want := range []string{"none of merlon_test.fickle any more", "does not open", "no job of this name"} {
		if j := list[i]; j.State != "given up" || j.Tries != 0 || !strings.Contains(j.Problem, want) || strings.Contains(j.Problem, "private") {
			t.Errorf("got %+v, want %q", j, want)
		}
	}
	if n := events(s, merlon.RuleJobGivenUp.ID); n != 3 || len(jobNotes(s)) != 0 {
		t.Errorf("%d events, notes %q", n, jobNotes(s))
	}
}

var renameJob = db.Exec(siteSchema, "UPDATE merlon_job SET name = $1 WHERE id = $2")

func TestPeriodicJobRunsOnce(t *testing.T) {
	need.Calm(t, time.Hour, time.Minute) // at the full hour it runs by itself
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) { return openJobsWith(env, hourlyJob) })
	s.Jobs()
	var all sync.WaitGroup
	for range 8 { // as many processes that start
		all.Go(func() {
			if err := s.Site.StartSeries(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	list := jobList(s)
	if len(list) != 1 || list[0].Due.Minute() != 0 || list[0].Due.Second() != 0 || !list[0].Due.After(s.Now()) || list[0].Due.Sub(s.Now()) > time.Hour {
		t.Fatalf("got %+v, want one job at the full hour", list)
	}
	for i, pass := range []time.Duration{time.Hour, time.Hour, 50 * time.Hour} { // the last: as if the site had been down
		s.Advance(pass)
		s.Jobs()
		s.Jobs()
		if got := jobNotes(s); len(got) != i+1 {
			t.Fatalf("after %v: %q, want %d runs", pass, got, i+1)
		}
	}
	if list := jobList(s); len(list) != 1 || list[0].Tries != 0 {
		t.Errorf("got %+v", list)
	}
}

// A periodic kind that the program lacks for a while leaves nothing behind, and begins anew when it is back.
func TestPeriodicJobComesAndGoes(t *testing.T) {
	need.Calm(t, time.Hour, time.Minute)
	dir := t.TempDir()
	for i, with := range []bool{true, false, true} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			s := merlontest.StartIn(t, dir, func(env merlon.Env) (*merlon.Site, error) {
				if with {
					return openJobsWith(env, hourlyJob)
				}
				return openJobs(env)
			})
			s.Jobs()
			s.Advance(map[bool]time.Duration{true: time.Hour, false: 3 * time.Hour}[with]) // the row of the first program is due then
			s.Jobs()
			if list := jobList(s); with != (len(list) == 1) || with && (list[0].State != "waiting" || list[0].Due.Sub(s.Now()) > time.Hour) {
				t.Errorf("listed %v: got %+v", with, list)
			}
			if got, want := len(jobNotes(s)), []int{1, 1, 2}[i]; got != want || events(s, merlon.RuleJobGivenUp.ID) != 0 {
				t.Errorf("%d runs, want %d; %d given up", got, want, events(s, merlon.RuleJobGivenUp.ID))
			}
		})
	}
}

// A lease is one worker's until it ends; then the run counts as one that failed.
func TestJobLease(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		env.NoJobs = true
		return openJobs(env)
	})
	s.Write(func(w *db.Writer) error { return failJob.Enqueue(w, told{"x"}) })
	for try := 1; try <= 3; try++ {
		if a, b := s.Site.TakeJobs(t), s.Site.TakeJobs(t); a != 1 || b != 0 {
			t.Fatalf("try %d: two workers took %d and %d", try, a, b)
		}
		s.Advance(6*time.Minute + time.Second)
	}
	if n := s.Site.TakeJobs(t); n != 0 {
		t.Errorf("taken a fourth time")
	}
	if list := jobList(s); len(list) != 1 || list[0].State != "given up" || !strings.Contains(list[0].Problem, "ended without a word") {
		t.Errorf("a job that ends its process each time: %+v", list)
	}
}

func TestCloseWaitsForJobs(t *testing.T) {
	dir, clock := t.TempDir(), time.Now
	open := func() *merlon.Site {
		t.Helper()
		site, err := openJobs(merlon.Env{Mode: merlon.Test, Data: dir, Clock: clock, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if err := site.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return site
	}
	queue := func(site *merlon.Site, text string) {
		t.Helper()
		if err := site.House().Engine.Write(t.Context(), func(_ context.Context, w *db.Writer) error { return slowJob.Enqueue(w, told{text}) }); err != nil {
			t.Fatal(err)
		}
	}
	site := open()
	queue(site, "x")
	<-slow.began
	closed := make(chan error)
	go func() { closed <- site.Close(context.Background()) }()
	select {
	case <-closed:
		t.Fatal("closed while a job ran")
	case <-time.After(50 * time.Millisecond):
	}
	slow.finish <- struct{}{}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}

	site = open()
	queue(site, "y")
	<-slow.began
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := site.Close(short); err != nil || time.Since(begun) > time.Minute {
		t.Fatalf("a job that takes longer than Close: %v after %v", err, time.Since(begun))
	}
	s := merlontest.StartIn(t, dir, openJobs)
	list := jobList(s)
	if got := jobNotes(s); !slices.Equal(got, []string{"slow done"}) || len(list) != 1 || list[0].Tries > 1 {
		t.Errorf("notes %q, jobs %+v", got, list)
	}
	<-slow.began // it is due again at once, and its first run does not count
	slow.finish <- struct{}{}
	s.Jobs()
	if got := jobNotes(s); !slices.Equal(got, []string{"slow done", "slow done"}) {
		t.Errorf("notes %q", got)
	}
}

func jobChild(dir string) error {
	site, err := openJobs(merlon.Env{Mode: merlon.Test, Data: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if err := site.Start(context.Background()); err != nil {
		return err
	}
	if err := site.House().Engine.Write(context.Background(), func(_ context.Context, w *db.Writer) error { return killedJob.Enqueue(w, told{"try"}) }); err != nil {
		return err
	}
	select {}
}

// TestKilledJobRunsAgain kills the process between what the job did and the note that it is done.
func TestKilledJobRunsAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a process")
	}
	dir := filepath.Join(t.TempDir(), "data")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MERLON_TEST_JOB_CHILD="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil || line != "running\n" {
		t.Fatalf("the job did not begin: %q, %v", line, err)
	}
	s := merlontest.StartIn(t, dir, openJobs)
	s.Jobs()
	if got := jobNotes(s); !slices.Equal(got, []string{"try 1"}) {
		t.Errorf("before its lease ends: %q", got)
	}
	s.Advance(7 * time.Minute)
	s.Jobs()
	if got := jobNotes(s); !slices.Equal(got, []string{"try 1", "try 2"}) || len(jobList(s)) != 0 {
		t.Errorf("after its lease: %q, jobs %+v", got, jobList(s))
	}
}

// What a job was told rests sealed.
func TestJobArgumentIsSealed(t *testing.T) {
	dir := t.TempDir()
	s := merlontest.StartIn(t, dir, openJobs)
	s.Write(func(w *db.Writer) error { return noteJob.EnqueueAfter(w, time.Hour, told{"ann@private.example"}) })
	if list, err := json.Marshal(jobList(s)); err != nil || bytes.Contains(list, []byte("private")) {
		t.Errorf("the list: %s, %v", list, err)
	}
	read := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if read += len(b); bytes.Contains(b, []byte("private.example")) {
			t.Errorf("%s holds the argument in plain", d.Name())
		}
		return err
	})
	if err != nil || read == 0 {
		t.Errorf("%d bytes read, %v", read, err)
	}
}

func TestJobDeclarations(t *testing.T) {
	nothing := func(context.Context, *merlon.Work, told) error { return nil }
	merlontest.Start(t, openJobs) // seals
	for _, c := range []struct {
		want    string
		declare func()
	}{
		{"declared before, at", func() { merlon.Job("test/note", nothing) }},
		{"no name for a job", func() { merlon.Job("Test Note", nothing) }},
		{"no name for a job", func() { merlon.Job("", nothing) }},
		{"it has no function", func() { merlon.Job[told]("test/none", nil) }},
		{"cannot be kept", func() { merlon.Job("test/func", func(context.Context, *merlon.Work, func()) error { return nil }) }},
		{"is an interface", func() { merlon.Job("test/any", func(context.Context, *merlon.Work, any) error { return nil }) }},
		{"Every after the site started", func() { hourlyJob.Every(time.Minute) }},
		{"Within after the site started", func() { hourlyJob.Within(time.Minute) }},
		{"Tries after the site started", func() { hourlyJob.Tries(1) }},
		{"declared after the site started", func() { merlon.Job("test/late", nothing) }},
	} {
		func() {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.Contains(p, c.want) {
					t.Errorf("got %s, want %q", p, c.want)
				}
			}()
			c.declare()
		}()
	}
	_, err := openJobsWith(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, nil)
	if err == nil || !strings.Contains(err.Error(), "job 5 of the list is empty") {
		t.Errorf("an empty kind: %v", err)
	}
}
