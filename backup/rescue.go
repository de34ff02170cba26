package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
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
	at := r.at
	if h := r.p.house; h != nil && !at.Running {
		at.Done = homeOf(h.Data).readBack(h.Clock())
	}
	return at
}

func (r *rescue) set(at merlon.RescueState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = at
}

// begin finds the newest point, so that a wrong key or address is told at once, and fetches it in the background.
func (r *rescue) begin(ctx context.Context, h *merlon.House, want merlon.RescueWish) error {
	if err := ableToRestore(); err != nil {
		return merlon.Said{ID: "backup.back.system", Args: []any{runtime.GOOS}}
	}
	open, can := h.Again()
	if !can {
		return merlon.Said{ID: "backup.back.program"}
	}
	r.mu.Lock()
	busy := r.at.Running
	if !busy {
		r.at = merlon.RescueState{Running: true, Step: merlon.Said{ID: "backup.back.looking"}}
	}
	r.mu.Unlock()
	if busy {
		return merlon.Said{ID: "backup.back.busy"}
	}
	var f *fetching
	var beside toldBeside
	err := safely(h, func() (err error) {
		f, beside, err = r.find(ctx, want)
		return err
	})
	if err != nil {
		problem := saidOf(err)
		h.Log.Warn("the site is not got back: what was typed into the set-up page does not lead to a backup", "problem", problem.Error())
		r.set(merlon.RescueState{Problem: problem})
		return problem
	}
	f.dest, f.live, f.open, f.carrier = h.Data, true, open, h.Carrier()
	for _, w := range beside.faults {
		h.Log.Warn("the chain of backups has a fault", "fault", w.Error())
	}
	for _, w := range beside.notes {
		h.Log.Warn("to be looked at when the site is got back", "note", w.Error())
	}
	f.say = func(format string, args ...any) {
		step := fmt.Sprintf(format, args...)
		if problem, ok := strings.CutPrefix(step, "WARN    "); ok {
			h.Log.Warn("the site comes back, and something lacks", "problem", problem)
			return
		}
		h.Log.Info("the site comes back", "step", step)
	}
	step := func(id string, args ...any) {
		r.set(merlon.RescueState{Running: true, Step: merlon.Said{ID: id, Args: args}, Warnings: beside.faults, Notes: beside.notes})
	}
	step("backup.back.fetching", strconv.FormatInt(f.point.Seq, 10), f.point.Effective.UTC().Format("2006-01-02 15:04 MST"))
	f.restore = merlon.Restore{Now: h.Clock(), Who: "set-up page"}
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rescueTime)
		defer cancel()
		if err := safely(h, func() error { return r.bring(ctx, h, *f, func() { step("backup.back.starting") }) }); err != nil {
			h.Log.Error("the site could not be got back", "error", err.Error())
			r.set(merlon.RescueState{Problem: saidOf(err), Warnings: beside.faults, Notes: beside.notes})
		}
	}()
	return nil
}

// safely makes an error of a panic: the page tells it, and the new site goes on. The stack is in the log.
func safely(h *merlon.House, do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			h.Log.Error("getting the site back panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = merlon.Said{ID: "backup.back.inner"}
		}
	}()
	return do()
}

// maxWarnings is how many faults of a chain the page tells.
const maxWarnings = 10

// toldBeside is what is told of a restore beside how far it is.
type toldBeside struct {
	faults []merlon.Said // of the chain
	notes  []merlon.Said // what the owner should know or compare, and is no fault
}

