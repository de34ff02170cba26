package backup

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"filippo.io/age"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/internal/background"
)

// Why a run did not make a point. Beside these it may be what a target says, see [ErrUnreachable] and the others there.
var (
	ErrBusy     = errors.New("backup: another process makes a point or runs a drill")
	ErrClock    = errors.New("backup: the clocks do not agree")
	ErrNoRoom   = errors.New("backup: there is no room on this disk for a point")
	ErrForked   = errors.New("backup: another server writes this chain")
	ErrUnknown  = errors.New("backup: the target does not hold what it is known to hold")
	ErrSettings = errors.New("backup: the settings are not those of the chain")
	ErrUnread   = errors.New("backup: the point was put, and could not be read back")
)

// Measures of a run.
const (
	maxOffset    = 5 * time.Minute  // between this machine's clock and the store's
	snapshotTime = 60 * time.Second // while which the database's log cannot be written back
	drillKeyLife = 30 * time.Minute // of the key that only this process has
	renewal      = 24 * time.Hour   // before the newest point's time is over another is made, also when nothing has changed
	spareRoom    = 64 << 20
)

// A runner makes points of one running site. One run is made at a time, in this process and beside others (the lock of the
// home); its methods are safe for concurrent use.
type runner struct {
	house   *merlon.House
	home    home
	schemes []Scheme
	wrap    func(Target) Target // of tests: to fail at a state

	mu         sync.Mutex
	generation int64 // of the database when it was last known to be what the newest point holds
	known      bool
	files      string    // the hash of the small files then
	fresh      *drillKey // of the newest point that was proven
	looked     *looked   // of the runs, one at a time
}

// drillKey is the identity D of one point: in this process's memory, for half an hour at most.
type drillKey struct {
	point *Point
	id    *age.HybridIdentity
	until time.Time
}

// take returns the key of the newest point, and forgets it: nil when there is none that is fresh enough.
func (r *runner) take() *drillKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.fresh
	r.fresh = nil
	if k == nil || time.Now().After(k.until) {
		return nil
	}
	return k
}

func (r *runner) keep(k *drillKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fresh = k
}

// A Made is what a run did.
type Made struct {
	Point   *Point        `json:"-"`
	Seq     int64         `json:"seq"`
	Class   Class         `json:"class"`
	Skipped bool          `json:"skipped"` // nothing had changed: the point of Seq is what the site is
	Size    int64         `json:"size"`
	Depth   Depth         `json:"depth"`
	Instant time.Time     `json:"instant"`
	Until   time.Time     `json:"kept_until"`
	Locked  bool          `json:"locked"`
	Took    time.Duration `json:"-"`
	Receipt string        `json:"receipt"`
	Notes   []string      `json:"notes,omitempty"` // what did not go as it should, and took nothing from the point
}

// wish says what a run is to do beside the usual.
type wish struct {
	label string
	force bool // a point also when nothing changed
	daily bool // a point of class d at least: the drill's
	say   func(format string, args ...any)
}

// run makes one point.
func (r *runner) run(ctx context.Context, want wish) (made *Made, err error) {
	if want.say == nil {
		want.say = func(string, ...any) {}
	}
	began := time.Now()
	unlock, err := r.home.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := r.home.sweep(); err != nil {
		return nil, err
	}
	j, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	defer j.target.Close()
	defer func() { err = errors.Join(err, j.settle(err)) }()
	j.wish = want
	if err := j.preflight(ctx); err != nil {
		return nil, err
	}
	if want.daily && want.force {
		j.state.countNight(j.house.Clock())
		if err := j.home.write(stateFile, j.state); err != nil { // a process that is killed in the middle counts too
			return nil, err
		}
	}
	switch { // that nothing has changed since the newest point is no comfort
	case j.leans && j.base(ctx, Hourly, j.state.Until) == nil:
		j.notes = append(j.notes, fmt.Sprintf("point %d leaves uploads to an older one, which is gone or damaged: another one is made that holds all", j.state.Seq))
		j.force = true
	case j.state.knows(j.state.Seq), j.state.Until.Before(j.now.Add(renewal)): // it restores nothing, or goes soon
		j.force = true
	}
	background.Do(func() { made, err = j.make(ctx) })
	if made != nil {
		made.Took = time.Since(began)
	}
	return made, err
}

