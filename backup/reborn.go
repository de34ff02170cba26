package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// A restored site must not write to the chain as if nothing had happened: the old server may still run, and two writers of
// one chain cannot be told apart. With the recovery key a record is signed that gives the chain to the restored site, under a
// branch of its own; whoever writes on in the old branch finds the record and stops. A point key signs nothing: then the site
// begins a new chain with `backup init`.

// rebirthFile keeps the signed record until it is at the target.
const rebirthFile = "rebirth.json"

func rebirthName(r *Rebirth) string {
	return fmt.Sprintf("chain/%08d-rebirth-%d.json", r.From-1, r.Branch)
}

// goOn lets the restored data make backups: it signs the rebirth and writes the home into the folder that is not in place
// yet. Nothing is put at the target: if the restore does not come to its end, the old site goes on.
func (f *fetched) goOn(ctx context.Context, live string) error {
	if f.key.recovery == nil {
		return errors.New("a point key signs nothing")
	}
	h := homeOf(f.path)
	setup := &Setup{}
	if err := h.read("restored.json", setup); err != nil {
		return err
	}
	now, err := ReadSetup(live)
	if err == nil && !f.restore.AfterTheft && now.Site == setup.Site && now.Target == f.store.target.String() {
		setup.Target, setup.Options, setup.Mail, setup.Ping, setup.Try = now.Target, now.Options, now.Mail, now.Ping, now.Try
	} else { // after a theft the folder's settings are a thief's perhaps: those of the point are taken, and what the owner named
		setup.Target = f.store.target.String()
		if f.options != nil {
			setup.Options = f.options
		}
	}
	if setup.Site != f.store.site || setup.T != f.key.recovery.Root() {
		return errors.New("the settings in the point are those of another chain")
	}
	w, err := f.store.walk(ctx)
	if err != nil {
		return err
	}
	setup.R = w.r // as the owner's key signed it, not as the point says
	seed, err := newSigner()
	if err != nil {
		return err
	}
	keys := &signers{Format: signersFormat, Current: seed}
	r := &Rebirth{Format: formatName, Kind: "rebirth", Site: setup.Site, Branch: w.branch + 1, After: f.point.Seq, Prev: f.point.Hash(), From: w.top() + 1, Created: stamp(time.Now()), K: public(keys.current())}
	r.sign(f.key.recovery.root)
	keys.Seq = r.From
	s := &state{Format: stateFormat, Seq: r.From - 1, Hash: hashOf(r.unsigned()), Branch: r.Branch, Lasts: map[Class]time.Time{},
		Proven: f.restore.Now} // the owner's key has just opened a point
	for _, p := range w.points {
		if !w.linked[p.Seq] && p.Seq <= r.After {
			s.Links = append(s.Links, p.link())
		}
	}
	for _, one := range []struct {
		name string
		v    any
	}{{rebirthFile, r}, {signersFile, keys}, {stateFile, s}, {settingsFile, setup}} {
		if err := h.write(one.name, one.v); err != nil {
			return err
		}
	}
	f.reborn, f.setup = true, setup
	return os.Remove(h.path("restored.json"))
}

// farAhead is a number that no chain reaches, a point every minute for a century: whoever may put writes what has a higher one.
const farAhead = 60_000_000

// top is the highest number that anything at the target has.
func (w *walk) top() int64 {
	top := max(w.last, w.highest)
	for _, r := range w.rebirths {
		top = max(top, r.From-1)
	}
	return top
}

// announceBirth puts the record that gives the chain to the restored site, which is in place now.
func (f *fetched) announceBirth(ctx context.Context) error {
	return putRebirth(ctx, homeOf(f.dest), f.store)
}

// putRebirth puts the record that a home keeps, and forgets it when it is there.
func putRebirth(ctx context.Context, h home, store *Store) error {
	r := &Rebirth{}
	switch err := h.read(rebirthFile, r); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	now, err := store.target.Now(ctx)
	if err != nil {
		return err
	}
	if err := putRecord(ctx, store, rebirthName(r), encode(r), now.Add(Monthly.Keep())); err != nil {
		return err
	}
	return os.Remove(h.path(rebirthFile))
}
