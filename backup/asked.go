package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
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
	if site := c.Flag("site"); site != "" && !siteShape.MatchString(site) {
		return a, merlon.Misused("--site takes the id of a site, 16 hexadecimal digits, as it stands in the kit: %.40q is none", site)
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
		return nil, errNoPoint
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
	newest := alive[len(alive)-1]
	return nil, fmt.Errorf("backup: there is no point %d here, or nothing proves it: nothing was restored: the oldest here is point %d, the newest point %d of %s", w.seq, alive[0].Seq, newest.Seq, newest.told())
}

// errNoPoint says that nothing can be restored from what lies at a place.
var errNoPoint = errors.New("backup: no point here is proven: nothing was restored")

// unproven adds to errNoPoint why, and what to do.
func unproven(store *Store, faults ChainErrors) error {
	if len(faults) == 0 {
		return fmt.Errorf("%w\n  the site %s has begun its backups at %s, and has made no point\n  see that address and site are those in the kit", errNoPoint, store.site, store.target)
	}
	do := "if the store keeps older versions ask for those from before; else restore from another copy of the backups, by --from"
	for _, f := range faults {
		if f.Object == genesisName && f.Fault == Foreign {
			do = "compare the key, whose fingerprint the kit has, and the address with the kit; if both are right, the store shows another chain than yours: ask for what was there before, or restore from another copy, by --from"
		}
	}
	return fmt.Errorf("%w\n  %s\n  %s", errNoPoint, strings.ReplaceAll(detail(faults), "\nbackup: ", "\n  "), do)
}

// nowhere is for a chain that is not there: what is at the place instead, if anything.
func nowhere(ctx context.Context, store *Store) error {
	all, err := sitesAt(ctx, store.target)
	here := "no site has any there"
	if len(all) > 0 {
		here = count(len(all), "other site") + " have some there, " + all[0].id + " among them"
		if len(all) == 1 {
			here = "another site has some there: " + all[0].id
		}
	}
	if err != nil {
		return commandError(ctx, err)
	}
	return merlon.Cannot("the site %s has no backups at %s: nothing was restored\n  %s\n  compare the address and the site with the kit", store.site, store.target, here)
}

// untouched adds to what keeps a place from being read that nothing has happened.
func untouched(err error) error {
	var empty *emptyError
	switch {
	case errors.As(err, &empty):
		return fmt.Errorf("%w\n  nothing was restored", err)
	case errors.Is(err, ErrUnreachable):
		return fmt.Errorf("%w\n  nothing was restored: try again, or restore from another copy of the backups, by --from", err)
	case errors.Is(err, ErrDenied), errors.Is(err, ErrNotFound):
		return fmt.Errorf("%w\n  nothing was restored: compare the address with the kit, which says how to get the right to read there too; another copy of the backups is named by --from", err)
	}
	return err
}

// lacks tells of a point that the site's own settings do not lead to, before somebody types a key for it. Where another chain lies at
// the place it is only a warning: the key tells which one is meant. What cannot be told is left to the key.
func (p *part) lacks(ctx context.Context, c *merlon.Call, asked asked) error {
	if asked.point.seq == 0 || c.Flag("key-file") != "" || c.Flag("key-fd") != "" {
		return nil
	}
	setup, err := ReadSetup(c.Apart.Data)
	if err != nil || c.Flag("from") != "" && c.Flag("from") != setup.Target || c.Flag("site") != "" && c.Flag("site") != setup.Site {
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
	points, err := store.Chain(ctx, nil)
	if err != nil {
		return nil
	}
	_, lacking := asked.point.in(points)
	if lacking == nil || c.Flag("site") != "" {
		return lacking
	}
	if found, err := sitesAt(ctx, store.target); err != nil || len(found) > 1 {
		fmt.Fprintf(c.Apart.Err, "WARN    the chain that this site goes on with, %s, has no point %d: it is looked for in the one that the key began, or that --site names\n", setup.Site, asked.point.seq)
		return nil
	}
	return lacking
}
