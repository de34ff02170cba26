package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A drill restores a point that was made for it. What lies at the target beside it is what would have been restored an hour before,
// and is found to be noise only by who reads it: so a drill reads the newest point before its own, and where no store looks after
// what it has, a few older ones. Nothing is opened for that: the hash of the ciphertext was signed.
//
// A point that was found damaged fails that drill, is told as any failure is, and stays known: check finds it (RuleDamaged) and
// backup list marks it until it is read whole again or its time is over. It fails no later drill, unless it is the newest point
// still: what a drill says is that the site can be restored, and a failure that comes every night for a year is not read.

// A damaged point is one whose data at the target was read and was not what was signed.
type damaged struct {
	Seq     int64     `json:"seq"`
	Instant time.Time `json:"instant"`
	Until   time.Time `json:"until"` // to be kept until then
	Found   time.Time `json:"found"`
	Problem string    `json:"problem"`
}

// readings are what was read and compared, and what was found: nil for a point that is whole.
type readings struct {
	points []*Point
	faults map[int64]*ChainError
}

// read reads a point. There are no faults when it is what was signed, or its time is over and it may go; an error says that it could
// not be read now.
func (r *readings) read(ctx context.Context, store *Store, p *Point) (ChainErrors, error) {
	err := store.Scrub(ctx, []*Point{p})
	found, is := errors.AsType[ChainErrors](err)
	if err != nil && !is {
		return nil, err
	}
	r.points = append(r.points, p)
	if !is {
		return nil, nil
	}
	r.fault(found)
	return found, nil
}

// fault notes what was found of points that were read.
func (r *readings) fault(found ChainErrors) {
	for _, f := range found {
		if r.faults == nil {
			r.faults = map[int64]*ChainError{}
		}
		r.faults[f.Seq] = f
	}
}

// knows reports whether a point is known to be damaged.
func (s *state) knows(seq int64) bool {
	return slices.ContainsFunc(s.Damaged, func(d damaged) bool { return d.Seq == seq })
}

// noteRead keeps what was found, and forgets what was read whole and what has had its time. It reports whether anything changed.
func (s *state) noteRead(r readings, now time.Time) bool {
	before := slices.Clone(s.Damaged)
	s.Damaged = slices.DeleteFunc(s.Damaged, func(d damaged) bool {
		whole := slices.ContainsFunc(r.points, func(p *Point) bool { return p.Seq == d.Seq }) && r.faults[d.Seq] == nil
		return whole || d.Until.Before(now)
	})
	for _, p := range r.points {
		if f := r.faults[p.Seq]; f != nil && !s.knows(p.Seq) {
			s.Damaged = append(s.Damaged, damaged{p.Seq, p.Instant, p.Data.LockUntil, now, f.Error()})
		}
	}
	slices.SortFunc(s.Damaged, func(a, b damaged) int { return int(a.Seq - b.Seq) })
	return !slices.Equal(before, s.Damaged)
}

// notePatience is how long a command waits for a run to note what it read.
const notePatience = 30 * time.Second

// noteRead keeps in the state what was read beside a drill. Nothing is written where nothing is new.
func (r *runner) noteRead(ctx context.Context, read readings) error {
	now := r.house.Clock()
	if s, err := r.home.readState(); err != nil || !s.noteRead(read, now) {
		return err
	}
	unlock, err := r.home.lockPatiently(ctx, notePatience)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := r.home.readState()
	if err != nil || !s.noteRead(read, now) {
		return err
	}
	return r.home.write(stateFile, s)
}

// sift takes from the faults of a chain those of the data of points that are known to be damaged. Those that are new stay, and the
// points are known from now on: they fail this drill and no later one.
func (e *Evidence) sift(all ChainErrors, points []*Point, known *state) (rest ChainErrors) {
	for _, f := range all {
		i := slices.IndexFunc(points, func(p *Point) bool {
			return (f.Fault == Missing || f.Fault == Altered) && f.Object == p.Folder()+"/"+p.Data.Name
		})
		if i >= 0 {
			e.read.points = append(e.read.points, points[i])
			e.read.fault(ChainErrors{f})
			if known.knows(f.Seq) {
				continue
			}
		}
		rest = append(rest, f)
	}
	return rest
}

// newestBefore is the newest point that a restore would have taken before one was made of this number; 0: of all. nil: none.
func newestBefore(points []*Point, seq int64) *Point {
	for _, p := range slices.Backward(points) {
		if !p.Abandoned && (seq == 0 || p.Seq < seq) {
			return p
		}
	}
	return nil
}

