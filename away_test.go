package merlon_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/throttle"
)

// leaving is an engine whose server leaves within the next so many transactions, each time when the first rows are asked for.
type leaving struct {
	db.Engine
	left  atomic.Int64
	hang  atomic.Bool // it is there and does not answer
	asked ends
}

// ends are the times at which those end who ask for a test what does not answer.
type ends struct {
	mu  sync.Mutex
	all []time.Time
}

type forTest struct{}

func (e *ends) note(ctx context.Context) {
	if ctx.Value(forTest{}) == nil { // the site's own tasks ask, too
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	end, ok := ctx.Deadline()
	if !ok {
		end = time.Now().Add(time.Hour)
	}
	e.all = append(e.all, end)
}

// Read implements [db.Engine].
func (e *leaving) Read(ctx context.Context) *db.Reader { return db.NewReader(ctx, e) }

// Begin implements [db.Source].
func (e *leaving) Begin(ctx context.Context) (*db.Session, error) {
	if e.hang.Load() {
		e.asked.note(ctx)
	}
	for e.hang.Load() {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
	if e.left.Add(-1) >= 0 {
		return nil, fmt.Errorf("%w: a test", db.ErrAway)
	}
	return e.Engine.(db.Source).Begin(ctx)
}

// End implements [db.Source].
func (e *leaving) End(s *db.Session) { e.Engine.(db.Source).End(s) }

// TestAServerThatLeaves: a page whose reader has lost its server is made again, and twice at most; whose page it is stays as it was. A form
// is not done again: nobody knows here how far it came.
func TestAServerThatLeaves(t *testing.T) {
	e := &leaving{Engine: sqlite.Engine("test.db")}
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Engine: e, Pages: sitePages, Schema: siteSchema,
			Parts: []merlon.Part{account.New(account.Config{})}, Routes: testRoutes()})
	})
	ann := s.SignedIn("Ann")
	ann.Get("/notes").Submit("/notes", merlontest.Values{"Text": "a note"}).Is(200)
	for _, path := range []string{"/notes", "/mine", "/notes/1"} {
		for left, want := range map[int64]int{0: 200, 1: 200, 2: 200, 3: 503} {
			e.left.Store(left)
			ann.Get(path).Is(want)
			if rest := e.left.Load(); rest > 0 {
				t.Errorf("%s was not tried %d times: %d are left", path, left, rest)
			}
		}
	}
	for left, want := range map[int64]int{0: 0, 1: 1} { // whoever looks after the process is told
		e.left.Store(left)
		notes := s.Site.Readiness(t.Context())
		for end := time.Now().Add(time.Minute); want == 0 && len(notes) > 0 && time.Now().Before(end); { // a busy machine has not answered in time
			notes = s.Site.Readiness(t.Context())
		}
		if len(notes) != want || want > 0 && !strings.Contains(notes[0], "the database cannot be read") {
			t.Errorf("a server that has left %d times: %q", left, notes)
		}
	}
	ann.Get("/notes")
	e.left.Store(1)
	ann.Submit("/notes", merlontest.Values{"Text": "another"}).Is(503)
	ann.Get("/notes").Is(200).HasNot("another")
}

// hangingStores keep everything in the database, and have a check that ends with its context.
type hangingStores struct {
	engine db.Engine
	asked  *ends
}

func (hangingStores) Place() string        { return "elsewhere" }
func (hangingStores) At(string) bool       { return true }
func (hangingStores) Faults() check.Faults { return nil }
func (hangingStores) Close()               {}
func (s hangingStores) Open(string, *keyring.Subkeys) (session.Store, throttle.Store, error) {
	return session.NewStore(), throttle.NewStore(s.engine), nil
}
func (s hangingStores) Checks() []check.Check {
	return []check.Check{{Rule: merlon.RuleStores, Run: func(ctx context.Context) []check.Finding {
		s.asked.note(ctx)
		<-ctx.Done()
		return nil
	}}}
}

// TestReadinessIsToldInTime: whoever asks /readyz is answered within a second, whatever does not answer the site.
func TestReadinessIsToldInTime(t *testing.T) {
	e := &leaving{Engine: sqlite.Engine("test.db")}
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Engine: e, Pages: sitePages, Schema: siteSchema, Stores: hangingStores{e, &e.asked},
			Parts: []merlon.Part{account.New(account.Config{})}, Routes: testRoutes()})
	})
	e.hang.Store(true)
	defer e.hang.Store(false)
	began := time.Now()
	notes := s.Site.Readiness(context.WithValue(t.Context(), forTest{}, true))
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
	e.asked.mu.Lock()
	defer e.asked.mu.Unlock()
	if len(e.asked.all) < 2 {
		t.Errorf("%d were asked", len(e.asked.all))
	}
	for _, end := range e.asked.all { // when they end, and not when a busy machine comes to it; a load balancer waits two seconds
		if within := end.Sub(began); within > 1900*time.Millisecond {
			t.Errorf("one is waited for %v", within)
		}
	}
	if len(notes) != 2 || !strings.Contains(notes[0], "the database cannot be read") || !strings.Contains(notes[1], "has not answered") {
		t.Errorf("readiness: %q", notes)
	}
}