// A job is one run: what it opened, and what it knows.
type job struct {
	*runner
	wish
	setup   *Setup
	signers *signers
	state   *state
	target  Target
	store   *Store
	now     time.Time // the store's clock
	notes   []string
	leans   bool    // the newest point leaves uploads to its base
	taken   []Class // whose names of the next point somebody else took
}

func (r *runner) open(ctx context.Context) (*job, error) {
	setup, err := ReadSetup(r.house.Data)
	if err != nil {
		return nil, err
	}
	j := &job{runner: r, setup: setup}
	if j.state, err = r.home.readState(); err != nil {
		return nil, err
	}
	if j.signers, err = r.home.readSigners(); err != nil {
		return nil, err
	}
	if j.target, err = r.dial(ctx, setup); err != nil {
		return nil, errors.Join(err, j.settle(err))
	}
	j.store = &Store{target: j.target, site: setup.Site, root: setup.T}
	return j, nil
}

// dial opens the target of a setup.
func (r *runner) dial(ctx context.Context, setup *Setup) (Target, error) {
	t, err := OpenTarget(ctx, setup.Target, setup.Options, r.schemes)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && r.wrap != nil {
		t = r.wrap(t)
	}
	return t, err
}

// settle keeps in the state how the run ended.
func (j *job) settle(err error) error {
	now := j.house.Clock()
	j.state.Tried = now
	if err == nil {
		j.state.Failed, j.state.Since = "", time.Time{}
	} else if !errors.Is(err, context.Canceled) {
		if j.state.Failed == "" {
			j.state.Since = now
		}
		j.state.Failed = err.Error()
	}
	return j.home.write(stateFile, j.state)
}

// covered notes that the newest point is what the site is, as of an instant.
func (s *state) covered(at time.Time) {
	s.Current = at
	s.Recent = append(s.Recent, at)
	for len(s.Recent) > 1 && at.Sub(s.Recent[1]) > 24*time.Hour {
		s.Recent = s.Recent[1:]
	}
}

// preflight refuses a run that could not end well, before anything is made.
func (j *job) preflight(ctx context.Context) (err error) {
	if j.now, err = j.target.Now(ctx); err != nil {
		return err
	}
	offset := j.house.Clock().Sub(j.now)
	j.state.Offset = offset.Seconds()
	if offset.Abs() > maxOffset {
		return fmt.Errorf("%w: this machine says %s, the store %s: a lock would last too long or too short: set this machine's clock (NTP)",
			ErrClock, stamp(j.house.Clock()).Format(time.RFC3339), stamp(j.now).Format(time.RFC3339))
	}
	if err := j.reconcile(ctx); err != nil {
		return err
	}
	if err := able(ctx, j.house.Carrier()); err != nil {
		return err
	}
	size, err := dataSize(ctx, j.house.Data, j.house.Carrier())
	if err != nil {
		return err
	}
	cipher := j.state.Size
	if b := j.home.readBase(); b != nil && (j.daily || classOf(j.house.Clock(), j.state.Lasts) != Hourly) { // one that holds all uploads again
		cipher = max(cipher, b.Size)
	}
	if cipher += cipher / 5; cipher == 0 {
		cipher = size
	}
	if free, err := room(j.home.dir); err != nil {
		return err
	} else if need := size + cipher + spareRoom; free < need {
		return fmt.Errorf("%w: %s are free, %s are needed for a while: delete something, or give the disk more", ErrNoRoom, megabytes(free), megabytes(need))
	}
	return nil
}