// readBefore reads the newest point before the drill's own. What it finds does not keep the drill from going on.
func (e *Evidence) readBefore(ctx context.Context, store *Store, p *Point) error {
	if p == nil {
		return nil
	}
	e.Checks.BeforeSeq = p.Seq
	fault, err := e.read.read(ctx, store, p)
	if err == nil && fault == nil && p.base != nil && !store.target.Traits().Hashes {
		if fault, err = e.read.read(ctx, store, p.base); fault != nil {
			e.Checks.Before = string(fault[0].Fault)
			return fmt.Errorf("backup: point %d, which holds the uploads of the newest one before this drill, is damaged at the target: %w: see with backup verify --all how many are left, and give the place another disk", p.base.Seq, fault)
		}
	}
	if err == nil && fault == nil {
		e.Checks.Before = "ok"
		return nil
	}
	if err != nil {
		e.Checks.Before = "unread"
		return fmt.Errorf("backup: point %d, the newest before this drill, could not be read: %w", p.Seq, err)
	}
	e.Checks.Before = string(fault[0].Fault)
	return fmt.Errorf("backup: point %d of %s, the newest before this drill, is damaged at the target and restores nothing: %w: see with backup verify --all how many are left, and give the place another disk", p.Seq, p.told(), fault)
}

// What a drill reads of older points: a disk that rots is found before the point is needed.
const (
	olderPoints = 3
	olderBytes  = 1 << 30                    // all of them; a larger one is read alone
	olderTime   = 5 * time.Minute            // what is not read by then another night's drill may read
	scrubEvery  = 7*24*time.Hour - drillTime // where the store looks after what it has, and reading may cost money: then [scrubbed] of them
)

// readOlder reads a few points, any but the newest two and those that are known to be damaged, and holds them against what was
// signed: each night, and once a week at a store that computes hashes and looks after what it has.
func (e *Evidence) readOlder(ctx context.Context, store *Store, points []*Point, known *state) error {
	most := olderPoints
	if store.target.Traits().Hashes {
		if most = scrubbed; ageOf(known.Scrubbed, e.Started) < scrubEvery {
			return nil
		}
	}
	reading, cancel := context.WithTimeout(ctx, olderTime)
	defer cancel()
	read := int64(0)
	for _, i := range rand.Perm(max(0, len(points)-1)) {
		p := points[i]
		if e.Checks.Older == most {
			break
		}
		if p.Seq == e.Checks.BeforeSeq || known.knows(p.Seq) || e.read.faults[p.Seq] != nil || read > 0 && read+p.Data.Size > olderBytes || !p.Data.LockUntil.After(time.Now()) { // one whose time is over may go at any moment
			continue
		}
		fault, err := e.read.read(reading, store, p)
		if reading.Err() != nil && ctx.Err() == nil {
			break
		}
		if err != nil && ctx.Err() == nil { // the store is away: another night's drill reads it
			slog.WarnContext(ctx, "drill: older points were not read", "point", p.Seq, "reason", err)
			break
		}
		if err != nil {
			return err
		}
		if fault != nil {
			return fmt.Errorf("backup: an older point, %d of %s, is not what was stored: %w: the newest one can be restored; see with backup verify --all how many are left, and give the place another disk", p.Seq, p.told(), fault)
		}
		read += p.Data.Size
		e.Checks.Older++
	}
	return nil
}

// damage names for an event the points that a drill found damaged.
func (e *Evidence) damage() (all []slog.Attr) {
	for _, seq := range slices.Sorted(maps.Keys(e.read.faults)) {
		all = append(all, slog.Int64("damaged", seq))
	}
	return all
}

// checkDamaged is about points that were found damaged and were not read whole since.
func checkDamaged(s *seen) (what, do string) {
	var all []string
	for _, d := range s.state.Damaged {
		if d.Until.After(s.now) {
			all = append(all, fmt.Sprintf("point %d of %s (found %s, to be kept until %s)", d.Seq, d.Instant.UTC().Format("2006-01-02 15:04 MST"), ago(d.Found, s.now), d.Until.UTC().Format(time.DateOnly)))
		}
	}
	if len(all) == 0 {
		return "", ""
	}
	return "of the points at " + s.setup.Target + " these can restore nothing, the others are as they were: " + strings.Join(all, ", "),
		"backup verify --all tells how many are left, and forgets those that are whole again: put them back from a second copy if you have one, and give the place another disk"
}
