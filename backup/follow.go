package backup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxManifest bounds a manifest, in bytes: those of one number wait together until the walk comes to it.
const maxManifest = 16 << 10

// readManifests reads the manifests that are there, in the order of their numbers; each is judged by itself and by its place,
// and the walk goes on to it. Of those that nothing proves no more than the name is kept: whoever may put can sign as many as
// they like with keys of their own.
func (w *walk) readManifests(ctx context.Context) error {
	if w.genesis == nil {
		return nil
	}
	names := w.matching(manifestPath)
	slices.SortStableFunc(names, func(a, b string) int {
		return strings.Compare(manifestPath.FindStringSubmatch(a)[2], manifestPath.FindStringSubmatch(b)[2])
	})
	w.begin()
	return w.each(ctx, names, func(name string) {
		path := manifestPath.FindStringSubmatch(name)
		class, seq := Class(path[1]), number(path[2])
		right := false
		s := w.see(name, seq, func(v *version, text []byte) (ChainFault, error) {
			m := Manifest{}
			if err := decodeUpTo(text, &m, maxManifest); err != nil {
				return Altered, err
			}
			if err := m.valid(); err != nil {
				return Altered, err
			}
			switch {
			case m.Site != w.s.site:
				return Foreign, fmt.Errorf("it is the manifest of a point of the site %s", m.Site)
			case m.Class != class || m.Seq != seq:
				return Reordered, fmt.Errorf("it is the manifest of %s", m.Folder())
			}
			v.point, right = &Point{Manifest: m, object: v.object}, true
			return "", nil
		})
		if !right {
			w.none(s)
			return
		}
		w.meet(s)
	})
}

// begin stands before the first point.
func (w *walk) begin() {
	w.next, w.branch, w.r, w.hash = w.genesis.K, 1, w.genesis.R, hashOf(w.genesis.unsigned())
	w.seq, w.left = 1, map[int64]string{0: w.hash}
	w.targets, w.births = w.retarget, w.rebirths
}

// meet goes on to the number of a manifest, and keeps its versions for the step there: only that knows the key which the chain
// names, and so which of them is the point. Behind a gap nothing is proven.
func (w *walk) meet(s *layers) {
	w.advance(s.seq, false)
	if s.seq < farAhead {
		w.highest = max(w.highest, s.seq)
	}
	switch {
	case w.broken != 0:
		w.fault(Altered, s.name, s.seq, "nothing proves it: the chain is broken at point %d", w.broken)
	case s.seq >= w.seq: // else of a branch that was left
		w.found[s.seq] = append(w.found[s.seq], s)
	}
}

// follow goes on to the end.
func (w *walk) follow() {
	top := w.seq - 1
	for seq := range w.found {
		top = max(top, seq)
	}
	for seq := range w.links { // not proven yet: they say how far to look
		top = max(top, seq)
	}
	w.advance(top+1, true)
}

// advance goes from one point to the next, by the keys that each names, up to before a number, or to the end.
func (w *walk) advance(until int64, end bool) {
	for ; w.broken == 0 && (w.seq < until || end && len(w.births) > 0); w.seq++ {
		seq := w.seq
		for len(w.births) > 0 && w.births[0].From == seq { // several when restores followed each other without a point
			w.reborn(w.births[0], w.left)
			w.births = w.births[1:]
		}
		if seq >= until {
			if len(w.births) > 0 {
				if seq <= w.births[0].After {
					w.fault(Missing, folder(Hourly, seq), seq, "the chain goes on at point %d, and nothing is left of this one", w.births[0].From)
				}
				w.seq = w.births[0].From - 1
			}
			continue
		}
		for len(w.targets) > 0 && w.targets[0].After < seq {
			w.retargeted(w.targets[0], w.left)
			w.targets = w.targets[1:]
		}
		if len(w.births) > 0 && seq > w.births[0].After && len(w.found[seq])+len(w.links[seq]) == 0 {
			continue // of a branch that was left: its last points expired before they were linked
		}
		if !w.step(seq, w.left) {
			if len(w.births) > 0 { // what follows a rebirth has a signer of its own
				w.seq = w.births[0].From - 1
			} else {
				w.broken = seq
			}
		}
		delete(w.found, seq)
	}
}

func (w *walk) reborn(b birth, left map[int64]string) {
	if left[b.After] != b.Prev || b.Branch != w.branch+1 {
		w.fault(Reordered, b.record, b.From, "it follows another point %d than the one that is here", b.After)
	}
	w.then, w.reborns = time.Time{}, append(w.reborns, b)
	for _, p := range w.points {
		if p.Abandoned = !w.leads(p.Seq, b.After); !p.Abandoned {
			w.then = p.Effective
		}
	}
	w.former[w.branch] = w.next
	w.next, w.branch, w.hash = b.K, b.Branch, hashOf(b.unsigned())
}