// make makes the point, unless nothing changed.
func (j *job) make(ctx context.Context) (*Made, error) {
	instant := stamp(j.house.Clock())
	generation, err := j.house.Engine.Generation(ctx)
	if err != nil {
		return nil, err
	}
	small, err := smallFiles(j.house.Data, j.setup)
	if err != nil {
		return nil, err
	}
	if !j.force && j.label == "" && j.known && j.generation == generation && j.files == hashSources(small) {
		return j.skip(instant), nil
	}
	d, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	p, spool, content, err := j.spool(ctx, instant, small, d.Recipient())
	if err != nil {
		return nil, err
	}
	if p == nil { // the database is byte for byte what the newest point holds
		j.remember(generation, small)
		return j.skip(instant), nil
	}
	defer spool.remove()
	depth := j.depth(p)
	if err := j.put(ctx, p, spool, beginTask(func() error { return j.tryOut(ctx, p, spool, depth, d) })); err != nil {
		return nil, err
	}
	j.state.Content = content
	j.remember(generation, small)
	made := &Made{Point: p, Seq: p.Seq, Class: p.Class, Size: p.Data.Size, Instant: p.Instant, Until: p.Data.LockUntil, Locked: j.target.Traits().Locks, Receipt: p.Receipt().String()}
	made.Depth, err = j.prove(ctx, p, depth, d)
	if err == nil {
		j.keepBase(p, spool.uploads) // nothing leans on what was not read back
	}
	if err == nil && p.Class != Hourly {
		j.keepCode(ctx, p, d, spool)
		j.upkeep(ctx)
	}
	made.Notes = j.notes
	return made, err
}

func (j *job) skip(instant time.Time) *Made {
	j.state.covered(instant)
	return &Made{Seq: j.state.Seq, Class: j.state.Class, Skipped: true, Size: j.state.Size, Instant: j.state.Instant, Until: j.state.Until, Locked: j.target.Traits().Locks,
		Receipt: Receipt{j.state.Seq, j.state.Hash}.String()}
}

func (r *runner) remember(generation int64, small []source) {
	r.generation, r.known, r.files = generation, true, hashSources(small)
}

// put puts data and manifest, in the order in which a kill at any moment leaves the chain whole. What was sealed is tried out
// meanwhile (see tryOut): a point that is to be read and does not open gets no manifest.
func (j *job) put(ctx context.Context, p *Point, spool *spool, tried func() error) error {
	err := errors.Join(j.putData(ctx, p, spool), tried())
	if err != nil {
		return err
	}
	j.linksFirst(ctx, p)
	if err := j.home.prepare(j.signers); err != nil {
		return err
	}
	key := j.signers.current()
	p.K, p.KNext = public(key), public(j.signers.next())
	p.sign(key)
	if err := j.putRecord(ctx, p.Folder()+"/manifest.json", encode(p.Manifest), p.Data.LockUntil); err != nil {
		if !errors.Is(err, ErrExists) {
			return err
		}
		return j.refused(ctx, p, err)
	}
	return j.announce(p)
}

func (j *job) putData(ctx context.Context, p *Point, spool *spool) error {
	body, err := spool.open()
	if err != nil {
		return err
	}
	defer body.Close()
	o := PutOptions{Size: p.Data.Size, SHA256: spool.sum, Once: true}
	if j.target.Traits().Locks {
		o.LockUntil = p.Data.LockUntil
	}
	j.say("storing point %d, %s", p.Seq, megabytes(p.Data.Size))
	for freed := false; ; freed = true {
		_, err = j.target.Put(ctx, j.store.full(p.Folder()+"/"+p.Data.Name), body, o)
		if !errors.Is(err, ErrFull) || freed || !j.makeRoom(ctx) {
			return err
		}
	}
}

// putRecord puts a record, once. One that is there already with the same text is a success.
func (j *job) putRecord(ctx context.Context, name string, text []byte, until time.Time) error {
	return putRecord(ctx, j.store, name, text, until)
}

// announce counts the point as the newest. From here on it is never lost.
func (j *job) announce(p *Point) error {
	s := j.state
	s.Seq, s.Hash, s.Branch, s.Instant, s.Until, s.Class, s.Size = p.Seq, p.Hash(), p.Branch, p.Instant, p.Data.LockUntil, p.Class, p.Data.Size
	s.Lasts[p.Class] = p.Instant
	s.Links = append(s.Links, p.link())
	s.covered(p.Instant)
	if err := j.home.write(stateFile, s); err != nil {
		return err
	}
	return j.home.turn(j.signers, p.Seq)
}

// build tells what made a point.
func build(name string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return name + " " + runtime.Version()
	}
	id := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			id = s.Value[:min(len(s.Value), 12)]
		}
	}
	return clip(name + "@" + id)
}

// megabytes is a size for people: in KB where it is less than 1 MB.
func megabytes(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.1f KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
