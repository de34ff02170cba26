package merlon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/place"
)

// A Kind is one kind of job: what a site does later than the request that asks for it, or every so often. Declare kinds as
// package variables by [Job] and name them in Config.Jobs. A Kind is safe for concurrent use.
type Kind[A any] struct{ k *kind }

// AnyKind is every [Kind], whatever its argument: what Config.Jobs and Part.Jobs list.
type AnyKind interface{ anyKind() *kind }

func (k *Kind[A]) anyKind() *kind {
	if k == nil {
		return nil
	}
	return k.k
}

type kind struct {
	name       string
	where      string // file:line of the declaration
	pkg        string // its package
	typ        reflect.Type
	every      time.Duration
	within     time.Duration
	idempotent bool // see [Kind.Idempotent]
	tries      int

	zero   []byte                                                         // the argument of a periodic run
	decode func(plain []byte) (func(context.Context, *Work) error, error) // the run on an argument that could be read
}

// declaredJobs are the kinds of the program. Like all declarations they are closed when a site starts.
var declaredJobs = struct {
	sync.Mutex
	sealed bool
	kinds  map[string]*kind
}{kinds: map[string]*kind{}}

var jobName = regexp.MustCompile(`^[a-z0-9-]+(/[a-z0-9-]+)*$`)

// maxJobName bounds the name of a kind, and maxArgument the JSON of an argument, in bytes.
const (
	maxJobName  = 64
	maxArgument = 64 << 10
)

// The defaults of a kind.
const (
	jobWithin = 5 * time.Minute
	jobTries  = 12 // over about two days, by jobPause
)

// Job declares a kind of job, named such as "club/digest". Its runs begin after the transaction that enqueued them has
// committed, two at a time in one process, each with [Work] in place of a request.
//
// A job runs at least once. It may run twice: when the process ends between what the job did and the note that it is done,
// or when it outlives its time ([Kind.Within]). Let run look first whether its work is still to be done. An error or a panic
// has it tried again after a pause of a minute, doubled each time up to eight hours; after twelve tries ([Kind.Tries]) it is
// given up, which is an event and a finding of check, and stays in the list of `jobs` until somebody retries or drops it.
//
// The argument is kept as JSON, sealed under the site's keys. One that cannot be read any more, since the program has
// changed (a field is gone, or has another type), is given up at once: half of what a job was told would be another job.
// Keep an old field until no job has it, or declare a kind of another name.
//
// Job panics at the start of the program for a name that is taken or is none, for an argument that JSON cannot keep
// (functions, channels, secrets), and once the site has started.
//
//go:noinline
func Job[A any](name constant, run func(context.Context, *Work, A) error) *Kind[A] {
	at := place.Caller(1)
	k := &kind{name: string(name), where: at.At, pkg: at.Package, typ: reflect.TypeFor[A](), within: jobWithin, tries: jobTries}
	k.decode = func(plain []byte) (func(context.Context, *Work) error, error) {
		var a A
		d := json.NewDecoder(bytes.NewReader(plain))
		d.DisallowUnknownFields()
		if err := d.Decode(&a); err != nil {
			return nil, err
		}
		return func(ctx context.Context, w *Work) error { return run(ctx, w, a) }, nil
	}
	fail := func(what, do string) {
		panic(RuleJob.Finding(k.where, fmt.Sprintf("merlon: job %q: %s", k.name, what), do).Error())
	}
	var zero A
	var err error
	switch k.zero, err = json.Marshal(zero); {
	case !jobName.MatchString(k.name) || len(k.name) > maxJobName:
		fail("no name for a job", `use a-z, 0-9, - and / between them, at most 64: "club/digest"`)
	case run == nil:
		fail("it has no function", "give it one")
	case k.typ.Kind() == reflect.Interface:
		fail("its argument is an interface", "declare the type that is kept")
	case err != nil:
		fail("its argument cannot be kept: "+err.Error(), "declare a struct of plain fields; keep a secret where it is and hand over its id")
	}
	declaredJobs.Lock()
	defer declaredJobs.Unlock()
	was := declaredJobs.kinds[k.name]
	switch {
	case was != nil && was.where == k.where && was.typ == k.typ: // a test that runs twice
	case was != nil:
		fail("declared before, at "+was.where, "give one of them another name: the jobs of one would be run by the other")
	case declaredJobs.sealed:
		fail("declared after the site started", "declare jobs as package variables")
	}
	declaredJobs.kinds[k.name] = k
	return &Kind[A]{k}
}

// unsealed panics once a site has started: a kind does not change under those that run it.
func (k *kind) unsealed(what string) {
	declaredJobs.Lock()
	defer declaredJobs.Unlock()
	if declaredJobs.sealed {
		panic(RuleJob.Finding(k.where, fmt.Sprintf("merlon: job %q: %s after the site started", k.name, what), "say it where the job is declared: merlon.Job(…)."+what).Error())
	}
}