// find opens the chain and picks the newest point. Faults of the chain take nothing from it, and are told.
func (r *rescue) find(ctx context.Context, want merlon.RescueWish) (f *fetching, tell toldBeside, err error) {
	k, err := parseKey(want.Key.Reveal())
	var line *KitLineError
	if errors.As(err, &line) {
		return nil, tell, merlon.Said{ID: "backup.back.kit-line", Args: []any{strconv.Itoa(line.Line)}, Detail: line.Why.Error()}
	}
	if err != nil {
		return nil, tell, merlon.Said{ID: "backup.back.key", Args: []any{recoveryPrefix}}
	}
	address := want.Address
	if address == "" {
		address = k.target
	}
	if address == "" {
		return nil, tell, merlon.Said{ID: "backup.back.no-address"}
	}
	given, err := optionsOf(want.Settings)
	if err != nil {
		return nil, tell, merlon.Said{ID: "backup.back.settings"}
	}
	site := k.site
	switch {
	case want.Site != "" && !siteShape.MatchString(want.Site):
		return nil, tell, merlon.Said{ID: "backup.back.site"}
	case want.Site != "" && want.Site != k.site && k.site != "":
		tell.notes = append(tell.notes, merlon.Said{ID: "backup.back.site-differs", Args: []any{k.site, want.Site}})
	}
	if want.Site != "" {
		site = want.Site
	}
	set := k.with(address, given, nil)
	if set.unused {
		tell.notes = append(tell.notes, merlon.Said{ID: "backup.back.kit-unused", Args: []any{k.target}})
	}
	for _, d := range set.differ {
		tell.notes = append(tell.notes, merlon.Said{ID: "backup.back.kit-differs", Args: []any{d[0], d[1], d[2]}})
	}
	t, err := OpenTarget(ctx, address, set.options, r.p.cfg.Schemes)
	if err != nil {
		return nil, tell, set.explain(err)
	}
	store, err := openOwned(ctx, t, site, k.recovery)
	if err != nil {
		return nil, tell, errors.Join(err, t.Close())
	}
	defer func() {
		if f == nil {
			err = errors.Join(err, t.Close())
		}
	}()
	if k.recovery != nil {
		store.Trust(k.recovery.Root())
	} else {
		tell.notes = append(tell.notes, merlon.Said{ID: "backup.back.unsure"})
	}
	points, err := store.Chain(ctx, nil)
	var faults ChainErrors
	if errors.Is(err, ErrNotFound) && site != "" {
		return nil, tell, merlon.Said{ID: "backup.back.site-nothing", Args: []any{site}}
	}
	if err != nil && !errors.As(err, &faults) {
		return nil, tell, err
	}
	for i, f := range faults {
		if i == maxWarnings {
			tell.faults = append(tell.faults, merlon.Said{ID: "backup.back.more", Args: []any{strconv.Itoa(len(faults) - i)}})
			break
		}
		tell.faults = append(tell.faults, merlon.Said{ID: faultWords[f.Fault], Args: []any{f.Object}, Detail: f.Text})
	}
	point, err := which{}.in(points)
	if err != nil {
		return nil, tell, errors.Join(errUnproven, err, faults.err())
	}
	return &fetching{store: store, options: set.named, point: point, key: k}, tell, nil
}

// bring makes the data and has the site replaced by it.
func (r *rescue) bring(ctx context.Context, h *merlon.House, want fetching, starting func()) (err error) {
	var f *fetched
	handed := false // to the program, which closes the target and what was fetched
	defer func() {
		if !handed {
			if f != nil {
				f.discard()
			}
			err = errors.Join(err, want.store.target.Close())
		}
	}()
	began := time.Now()
	if f, err = r.p.fetch(ctx, want); err != nil {
		return err
	}
	if err := f.goOn(ctx, h.Data); err != nil {
		h.Log.Warn("backups do not go on by themselves: run backup init", "reason", err.Error())
	}
	starting()
	err = h.Replace(func() error {
		defer want.store.target.Close()
		defer f.discard()
		before, err := f.commit(context.WithoutCancel(ctx))
		if err != nil {
			return err
		}
		f.log(h.Log, before, time.Since(began))
		if err := homeOf(f.dest).write(backFile, f.back(h.Clock())); err != nil {
			h.Log.Warn("the page that tells what came of it cannot be shown: it is above", "reason", err.Error())
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
	handed = err == nil
	return err
}

// noDeed are how the lines of the report begin that ask for nothing.
var noDeed = []string{"site is back", " ", "the data from before", "backups go on to"}

// log is what the command prints in the end, for the page, which cannot: a record for each line.
func (f *fetched) log(to *slog.Logger, before string, took time.Duration) {
	var text strings.Builder
	_ = f.words(placing{f.dest, true}, before, took)(&text)
	for line := range strings.Lines(text.String()) {
		level := slog.LevelWarn
		if slices.ContainsFunc(noDeed, func(begin string) bool { return strings.HasPrefix(line, begin) }) {
			level = slog.LevelInfo
		}
		to.Log(context.Background(), level, "the site is back", "report", strings.TrimSpace(line))
	}
}
