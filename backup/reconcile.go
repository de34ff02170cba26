package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// reconcile brings what the server remembers into line with what is at the target, after a kill between two steps, and
// refuses when the target holds something that this server did not put.
func (j *job) reconcile(ctx context.Context) error {
	s := j.state
	if s.Hash == "" && s.Seq == 0 {
		s.Hash = j.setup.Genesis
	}
	if j.signers.Seq > s.Seq+1 || s.Seq == 0 && j.signers.Seq > 1 { // the state was lost: it is read from the chain
		if err := j.rebuild(ctx); err != nil {
			return err
		}
	}
	note, err := putRebirth(ctx, j.home, j.store, j.setup.T, j.now)
	if err != nil {
		return err
	}
	if note != "" {
		j.notes = append(j.notes, note)
	}
	if err := j.sameNewest(ctx); err != nil {
		return err
	}
	if j.signers.Seq <= s.Seq { // killed after the point was counted
		if j.signers.Next == nil || j.signers.Seq < s.Seq {
			return j.foreign("the signing keys in " + j.home.path(signersFile) + " are older than the chain")
		}
		if err := j.home.turn(j.signers, j.signers.Seq); err != nil {
			return err
		}
	}
	if err := j.adopt(ctx); err != nil {
		return err
	}
	return j.sameChain(ctx)
}

func (j *job) foreign(why string) error {
	return fmt.Errorf("%w: %s: this data folder is a copy, or a copy of it runs elsewhere: stop the other one; if there is none, begin a new chain with backup init", ErrForked, why)
}

// sameNewest compares the newest point that is known of with the one at the target.
func (j *job) sameNewest(ctx context.Context) error {
	s := j.state
	if s.Seq == 0 {
		return nil // the record that began the chain is looked at in any case
	}
	if s.Class == "" { // restored, and no point of the new branch yet
		return j.sameRebirth(ctx)
	}
	name := folder(s.Class, s.Seq) + "/manifest.json"
	m, err := j.manifestLike(ctx, name, func(m *Manifest) bool { return m.Hash() == s.Hash })
	switch {
	case errors.Is(err, ErrNotFound) && j.now.After(s.Until): // its time was over: the site was down for long
		return nil
	case errors.Is(err, ErrNotFound):
		return fmt.Errorf("%w: point %d is gone, which is to be kept until %s: somebody deleted it, or this is another place than before", ErrUnknown, s.Seq, s.Until.Format("2006-01-02"))
	case err != nil && !errors.Is(err, errNotOurs):
		return err
	case err != nil || m.Hash() != s.Hash:
		return fmt.Errorf("%w: point %d at the target is another one: look with backup verify", ErrUnknown, s.Seq)
	}
	j.leans = m.Base != ""
	return j.newestData(ctx, m)
}

// newestData looks whether the data of the newest point is there, in its size. If not, that nothing has changed since is no comfort:
// the run makes another, and what was found stays known (see state.knows).
func (j *job) newestData(ctx context.Context, m *Manifest) error {
	name := m.Folder() + "/" + m.Data.Name
	o, err := j.target.Stat(ctx, j.store.full(name))
	problem := "its data is gone"
	switch {
	case err == nil && m.Data.fits(o):
		return nil
	case err == nil:
		problem = "its data is another"
	case !errors.Is(err, ErrNotFound):
		return err
	}
	if j.target.Traits().Versions { // what stands in front takes nothing from an earlier version
		for o, err := range j.store.list(ctx, name) {
			if err != nil {
				return err
			}
			if j.store.below(o.Name) == name && m.Data.fits(o) {
				j.notes = append(j.notes, fmt.Sprintf("%s: it was deleted or written over, and the earlier version is there: see who may do that at the target", name))
				return nil
			}
		}
	}
	p := &Point{Manifest: *m}
	j.state.noteRead(readings{points: []*Point{p}, faults: map[int64]*ChainError{m.Seq: j.store.fault(Missing, name, m.Seq, "%s", problem)}}, j.house.Clock())
	j.notes = append(j.notes, fmt.Sprintf("%s: %s: somebody deleted or altered it: see who may do that at the target", name, problem))
	return nil
}

// sameRebirth looks for the record that gave the chain to this restored site, and for one that gave it to another.
func (j *job) sameRebirth(ctx context.Context) error {
	own, other, err := j.store.births(ctx, j.state.Seq+1, j.state.Branch, j.state.Hash, j.setup.T)
	switch {
	case err != nil:
		return err
	case other:
		return j.foreign("the chain was given to another restored copy")
	case !own:
		return fmt.Errorf("%w: the record that gave the chain to this restored site is gone: somebody deleted it or wrote over it, or this is another place than before", ErrUnknown)
	}
	return nil
}

// errNotOurs says that a manifest is none of this site's.
var errNotOurs = errors.New("backup: no manifest of this site")

func (j *job) manifest(ctx context.Context, name string) (*Manifest, error) {
	o, err := j.target.Stat(ctx, j.store.full(name))
	if err != nil {
		return nil, err
	}
	return j.manifestOf(ctx, o)
}

func (j *job) manifestOf(ctx context.Context, o Object) (*Manifest, error) {
	if o.Size > maxManifest {
		return nil, errNotOurs
	}
	text, err := j.store.text(ctx, o)
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if decode(text, m) != nil || m.valid() != nil || m.Site != j.setup.Site {
		return nil, errNotOurs
	}
	return m, nil
}

