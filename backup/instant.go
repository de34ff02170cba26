package backup

import (
	"fmt"
	"time"
)

// When a point was taken is what its signer says, and whoever takes the server signs the points from then on: the newest of a
// thief could pass for an old one, and `restore --at` would bring back what the thief left. So what a point says counts only
// as far as it is not before the point that it follows, nor before the date that a store gives which keeps its own
// ([Traits.Dates]).

// How much older a point may say to be than is shown, before it is named: clocks that preflight lets pass differ by
// maxOffset, and a manifest is put after the data, which may be hours on a slow line.
const (
	maxBehind = 2 * maxOffset
	maxUpload = 12 * time.Hour
)

// date sets the point's effective instant, after the one before it, and names a point that says otherwise.
func (w *walk) date(p *Point) {
	p.Effective = latest(p.Instant, p.StoreDate)
	name := p.Folder() + "/manifest.json"
	if before := w.then; p.Effective.Add(maxBehind).Before(before) {
		way := ""
		if before.After(w.now.Add(maxBehind)) {
			way = ": that is yet to come: the clock was ahead when that one was made, and until then nothing tells when later ones were: " +
				"move data/backup away and begin a new chain with backup init; the old points stay, and are restored by their numbers"
		}
		w.fault(Backdated, name, p.Seq, "it says to be of %s, and the point that it follows is of %s%s", second(p.Instant), second(before), way)
	}
	p.Effective = latest(p.Effective, w.then)
	w.then = p.Effective
	if !w.s.target.Traits().Dates {
		return
	}
	stored := p.object.Stored
	switch {
	case p.Effective.Add(maxUpload).Before(stored):
		w.fault(Backdated, name, p.Seq, "it says to be of %s, and the store has it since %s", second(p.Instant), second(stored))
	case p.Instant.After(stored.Add(maxBehind)):
		w.fault(Backdated, name, p.Seq, "it says to be of %s, and the store had it at %s already", second(p.Instant), second(stored))
	}
	p.Effective = latest(p.Effective, stored)
	w.then = p.Effective
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func second(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") }

// told is when a point was taken, for people.
func (p *Point) told() string {
	if p.Effective.Sub(p.Instant) > maxBehind {
		return fmt.Sprintf("%s (it says %s)", second(p.Effective), second(p.Instant))
	}
	return second(p.Instant)
}