// leads reports whether a point is one of those that led to another: of its branch and not after it, or of those that led to
// the point from which that branch went on. A point that one restore left and a later one chose is no longer left.
func (w *walk) leads(seq, to int64) bool {
	if seq > to {
		return false
	}
	for _, b := range slices.Backward(w.reborns) {
		if b.From <= to {
			return seq >= b.From || w.leads(seq, b.After)
		}
	}
	return true
}

func (w *walk) retargeted(r *Retarget, left map[int64]string) {
	if left[r.After] != r.Prev {
		w.fault(Reordered, fmt.Sprintf("chain/%08d-retarget.json", r.After), r.After, "it follows another point %d than the one that is here", r.After)
	}
	w.r = r.R
}

// older reports whether the store had one record before another: false where whoever may put can choose the dates.
func (w *walk) older(one, other time.Time) bool {
	return w.s.target.Traits().Dates && one.Before(other)
}

// step proves the point of one number. It reports whether the walk can go on. Of several that are rightly signed the one that
// the store had first is the point: who comes by a key that was used signs another of that number, and only later.
func (w *walk) step(seq int64, left map[int64]string) bool {
	var link *Link
	var since time.Time
	signed := func(l linking) bool { return l.Branch == w.branch && w.next.verify(l.message(w.s.site), l.Sig) }
	for _, l := range w.links[seq] {
		if signed(l) && (link == nil || w.older(l.stored, since)) {
			link, since = &l.Link, l.stored
		}
	}
	if len(w.links[seq]) > 0 && link == nil {
		w.fault(Altered, w.links[seq][0].record, seq, "the link of point %d is not signed by the key that point %d names", seq, seq-1)
	}
	for _, s := range w.found[seq] {
		for _, v := range s.all {
			if p := v.point; p != nil && w.follows(p) && (link == nil || w.older(p.object.Stored, since)) {
				own := p.link()
				link, since = &own, p.object.Stored
			}
		}
	}
	for _, l := range w.links[seq] {
		if signed(l) && l.Manifest != link.Manifest {
			w.fault(Forked, l.record, seq, "it links another point of the number %d than the one that the store had first: somebody has a signing key of this site, or two servers write it", seq)
			break
		}
	}
	var point *Point
	for _, s := range w.found[seq] {
		if p := w.place(s, link); p != nil {
			point = p
		}
	}
	if link == nil {
		if len(w.found[seq])+len(w.links[seq]) == 0 {
			w.fault(Missing, folder(Hourly, seq), seq, "the chain goes on behind it, and nothing is left of it")
		}
		return false
	}
	if slices.ContainsFunc(w.links[seq], func(l linking) bool { return l.Manifest == link.Manifest && l.Sig == link.Sig }) {
		w.linked[seq] = true
	}
	if point != nil {
		if want := fingerprints(w.r); !slices.Equal(point.R, want) {
			w.fault(Foreign, point.Folder()+"/manifest.json", seq, "it is sealed to %s, where the owner's key is %s: whoever wrote it would not let you read it", strings.Join(point.R, ", "), strings.Join(want, ", "))
		}
		w.date(point)
		w.points = append(w.points, point)
	} else if link.LockUntil.After(w.now) {
		w.fault(Missing, folder(link.Class, seq)+"/manifest.json", seq, "the point is to be kept until %s", link.LockUntil.Format("2006-01-02 15:04 MST"))
	}
	w.last, w.hash, w.next = seq, link.Manifest, link.KNext
	left[seq] = link.Manifest
	return true
}

// follows reports whether a point is signed by the key that the one before it names, and follows it.
func (w *walk) follows(p *Point) bool {
	return p.K == w.next && p.Branch == w.branch && p.Prev == w.hash
}

// place returns the point that a link names if it is among the versions of a manifest, and names what is there beside it.
func (w *walk) place(s *layers, link *Link) *Point {
	at := -1
	var worst ChainFault
	var why string
	for i, v := range s.all {
		if v.point == nil {
			continue
		}
		fault, text := w.misplaced(v.point, link)
		switch {
		case fault == "" && at < 0:
			at = i
		case fault != "" && (worst == "" || fault == Forked && worst != Forked):
			worst, why = fault, text
		}
	}
	if worst == Forked || at < 0 {
		w.fault(worst, s.name, s.seq, "%s", why)
	}
	if at < 0 {
		return nil
	}
	p := s.all[at].point
	w.beside(s, at, p.Data.LockUntil.Before(w.now))
	return p
}