// manifestLike returns the manifest of a name that is the one looked for, also when somebody put another version in front; and
// else what stands there.
func (j *job) manifestLike(ctx context.Context, name string, is func(*Manifest) bool) (*Manifest, error) {
	m, err := j.manifest(ctx, name)
	if err == nil && is(m) || err != nil && !errors.Is(err, errNotOurs) || !j.target.Traits().Versions {
		return m, err
	}
	n := 0
	for o, e := range j.store.list(ctx, name) {
		if e != nil {
			return nil, e
		}
		if n++; n > maxVersions { // the oldest come first
			break
		}
		if j.store.below(o.Name) != name || o.Size == 0 {
			continue
		}
		switch like, e := j.manifestOf(ctx, o); {
		case e == nil && is(like):
			return like, nil
		case e != nil && !errors.Is(e, errNotOurs) && !errors.Is(e, ErrNotFound) && !errors.Is(e, ErrDamaged):
			return nil, e
		}
	}
	return m, err
}

// adopt counts the point that an earlier run put and did not live to count. What lies in its place, also behind a marker, and no key
// of the chain signed is noted, so that the next point goes beside it.
func (j *job) adopt(ctx context.Context) error {
	seq, key := j.state.Seq+1, public(j.signers.current())
	var own *Manifest
	j.taken = nil
	for _, class := range []Class{Hourly, Daily, Weekly, Monthly} {
		name := folder(class, seq) + "/manifest.json"
		m, taken, err := j.standing(ctx, name, key)
		switch {
		case err != nil:
			return err
		case m != nil && (j.signers.Next == nil || m.KNext != public(j.signers.next()) || m.Prev != j.state.Hash || m.Branch != j.state.Branch):
			return j.foreign(fmt.Sprintf("a point %d is at the target that this one did not put", seq))
		case m != nil:
			own = m
		case taken:
			j.taken = append(j.taken, class)
			j.notes = append(j.notes, name+" is there, and no key of this chain signed it: see who may put at the target")
		}
	}
	if own == nil {
		return nil
	}
	j.taken = nil
	return j.announce(&Point{Manifest: *own})
}

// standing returns what stands under the name of a coming manifest: the one that a key signed, and whether something else does. A
// store that lets the site put behind a marker keeps what is before it, and a restore would meet that first.
func (j *job) standing(ctx context.Context, name string, key PublicKey) (own *Manifest, taken bool, err error) {
	all, err := j.versions(ctx, name)
	if err != nil {
		return nil, false, err
	}
	for _, o := range all {
		switch m, err := j.manifestOf(ctx, o); {
		case errors.Is(err, ErrNotFound): // gone meanwhile
		case errors.Is(err, errNotOurs), o.Hidden && errors.Is(err, ErrDamaged):
			taken = true
		case err != nil:
			return nil, false, err
		case m.K == key:
			return m, taken, nil
		default:
			taken = true
		}
	}
	return nil, taken, nil
}

// versions returns the versions of a name, the oldest of many.
func (j *job) versions(ctx context.Context, name string) (all []Object, err error) {
	if !j.target.Traits().Versions {
		o, err := j.target.Stat(ctx, j.store.full(name))
		if errors.Is(err, ErrNotFound) {
			return nil, nil
		}
		return []Object{o}, err
	}
	for o, err := range j.store.list(ctx, name) {
		if err != nil {
			return nil, err
		}
		if j.store.below(o.Name) != name || len(all) == maxVersions {
			break
		}
		all = append(all, o)
	}
	return all, nil
}

// errTaken says that somebody wrote where the next point belongs.
var errTaken = errors.New("backup: the names of the next point are taken, by nobody who has a key of this chain")

// free returns the class of the next point: the one wished for, unless its name is taken; then one that is kept for longer, and
// else for less long.
func (j *job) free(want Class) (Class, error) {
	all := []Class{Hourly, Daily, Weekly, Monthly}
	at := slices.Index(all, want)
	for _, class := range append(slices.Clone(all[at:]), all[:at]...) {
		if !slices.Contains(j.taken, class) {
			return class, nil
		}
	}
	return "", fmt.Errorf("%w: no second server does that: give the site another key of the target, then begin a new chain with backup init; the old points stay", errTaken)
}

// refused says who put the manifest that was there when a point's own was to be put.
func (j *job) refused(ctx context.Context, p *Point, put error) error {
	if m, err := j.manifest(ctx, p.Folder()+"/manifest.json"); errors.Is(err, errNotOurs) || err == nil && m.K != p.K {
		return fmt.Errorf("%w: %s/manifest.json: see who may put at the target; the next run takes another name: %w", errTaken, p.Folder(), put)
	}
	return fmt.Errorf("%w: a point %d is there that this one did not make: stop the other server, then look with backup verify: %w", ErrForked, p.Seq, put)
}

// rebuild reads the state from the chain, which must end where the signing keys go on.
func (j *job) rebuild(ctx context.Context) error {
	w, err := j.store.walk(ctx)
	if err != nil {
		return err
	}
	if w.genesis == nil || w.last+1 != j.signers.Seq || w.next != public(j.signers.current()) {
		return errors.Join(j.foreign("the signing keys do not fit the end of the chain"), w.faults.err())
	}
	s := j.state
	s.Seq, s.Hash, s.Branch = w.last, w.hash, w.branch
	for _, p := range w.points {
		if p.Instant.After(s.Lasts[p.Class]) {
			s.Lasts[p.Class] = p.Instant
		}
		if !w.linked[p.Seq] {
			s.Links = append(s.Links, p.link())
		}
		if p.Seq == w.last && p.Hash() == w.hash {
			s.Instant, s.Until, s.Class, s.Size = p.Instant, p.Data.LockUntil, p.Class, p.Data.Size
		}
	}
	return j.home.write(stateFile, s)
}