func sealJobs() {
	declaredJobs.Lock()
	defer declaredJobs.Unlock()
	declaredJobs.sealed = true
}

// Every has the kind run every so often too, with the zero argument, once at each multiple of d in UTC: Every(time.Hour) at
// the full hour, Every(24*time.Hour) at midnight. However many processes share the database, it runs once; while the site
// is down runs are left out but one. A run that fails is tried again until it is given up or the next one is due. It
// returns the kind, and panics for less than a second.
func (k *Kind[A]) Every(d time.Duration) *Kind[A] {
	k.k.unsealed("Every")
	if d < time.Second {
		panic(RuleJob.Finding(k.k.where, fmt.Sprintf("merlon: job %q: Every(%v)", k.k.name, d), "write a second or more").Error())
	}
	k.k.every = d
	return k
}

// Within sets how long one run may take; without it that is five minutes. Then its context ends. A minute later another process
// may take the job and run it again; this one does not run it twice at a time, tells of a run that does not end (MRL-JOB-007),
// and gives its place to other jobs. It returns the kind.
func (k *Kind[A]) Within(d time.Duration) *Kind[A] {
	k.k.unsealed("Within")
	k.k.within = max(d, time.Second)
	return k
}

// Tries sets after how many runs that failed a job is given up; without it those are twelve. It returns the kind.
func (k *Kind[A]) Tries(n int) *Kind[A] {
	k.k.unsealed("Tries")
	k.k.tries = max(n, 1)
	return k
}

// Idempotent says that a run does no harm when the same work was done before, in a time that the data does not know of: after
// a restore its jobs are done without being asked for. All others are held then ([House.ReleaseJob]), since what they do may
// have been done in the lost time. It returns the kind.
func (k *Kind[A]) Idempotent() *Kind[A] {
	k.k.unsealed("Idempotent")
	k.k.idempotent = true
	return k
}

// Enqueue adds a job to the transaction: it is run soon after the commit, and never when the transaction is rolled back. A
// kind that the site does not list is an error, since nothing would ever run it.
func (k *Kind[A]) Enqueue(w *db.Writer, a A) error {
	return k.enqueue(w, a, func(now time.Time) time.Time { return now })
}

// EnqueueAt is [Kind.Enqueue] for a job that must not run before a time.
func (k *Kind[A]) EnqueueAt(w *db.Writer, at time.Time, a A) error {
	return k.enqueue(w, a, func(time.Time) time.Time { return at })
}

// EnqueueAfter is [Kind.Enqueue] for a job that must not run before a time has passed.
func (k *Kind[A]) EnqueueAfter(w *db.Writer, d time.Duration, a A) error {
	return k.enqueue(w, a, func(now time.Time) time.Time { return now.Add(d) })
}

func (k *Kind[A]) enqueue(w *db.Writer, a A, due func(now time.Time) time.Time) error {
	run, _ := w.Context().Value(runKey{}).(*running)
	if run == nil {
		return fmt.Errorf("merlon: job %q: the transaction is none of a site that runs: the job would be kept nowhere; use the Writer of a handler, of Work.Write, or of House.Engine.Write", k.k.name)
	}
	if run.jobs.kinds[k.k.name] != k.k {
		return RuleJob.Finding(k.k.where, fmt.Sprintf("merlon: job %q is enqueued, and the site does not list it: nothing would run it", k.k.name), "name it in merlon.Config.Jobs, or in the Jobs of its part")
	}
	plain, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("merlon: job %q: its argument cannot be kept: %w", k.k.name, err)
	}
	if len(plain) > maxArgument {
		return fmt.Errorf("merlon: job %q: its argument has %d bytes, at most %d are kept: keep it in a row of its own and hand over the id", k.k.name, len(plain), maxArgument)
	}
	now := run.jobs.clock()
	sealed, err := run.jobs.seal(k.k.name, now.UnixMicro(), plain)
	if err != nil {
		return err
	}
	if _, err := insertJob.Run(w, k.k.name, now.UnixMicro(), due(now).UnixMicro(), sealed); err != nil {
		return fmt.Errorf("merlon: job %q could not be enqueued: %w", k.k.name, err)
	}
	w.OnCommit(run.jobs.wakeUp)
	return nil
}

// runKey is the context key of the site that a write transaction belongs to.
type runKey struct{}

// boundEngine marks the write transactions of a running site, so that a job that is enqueued finds its keys and its worker:
// several sites may live in one process.
type boundEngine struct {
	db.Engine
	run *running
}

// Write implements [db.Engine].
func (e boundEngine) Write(ctx context.Context, do func(context.Context, *db.Writer) error) error {
	return e.Engine.Write(context.WithValue(ctx, runKey{}, e.run), do)
}

