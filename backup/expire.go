package backup

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
)

// mostExpired is how many points of a class a day's upkeep deletes at most: twice as many as come. A clock that jumped by
// years would else take all history in one run; so it takes days, in which somebody sees the clock.
var mostExpired = map[Class]int{Hourly: 2 * 96, Daily: 2, Weekly: 1, Monthly: 1}

// expire deletes the points whose time is over by the store's clock, where nothing locks and so nothing else deletes them: at
// a store that locks its own lifecycle does it, and the site has no right to.
//
// The newest point of each class stays whatever its age, and so does what is not linked into the chain yet. Nothing is
// deleted while the chain has faults: what is looked into must not go away meanwhile. A manifest goes last, so that a kill
// leaves a point that is named as past its time and deleted at the next upkeep.
func (j *job) expire(ctx context.Context) error {
	if j.target.Traits().Locks {
		return nil
	}
	w, err := j.store.walk(ctx)
	if err != nil {
		return err
	}
	j.state.Orphans = w.orphan
	if err := w.faults.err(); err != nil {
		return fmt.Errorf("backup: nothing is deleted while the chain has faults: %w", err)
	}
	newest := map[Class]int64{}
	for _, p := range w.points {
		newest[p.Class] = max(newest[p.Class], p.Seq)
	}
	gone := map[Class]int{}
	for _, p := range w.points {
		if p.Seq == newest[p.Class] || !w.linked[p.Seq] || !p.Data.LockUntil.Before(j.now) || gone[p.Class] >= mostExpired[p.Class] {
			continue
		}
		if err := j.deletePoint(ctx, w, p.Folder()); err != nil {
			return err
		}
		gone[p.Class]++
	}
	return j.deleteHalves(ctx, w)
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
