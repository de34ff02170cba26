package backup

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// mostExpired is how many points of a class are deleted within a day at most, by the store's clock and however many runs there
// are: twice as many as come. A clock that jumped by years would else take all history; so it takes days, in which somebody
// sees the clock.
var mostExpired = map[Class]int{Hourly: 2 * 96, Daily: 2, Weekly: 1, Monthly: 1}

// expire deletes the points whose time is over by the store's clock, where nothing locks and so nothing else deletes them: at
// a store that locks its own lifecycle does it, and the site has no right to.
//
// The newest point of each class stays whatever its age, and so does what is not linked into the chain yet. Nothing is
// deleted while the chain has faults: what is looked into must not go away meanwhile. A manifest goes last, so that a kill
// leaves a point that is named as past its time and deleted at the next upkeep.
func (j *job) expire(ctx context.Context) error {
	_, err := j.expired(ctx)
	return err
}

// expired does it and returns how many points it deleted.
func (j *job) expired(ctx context.Context) (n int, err error) {
	if j.target.Traits().Locks {
		return 0, nil
	}
	w, err := j.store.walk(ctx)
	if err != nil {
		return 0, err
	}
	j.state.Orphans = w.orphan
	if err := w.faults.err(); err != nil {
		return 0, fmt.Errorf("backup: nothing is deleted while the chain has faults: %w", err)
	}
	newest := map[Class]int64{}
	for _, p := range w.points {
		newest[p.Class] = max(newest[p.Class], p.Seq)
	}
	if today := j.now.UTC().Format(time.DateOnly); j.state.GoneOn != today || j.state.Gone == nil {
		j.state.GoneOn, j.state.Gone = today, map[Class]int{}
	}
	gone := j.state.Gone
	for _, p := range w.points {
		if p.Seq == newest[p.Class] || !w.linked[p.Seq] || !p.Data.LockUntil.Before(j.now) || gone[p.Class] >= mostExpired[p.Class] {
			continue
		}
		gone[p.Class]++
		if err := j.deletePoint(ctx, w, p.Folder()); err != nil {
			return n, err
		}
		n++
	}
	return n, j.deleteHalves(ctx, w)
}

// makeRoom deletes at a target that is full what would go with the next daily point, which cannot be stored there. It reports
// whether anything went.
func (j *job) makeRoom(ctx context.Context) bool {
	if err := j.putLinks(ctx); err != nil { // what is not linked stays; the record is small
		j.notes = append(j.notes, "the links of the chain were not put at the target, which is full: "+err.Error())
	}
	n, err := j.expired(ctx)
	if err != nil {
		j.notes = append(j.notes, "the target is full, and points whose time is over were not deleted: "+err.Error())
	}
	return n > 0
}

// deletePoint deletes what lies in a point's folder, the manifest last.
func (j *job) deletePoint(ctx context.Context, w *walk, folder string) error {
	manifest := folder + "/manifest.json"
	for _, name := range append(below(w.names, folder+"/", manifest), manifest) {
		if err := j.deleteAll(ctx, w.objects[name]); err != nil {
			return err
		}
	}
	return nil
}

// below returns the names in a folder, one of them left out.
func below(names []string, folder, but string) (found []string) {
	for _, name := range names {
		if strings.HasPrefix(name, folder) && name != but {
			found = append(found, name)
		}
	}
	return found
}

func (j *job) deleteAll(ctx context.Context, versions []Object) error {
	for _, o := range versions {
		if err := j.target.Delete(ctx, o); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// deleteHalves deletes what a killed run left: data that no manifest came after, when it is older than any point of its
// class would be.
func (j *job) deleteHalves(ctx context.Context, w *walk) error {
	named := map[string]bool{}
	for _, p := range w.points {
		named[p.Folder()] = true
	}
	for _, name := range w.names {
		m := pointPath.FindStringSubmatch(name)
		if m == nil || named[path.Dir(name)] {
			continue
		}
		all := w.objects[name]
		if over := all[len(all)-1].Stored.Add(Class(m[1]).Keep() + 24*time.Hour); over.Before(j.now) {
			if err := j.deleteAll(ctx, all); err != nil {
				return err
			}
		}
	}
	return nil
}
