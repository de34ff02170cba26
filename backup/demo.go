package backup

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/internal/datafolder"
)

// A site that runs with `serve --demo` is backed up to a folder beside its data, so that who tries it can lose the data and get
// them back. All lies on one disk, and the key beside it: that is said wherever it is told, and check finds both.

// A demoPlace is where points and kit of a demo lie: in two folders beside the data folder, never in it.
type demoPlace struct{ folder, kits string }

func demoPlaceOf(data string) demoPlace {
	at := located(data)
	return demoPlace{at + "-backups", at + "-recovery-kit"}
}

// kit returns the paths of the kit's page and of its text.
func (d demoPlace) kit() (page, text string) { return kitFiles(filepath.Join(d.kits, "kit")) }

// address is the folder's, as `backup init --to` takes it.
func (d demoPlace) address() string {
	return (&url.URL{Scheme: fileScheme.Name, Path: filepath.ToSlash(d.folder)}).String()
}

// taken returns what is there already and would be written over, "": nothing.
func (d demoPlace) taken() string {
	for _, path := range []string{d.folder, d.kits} {
		if _, err := os.Lstat(path); err == nil {
			return path
		}
	}
	return ""
}

// demoPause is how long a demo is up before its chain begins: the start and the first page are as fast as without.
const demoPause = time.Second

// ready tells where the backups of a demo lie. Where it has none they begin in the background, when the site is up.
func (p *part) ready(ctx context.Context, h *merlon.House) ([][2]string, error) {
	if h.Mode != merlon.Development || !h.Demo() {
		return nil, nil
	}
	place := demoPlaceOf(h.Data)
	switch setup, err := ReadSetup(h.Data); {
	case err == nil:
		if setup.Target != place.address() { // their owner's own
			return [][2]string{{"backups", setup.Target}}, nil
		}
		return place.lines(p.cfg.Every, true), nil
	case !errors.Is(err, ErrNotSetUp):
		return nil, nil // each round says it in the log
	}
	none := func(why string) ([][2]string, error) { return [][2]string{{"backups", "none: " + why}}, nil }
	if err := errors.Join(ableToRestore(), able(ctx, h.Carrier())); err != nil {
		return none(strings.ReplaceAll(err.Error(), "\n", ";"))
	}
	if was := place.taken(); was != "" {
		_, text := place.kit()
		return none(fmt.Sprintf("%s is there already, of other data, and nothing is written over: to get those back end the site, then: restore latest --live --confirm-site %s --key-file %s --from %s; else move both folders away and start again", was, h.Name, text, place.address()))
	}
	p.demo.Store(true)
	time.AfterFunc(demoPause, func() {
		select {
		case p.wake <- struct{}{}:
		default: // woken already
		}
	})
	return place.lines(p.cfg.Every, false), nil
}

// lines are what serve says of the chain of a place, which is begun or about to be.
func (d demoPlace) lines(every time.Duration, begun bool) [][2]string {
	page, text := d.kit()
	kit := fmt.Sprintf("%s and %s   opens them all: a real site's is printed and kept elsewhere", text, filepath.Ext(page))
	if _, err := os.Lstat(text); err != nil && begun {
		kit = "not at " + text + " any more: without it nobody opens them"
	}
	return [][2]string{
		{"backups", fmt.Sprintf("%s   every %g minutes; a demo, on the disk of the data: they help against mistakes and a deleted data folder, and nothing else", d.folder, every.Minutes())},
		{"recovery kit", kit},
	}
}

// beginDemo begins the chain of a demo. Whatever it made is removed when it fails: a later start would take it for another's.
func beginDemo(ctx context.Context, h *merlon.House) (err error) {
	place := demoPlaceOf(h.Data)
	var made []string
	defer func() {
		if setup, not := ReadSetup(h.Data); err == nil || not == nil && setup.Target == place.address() {
			return
		}
		for _, path := range made {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}()
	for _, path := range []string{place.folder, place.kits} {
		if err := datafolder.New(path); err != nil {
			return fmt.Errorf("backup: the folders for points and kit cannot be made: %w: let the site make them, or name another place by backup init --to", err)
		}
		made = append(made, path)
	}
	setup := &Setup{Format: setupFormat, Created: stamp(time.Now()), Target: place.address(), Try: true}
	target, err := openFile(&url.URL{Scheme: fileScheme.Name, Path: filepath.ToSlash(place.folder)})
	if err != nil {
		return err
	}
	defer target.Close()
	own := homeOf(h.Data)
	store, kit, err := prepare(ctx, own, target, setup, h.Name)
	if err != nil {
		return err
	}
	_, text := place.kit()
	if err := kit.write(text); err != nil {
		return err
	}
	return begin(ctx, own, store, setup, kit.recovery, h.Clock()) // the first drill is the next night's: the start of a demo is no time for one
}