// misplaced says why a manifest that is right by itself is not the point that a link names; "": it is.
func (w *walk) misplaced(p *Point, link *Link) (ChainFault, string) {
	switch former := w.former[p.Branch]; {
	case p.Branch != w.branch && p.K == former:
		w.former[p.Branch] = p.KNext
		return Forked, fmt.Sprintf("it belongs to branch %d, where the chain is in branch %d: a copy of the site that was restored elsewhere still runs", p.Branch, w.branch)
	case p.K != w.next || p.Branch != w.branch:
		return Altered, "it is signed by another key than the one that the point before it names"
	case p.Prev != w.hash:
		return Reordered, fmt.Sprintf("it does not follow the point %d that is here", p.Seq-1)
	case link.Manifest != p.Hash():
		return Forked, fmt.Sprintf("the chain has another point of the number %d: two servers write one site, or somebody has a signing key of it: stop one of them", p.Seq)
	}
	return "", ""
}

// data looks whether the data of each point is there in the right size, and counts what nobody names.
func (w *walk) data() {
	named := map[string]bool{}
	for _, p := range w.points {
		name := p.Folder() + "/" + p.Data.Name
		named[name] = true
		all := w.objects[name]
		fits := p.Data.fits
		switch at := slices.IndexFunc(all, fits); {
		case len(all) == 0 && p.Data.LockUntil.Before(w.now): // expired between manifest and data
		case len(all) == 0:
			w.fault(Missing, name, p.Seq, "the point's data is gone")
		case at < 0:
			w.fault(Altered, name, p.Seq, "it has %d bytes or another hash, where %d were signed", all[len(all)-1].Size, p.Data.Size)
		case all[at].Hidden && p.Data.LockUntil.After(w.now): // listings tell no hash: what stands in front may have the size
			w.fault(Hidden, name, p.Seq, "it was deleted or written over; the earlier version is still there")
		case !fits(all[0]):
			w.fault(Altered, name, p.Seq, "an earlier version of it is another")
		}
	}
	for _, name := range w.names {
		if m := pointPath.FindStringSubmatch(name); m != nil && strings.HasPrefix(m[3], "data-") && !named[name] {
			for _, o := range w.objects[name] {
				w.orphan += o.Size
			}
		}
	}
}

// proofs reads what is proven of each point.
func (w *walk) proofs(ctx context.Context) error {
	var names []string
	of := map[string]*Point{}
	for _, p := range w.points {
		for k := 1; ; k++ {
			name := fmt.Sprintf("%s/receipt-%d.json", p.Folder(), k)
			if len(w.objects[name]) == 0 {
				break
			}
			names, of[name] = append(names, name), p
		}
	}
	return w.each(ctx, names, func(name string) {
		p := of[name]
		w.pick(name, p.Seq, func(text []byte) (ChainFault, error) {
			proof := &Proof{}
			if err := decode(text, proof); err != nil {
				return Altered, err
			}
			if err := proof.valid(&p.Manifest); err != nil {
				return Altered, err
			}
			p.Proofs = append(p.Proofs, proof)
			if proof.Depth.rank() > p.Depth.rank() {
				p.Depth = proof.Depth
			}
			w.over = p.Data.LockUntil.Before(w.now)
			return "", nil
		})
	})
}

// knows compares the chain with a point that is known from elsewhere. Only what was proven counts: whoever may put writes any
// number of manifests and links that nothing proves.
func (w *walk) knows(known *Receipt) {
	if known == nil || w.genesis == nil {
		return
	}
	against := func(f ChainFault, format string, args ...any) {
		w.fault(f, folder(Hourly, known.Seq), known.Seq, format, args...)
		w.faults[len(w.faults)-1].known = true
	}
	hash, proven := w.left[known.Seq]
	switch {
	case w.last < known.Seq:
		against(Older, "the newest point that can be proven here is %d, and %d is known of: an old state of the store is shown, or it was taken away", w.last, known.Seq)
	case proven && hash != known.Hash:
		against(Forked, "another point of this number is known of: two servers write one site, or the chain was written anew")
	case !slices.ContainsFunc(w.points, func(p *Point) bool { return p.Seq >= known.Seq }) &&
		slices.ContainsFunc(w.faults, func(f *ChainError) bool { return f.Fault == Missing && f.Seq >= known.Seq }):
		against(Older, "it is known of, and no point as new as that is here, though one is to be kept for longer: points were taken away")
	}
}
