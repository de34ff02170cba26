package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/merlon-web/merlon"
)

// After a theft it is the owner who must say whether those who may decide something are the right ones. An older point tells
// who they were.

// compared is how the powers of what was restored differ from those of an older point.
type compared struct {
	Point int64    `json:"point"`
	Came  []string `json:"came"` // not in the older point
	Went  []string `json:"went"` // not in what was restored
}

// maxPowersTold is how many lines of a kind the report prints; all are in its JSON.
const maxPowersTold = 40

// compareWith fetches an older point and holds its powers against those that were restored.
func (f *fetched) compareWith(ctx context.Context, p *Point) (err error) {
	f.say("comparing   with point %d of %s", p.Seq, p.told())
	folder := filepath.Join(f.path, "compared")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return merlon.Cannot("%v", err)
	}
	defer func() {
		if f.carrier != nil {
			if e := f.carrier.Unload(context.WithoutCancel(ctx), folder); e != nil {
				err = errors.Join(err, e)
				return
			}
		}
		if e := os.RemoveAll(folder); err == nil && e != nil {
			err = merlon.Cannot("%v", e)
		}
	}()
	inner, in, err := unpackOwn(ctx, f.store, p, f.key, folder, f.carrier, f.say)
	if err == nil {
		err = arrange(inner, in, folder)
	}
	if err != nil {
		return err
	}
	site, err := f.open(folder, merlon.Drill)
	if err != nil {
		return fmt.Errorf("backup: the site cannot be put together: %w", err)
	}
	if err := proveCopy(ctx, site, inner, p); err != nil {
		return err
	}
	before, err := site.Powers(ctx)
	if err != nil {
		return notOpened(p, err)
	}
	now := f.result.Powers
	f.compared = &compared{Point: p.Seq,
		Came: slices.DeleteFunc(slices.Clone(now), func(s string) bool { return slices.Contains(before, s) }),
		Went: slices.DeleteFunc(before, func(s string) bool { return slices.Contains(now, s) })}
	return nil
}

// print tells people who may decide something, and what is otherwise than in the older point.
func (c *compared) print(out io.Writer, powers []string) {
	lines := func(before string, all []string) {
		for i, s := range all {
			if i == maxPowersTold {
				fmt.Fprintf(out, "%sand %d more: see --json\n", before, len(all)-i)
				return
			}
			fmt.Fprintln(out, before+s)
		}
	}
	lines("may decide or enter: ", powers)
	if c == nil {
		return
	}
	if len(c.Came)+len(c.Went) == 0 {
		fmt.Fprintf(out, "the same as in point %d\n", c.Point)
	}
	lines(fmt.Sprintf("not in point %d:     ", c.Point), c.Came)
	lines(fmt.Sprintf("only in point %d:    ", c.Point), c.Went)
}