// addJobs gathers the kinds of the site and its parts.
func (s *Site) addJobs() {
	s.jobs = map[string]*kind{}
	add := func(kinds []AnyKind, by string) {
		for i, one := range kinds {
			if one == nil || one.anyKind() == nil {
				s.fault(RuleJob.Finding(by, fmt.Sprintf("job %d of the list is empty", i+1), "declare it by merlon.Job"))
				continue
			}
			s.jobs[one.anyKind().name] = one.anyKind()
		}
	}
	add(s.cfg.Jobs, "Config.Jobs")
	for _, p := range s.cfg.Parts {
		add(p.Jobs, string(p.Name))
	}
}

// unlisted are the kinds that a package with handlers of the site declares, and the site does not list.
func (s *Site) unlisted() (found []check.Finding) {
	own := map[string]bool{}
	for _, r := range s.cfg.Routes {
		own[r.r.pkg] = true
	}
	declaredJobs.Lock()
	defer declaredJobs.Unlock()
	for _, name := range slices.Sorted(maps.Keys(declaredJobs.kinds)) {
		if k := declaredJobs.kinds[name]; own[k.pkg] && s.jobs[name] == nil {
			found = append(found, RuleJob.Finding(k.where, fmt.Sprintf("job %q is declared beside the site's handlers, and the site does not list it: a handler that enqueues it fails", name),
				"name it in merlon.Config.Jobs, or in the Jobs of its part; delete one that nothing enqueues"))
		}
	}
	return found
}

// The rules of jobs.
var (
	RuleJob = check.Rule{ID: "MRL-JOB-001", Property: check.Availability, Severity: check.High,
		Title:  "a job that could not be run",
		Why:    "what is done later must be found by its name then, in this program or the next",
		Attack: "No attack: a job that nothing runs is a mail that is never sent and a file that is never deleted.",
		Wrong:  `var a, b = merlon.Job("mail", x), merlon.Job("mail", y)`,
		Right:  "var digest = merlon.Job(\"club/digest\", sendDigest)\nmerlon.Config{Jobs: []merlon.AnyKind{digest}}",
		Source: "CWE-440 (expected behavior violation); OWASP ASVS 5.0 2.3.1"}
	RuleJobGivenUp = check.Rule{ID: "MRL-JOB-002", Property: check.Availability, Severity: check.Medium,
		Title:  "a job was given up",
		Why:    "it failed too often, or what it was told cannot be read any more; it is not tried again by itself",
		Attack: "Somebody who can make a job fail keeps others' mails, deletions or payments from being done.",
		Wrong:  `a job in the list of "jobs list" that nobody looks at`,
		Right:  `jobs list, mend the cause, then: jobs retry ID, or jobs drop ID --reason "…"`,
		Source: "OWASP ASVS 5.0 16.2.1, 16.5.2; CWE-391"}
	RuleJobPanic = check.Rule{ID: "MRL-JOB-003", Property: check.Availability, Severity: check.High,
		Title:  "a job panicked",
		Why:    "the panic was contained: the site goes on, and the job is tried again",
		Attack: "Input kept for later makes the job fail half-way, each time that it is tried.",
		Wrong:  `an index or a nil pointer that no code expected`, Right: `read the log line with the job's id and its stack`,
		Source: "OWASP ASVS 5.0 16.5.1; CWE-248"}
	RuleJobHangs = check.Rule{ID: "MRL-JOB-007", Property: check.Availability, Severity: check.High,
		Title:  "a job does not end",
		Why:    "its time is over and its context with it, and its function goes on: it waits for something without a look at the context",
		Attack: "Whoever is called by a job (a mail server, an address that a visitor named) answers never, and a run hangs with each call.",
		Wrong:  `resp, err := http.Get(address)`, Right: `body, err := list.Get(w.Context(), address)   // outbound/fetch: ends with the context`,
		Source: "CWE-835 (loop with unreachable exit condition); OWASP ASVS 5.0 16.5.2"}
	RuleJobDropped = check.Rule{ID: "MRL-JOB-004", Property: check.Integrity, Severity: check.Low,
		Title:  "a job was dropped by hand",
		Why:    "what it was to do will not be done; who looks for it later finds the reason",
		Attack: "Whoever may run the program's commands makes a deletion or a notice disappear.",
		Wrong:  `jobs drop 7 --reason ""`, Right: `jobs drop 7 --reason "the order was cancelled by telephone"`,
		Source: "OWASP ASVS 5.0 16.2.1"}
)

func jobRules() []check.Rule {
	return []check.Rule{RuleJob, RuleJobGivenUp, RuleJobPanic, RuleJobDropped, RuleJobHangs}
}
