package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/merlon-web/merlon"
)

// asked is what a restore was asked for, as far as its arguments alone tell: what is wrong with them is said before the key is
// typed.
type asked struct {
	point   which
	older   *which   // of --compare; nil: none
	receipt *Receipt // nil: none
}

// which point: the one of a number, the newest that is not younger than a time, or the newest of all.
type which struct {
	seq int64 // 0: it is not named by its number
	at  time.Time
}

func askedFor(c *merlon.Call) (a asked, err error) {
	if c.Flag("compare") != "" && c.Flag("after-theft") == "" {
		return a, merlon.Misused("--compare tells what a thief may have changed: give --after-theft too")
	}
	if c.Flag("key-file") != "" && c.Flag("key-fd") != "" {
		return a, merlon.Misused("--key-file and --key-fd are both given: the key comes from one of them: choose")
	}
	if _, err := optionsOf(c.Flag("set")); err != nil {
		return a, err
	}
	if a.point, err = parseWhich(c.Arg(0), c.Flag("at")); err != nil {
		return a, err
	}
	if name := c.Flag("compare"); name != "" {
		older, err := parseWhich(name, "")
		if err != nil {
			return a, err
		}
		a.older = &older
	}
	a.receipt, err = readReceipt(c.Flag("receipt"))
	return a, err
}

// parseWhich reads a point's number, "latest" (or nothing), or a time.
func parseWhich(name, at string) (w which, err error) {
	newest := name == "" || name == "latest"
	switch {
	case at != "" && !newest:
		return w, merlon.Misused("a point and --at are both given: choose one")
	case at != "":
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04", time.DateOnly} {
			if w.at, err = time.Parse(layout, at); err == nil {
				return w, nil
			}
		}
		return w, merlon.Misused("--at %q is no time: write 2026-11-24T12:40Z, in UTC", at)
	case newest:
		return w, nil
	}
	if w.seq, err = strconv.ParseInt(name, 10, 64); err != nil || w.seq < 1 {
		return w, merlon.Misused("%q is no point: give its number, or latest: see backup list", name)
	}
	return w, nil
}

// in finds the point among those that are proven.
func (w which) in(points []*Point) (*Point, error) {
	alive := slices.DeleteFunc(slices.Clone(points), func(p *Point) bool { return p.Abandoned })
	switch {
	case len(alive) == 0:
		return nil, errors.New("backup: no point here is proven: nothing was restored")
	case !w.at.IsZero():
		for _, p := range slices.Backward(alive) {
			if !p.Effective.After(w.at) {
				return p, nil
			}
		}
		return nil, fmt.Errorf("backup: no point is as old as %s: the oldest here is point %d of %s; in a bucket that was copied the dates are those of the copy: name the point by its number then", w.at.Format(time.RFC3339), alive[0].Seq, alive[0].told())
	case w.seq == 0:
		return alive[len(alive)-1], nil
	}
	for _, p := range points {
		if p.Seq == w.seq {
			return p, nil
		}
	}
	return nil, fmt.Errorf("backup: there is no point %d here, or nothing proves it: nothing was restored: see backup list", w.seq)
}

// lacks tells of a point that the site's own settings do not lead to, before somebody types a key for it. What they cannot
// tell is left to the key.
func (p *part) lacks(ctx context.Context, c *merlon.Call, asked asked) error {
	if asked.point.seq == 0 || c.Flag("key-file") != "" || c.Flag("key-fd") != "" {
		return nil
	}
	setup, err := ReadSetup(c.Apart.Data)
	if err != nil || c.Flag("from") != "" && c.Flag("from") != setup.Target {
		return nil
	}
	given, err := optionsOf(c.Flag("set"))
	if err != nil {
		return err
	}
	store, err := p.openStore(ctx, setup.Target, given.over(setup.Options), setup.Site, nil)
	if err != nil {
		return nil
	}
	defer store.target.Close()
	store.Trust(setup.T)
	if points, err := store.Chain(ctx, nil); err == nil {
		_, err = asked.point.in(points)
		return err
	}
	return nil
}
