package backup

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Upkeep's turns.
const (
	relockEvery = 30 * 24 * time.Hour
	probeEvery  = 30 * 24 * time.Hour
)

// upkeep does once a day what keeps the chain in order. Nothing of it takes anything from a point: what fails is tried again
// the next day, and told.
func (j *job) upkeep(ctx context.Context) {
	j.state.Recent = slices.DeleteFunc(j.state.Recent, func(t time.Time) bool { return ahead(t, j.now) }) // else none before them goes any more
	for _, one := range []struct {
		do   func(context.Context) error
		what string
	}{
		{j.putLinks, "the link of this point was not put, and will be with the next daily point"},
		{j.relock, "the locks of the chain's records were not made longer"},
		{j.probeAgain, "the target could not be probed"},
		{j.expire, "points whose time is over were not deleted"},
	} {
		if err := one.do(ctx); err != nil {
			j.notes = append(j.notes, one.what+": "+err.Error())
		}
	}
}

// relock makes the locks of the records that a chain begins with, and of those that stay for ever, last as long as the longest
// class again. All versions of a record are locked: the right one may be hidden.
func (j *job) relock(ctx context.Context) error {
	if !j.target.Traits().Locks || ageOf(j.state.Relocked, j.now) < relockEvery {
		return nil
	}
	until := j.now.Add(Monthly.Keep())
	var failed error
	for _, prefix := range []string{formatObject, "chain/"} {
		for o, err := range j.store.list(ctx, prefix) {
			if err != nil {
				return err
			}
			if name := j.store.below(o.Name); name != formatObject && !chainPath.MatchString(name) || o.Size <= 0 || o.Size > maxRecord {
				continue
			}
			if err := j.target.Lock(ctx, o, until); err != nil { // the others all the same
				failed = err
			}
		}
	}
	if failed == nil {
		j.state.Relocked = j.now
	}
	return failed
}

// probeAgain tries once a month what the target takes and refuses: rights and settings of a store change.
func (j *job) probeAgain(ctx context.Context) error {
	if ageOf(j.state.Probed, j.now) < probeEvery {
		return nil
	}
	all, err := probe(ctx, j.store, j.house.Clock())
	if err != nil {
		return err
	}
	j.state.Probed, j.state.Probes = j.now, all
	for _, one := range all {
		if one.Need && !one.OK {
			return fmt.Errorf("%s: %s: %s", one.Name, one.Said, one.Mean)
		}
	}
	return nil
}
