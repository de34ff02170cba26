package backup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/merlon-web/merlon"
)

// rescue gets a site back from the page on which a new one is set up: what `restore latest --live` does, while the new site
// is up. It is replaced when the data is ready.
type rescue struct {
	p  *part
	mu sync.Mutex
	at merlon.RescueState
}

// rescueTime is how long a rescue may take.
const rescueTime = 2 * time.Hour

func (r *rescue) offer() *merlon.Rescue {
	return &merlon.Rescue{Begin: r.begin, State: r.state}
}

func (r *rescue) state() merlon.RescueState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

func (r *rescue) set(at merlon.RescueState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = at
}

// begin finds the newest point, so that a wrong key or address is told at once, and fetches it in the background.
func (r *rescue) begin(ctx context.Context, h *merlon.House, want merlon.RescueWish) error {
	if err := ableToRestore(); err != nil {
		return err
	}
	open, can := h.Again()
	if !can {
		return errors.New("this program does not start its site anew: stop it, and use the command restore")
	}
	r.mu.Lock()
	busy := r.at.Running
	if !busy {
		r.at = merlon.RescueState{Running: true, Step: "looking for the backups"}
	}
	r.mu.Unlock()
	if busy {
		return errors.New("the site is being restored already")
	}
	f, warnings, err := r.find(ctx, want)
	if err != nil {
		r.set(merlon.RescueState{Problem: err.Error()})
		return err
	}
	f.dest, f.open = h.Data, open
	for _, w := range warnings {
		h.Log.Warn("the chain of backups has a fault", "fault", w)
	}
	f.say = func(format string, args ...any) {
		r.set(merlon.RescueState{Running: true, Step: fmt.Sprintf(format, args...), Warnings: warnings})
	}
	f.say("restoring point %d of %s", f.point.Seq, f.point.told())
	f.restore = merlon.Restore{Now: h.Clock(), Who: "set-up page"}
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rescueTime)
		defer cancel()
		if err := r.bring(ctx, h, *f); err != nil {
			h.Log.Error("the site could not be got back", "error", err.Error())
			r.set(merlon.RescueState{Problem: err.Error(), Warnings: warnings})
		}
	}()
	return nil
}

// maxWarnings is how many faults of a chain the page tells.
const maxWarnings = 10

// find opens the chain and picks the newest point. Faults of the chain take nothing from it, and are told.
func (r *rescue) find(ctx context.Context, want merlon.RescueWish) (_ *fetching, warnings []string, err error) {
	k, err := parseKey(want.Key.Reveal())
	if err != nil {
		return nil, nil, err
	}
	address := want.Address
	if address == "" {
		address = k.target
	}
	if address == "" {
		return nil, nil, errors.New("the address of the backups is missing: it stands in the kit")
	}
	store, err := r.p.openStore(ctx, address, nil, k.site)
	if err != nil {
		return nil, nil, err
	}
	if k.recovery != nil {
		store.Trust(k.recovery.Root())
	} else {
		warnings = append(warnings, "a point key cannot tell who began the chain: compare the point's number and time with the mail of your last backup")
	}
	points, err := store.Chain(ctx, nil)
	var faults ChainErrors
	if err != nil && !errors.As(err, &faults) {
		return nil, nil, errors.Join(err, store.target.Close())
	}
	for i, f := range faults {
		if i == maxWarnings {
			warnings = append(warnings, fmt.Sprintf("and %d more: backup verify tells all", len(faults)-i))
			break
		}
		warnings = append(warnings, f.Error())
	}
	point, err := pick(points, "latest", "")
	if err != nil {
		return nil, nil, errors.Join(err, faults.err(), store.target.Close())
	}
	return &fetching{store: store, point: point, key: k}, warnings, nil
}

// bring makes the data and has the site replaced by it.
func (r *rescue) bring(ctx context.Context, h *merlon.House, want fetching) (err error) {
	f, err := r.p.fetch(ctx, want)
	if err != nil {
		return errors.Join(err, want.store.target.Close())
	}
	if err := f.goOn(ctx, h.Data); err != nil {
		h.Log.Warn("backups do not go on by themselves: run backup init", "reason", err.Error())
	}
	f.say("starting anew")
	err = h.Replace(func() error {
		defer want.store.target.Close()
		defer f.discard()
		if _, err := f.commit(); err != nil {
			return err
		}
		if !f.reborn {
			return nil
		}
		birth, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := f.announceBirth(birth); err != nil {
			h.Log.Warn("the chain's new branch is put with the next point", "reason", err.Error())
		}
		return nil
	})
	if err != nil {
		f.discard()
		return errors.Join(err, want.store.target.Close())
	}
	return nil
}
