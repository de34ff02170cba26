package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The records by which the owner gives the chain to a restored copy or to other recipients lie among all that anybody put
// who may write to the store. Each that the owner did not sign is read once by a process, and so many at most in a run.
const (
	mostStrange  = 500
	mostRemember = 50_000
)

// looked is what a runner knows of a chain's records beside the points.
type looked struct {
	chain   string              // of which, under which owner's key
	objects map[string]struct{} // read already
	targets []*Retarget         // of the owner's
	r       []string            // the recipients that were held against all there was
	branch  int                 // the highest that the chain was given to
}

// lookedAt returns what is known of the chain of a setup.
func (r *runner) lookedAt(setup *Setup) *looked {
	r.mu.Lock()
	defer r.mu.Unlock()
	if chain := fmt.Sprint(setup.Site, " ", setup.Genesis, " ", setup.T); r.looked == nil || r.looked.chain != chain {
		r.looked = &looked{chain: chain, objects: map[string]struct{}{}}
	}
	return r.looked
}

// sameChain holds the settings against the records that the owner's key signed, and refuses to go on when the chain was given
// to a restored copy. Whoever may write to this machine can put another recipient into the settings, and wait until no point
// is left that the owner can read.
func (j *job) sameChain(ctx context.Context) error {
	l := j.lookedAt(j.setup)
	genesis, left, err := j.look(ctx, l)
	if err != nil {
		return err
	}
	if l.branch > j.state.Branch {
		return j.foreign("the site was restored elsewhere, and its chain goes on there")
	}
	if genesis == nil || genesis.valid() != nil {
		return fmt.Errorf("%w: the record that began the chain is gone, or another one", ErrUnknown)
	}
	r, after := genesis.R, int64(-1)
	for _, t := range l.targets {
		if t.After > after && t.After <= j.state.Seq {
			r, after = t.R, t.After
		}
	}
	file := j.home.path(settingsFile)
	if genesis.Site != j.setup.Site || genesis.T != j.setup.T {
		return fmt.Errorf("%w: %s names another site or another owner's key than the record that began the chain: see who wrote it", ErrSettings, file)
	}
	if left > 0 {
		j.notes = append(j.notes, fmt.Sprintf("%d records in the folder chain/ at the target are not looked at yet: somebody puts many that are not the owner's: see with backup verify who, and take the right to write from them", left))
		if !slices.Equal(l.r, j.setup.R) { // which recipients are in force is not known: no run guesses it
			return fmt.Errorf("%w: the target holds %d records more than a run looks at: the next run goes on looking", ErrUnknown, left)
		}
		return nil
	}
	if !slices.Equal(r, j.setup.R) {
		return fmt.Errorf("%w: %s has points sealed to %s, and the owner's key signed %s: whoever wrote that would read the points, and you would not: take the file from a point, or restore it by hand",
			ErrSettings, file, strings.Join(fingerprints(j.setup.R), ", "), strings.Join(fingerprints(r), ", "))
	}
	l.r = r
	return nil
}

// look reads the records that were not read yet, and returns how many are left for the next run.
func (j *job) look(ctx context.Context, l *looked) (genesis *Genesis, left int, err error) {
	read := 0
	for o, err := range j.store.list(ctx, "chain/") {
		if err != nil {
			return nil, 0, err
		}
		name := j.store.below(o.Name)
		m := chainPath.FindStringSubmatch(name)
		if m == nil || m[2] == "links" || m[2] == "genesis" && (genesis != nil || name != genesisName) || o.Size > maxRecord {
			continue
		}
		if branch, err := strconv.Atoi(strings.TrimPrefix(m[3], "-")); m[2] == "rebirth" && (err != nil || branch <= j.state.Branch) {
			continue
		}
		id := fmt.Sprint(o.Name, "\n", o.Version, "\n", o.Size, "\n", o.SHA256, "\n", o.Stored.UnixNano())
		if _, known := l.objects[id]; known && m[2] != "genesis" {
			continue
		}
		if read == mostStrange {
			left++
			continue
		}
		read++
		text, err := j.store.text(ctx, o)
		if errors.Is(err, ErrNotFound) {
			continue // hidden, or gone meanwhile
		}
		if err != nil {
			return nil, 0, err
		}
		if g := l.judge(m[2], text, j.setup); g != nil {
			genesis = g
		}
		if len(l.objects) < mostRemember {
			l.objects[id] = struct{}{}
		}
	}
	return genesis, left, nil
}

// judge takes a record if the owner signed it. A name alone says nothing: whoever may put can write it; verify tells of it.
func (l *looked) judge(kind string, text []byte, setup *Setup) *Genesis {
	switch kind {
	case "genesis":
		var g Genesis
		if decode(text, &g) == nil && hashOf(g.unsigned()) == setup.Genesis {
			return &g
		}
	case "retarget":
		var r Retarget
		if decode(text, &r) == nil && r.valid(setup.T) == nil && r.Site == setup.Site {
			l.targets = append(l.targets, &r)
		}
	case "rebirth":
		var r Rebirth
		if decode(text, &r) == nil && r.valid(setup.T) == nil && r.Site == setup.Site {
			l.branch = max(l.branch, r.Branch)
		}
	}
	return nil
}
