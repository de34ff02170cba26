package backup

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
)

// tryCopies begins a chain of points of a copy of the site at a folder that is nobody's, with a key of its own: what the site's
// own settings name is not asked, and gets nothing.
func (p *part) tryCopies(ctx context.Context, h *merlon.House, place string, open func(string, merlon.Mode) (*merlon.Site, error)) (*merlon.CopyTrial, error) {
	if h.Mode != merlon.Drill {
		return nil, errors.New("backup: copies are tried on a copy of the data only: the site's own settings would be put aside")
	}
	if err := ableToRestore(); err != nil {
		return nil, err
	}
	own := homeOf(h.Data)
	if _, err := os.Stat(own.dir); err == nil { // the site's own chain, of which this copy makes no point
		if err := os.Rename(own.dir, own.dir+ofTheSite); err != nil {
			return nil, fmt.Errorf("backup: %w", err)
		}
	}
	recovery, err := NewRecovery()
	if err != nil {
		return nil, err
	}
	setup := &Setup{Format: setupFormat, Site: newSite(), Created: stamp(time.Now()), Target: (&url.URL{Scheme: fileScheme.Name, Path: place}).String(), Try: true}
	target, err := OpenTarget(ctx, setup.Target, nil, nil)
	if err != nil {
		return nil, err
	}
	defer target.Close()
	if err := begin(ctx, own, &Store{target: target, site: setup.Site}, setup, recovery, time.Time{}); err != nil {
		return nil, err
	}
	runner := &runner{house: h, home: own}
	return &merlon.CopyTrial{
		Make: func(ctx context.Context) error {
			_, err := runner.run(ctx, wish{force: true})
			return err
		},
		Restore: func(ctx context.Context, into, text string) error {
			return p.restoreTrial(ctx, setup, open, into, text)
		},
		Key:   recovery.Reveal(),
		Spare: inNoPoint,
	}, nil
}

// ofTheSite ends the name of the folder in which the settings of the site's own chain lie meanwhile.
const ofTheSite = ".of-the-site"

// inNoPoint are the files of a data folder that belong to backups themselves, and begin anew after a restore.
func inNoPoint(name string) bool {
	return strings.HasPrefix(name, "backup/") || strings.HasPrefix(name, "backup"+ofTheSite+"/") || strings.HasPrefix(name, "drills/")
}

// restoreTrial is what the command restore does with the newest point.
func (p *part) restoreTrial(ctx context.Context, setup *Setup, open func(string, merlon.Mode) (*merlon.Site, error), into, text string) error {
	k, err := parseKey(text)
	if err != nil {
		return err
	}
	target, err := OpenTarget(ctx, setup.Target, nil, nil)
	if err != nil {
		return err
	}
	defer target.Close()
	store, err := OpenStore(ctx, target, setup.Site)
	if err != nil {
		return err
	}
	store.Trust(setup.T)
	points, err := store.Chain(ctx, nil)
	var faults ChainErrors
	if err != nil && !errors.As(err, &faults) {
		return err
	}
	point, err := (which{}).in(points)
	if err != nil {
		return errors.Join(err, faults.err())
	}
	f, err := p.fetch(ctx, fetching{store: store, point: point, key: k, dest: into, open: open, say: func(string, ...any) {}, restore: merlon.Restore{Now: time.Now(), Who: "attack"}})
	if err != nil {
		return err
	}
	defer f.discard()
	_, err = f.commit(ctx)
	return err
}
