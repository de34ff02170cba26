package backup

import (
	"crypto/sha256"
	"errors"
)

// A store that keeps versions has several records of one name, and whoever may put can add to them: before the right one too,
// where they know its name. What is right is found among all that are read, and what is beside it is told.

// version is one version of a record whose text was read.
type version struct {
	nth    int // of all that the store has of the name; the oldest is 0
	object Object
	sum    [sha256.Size]byte // of the text
	point  *Point            // of a manifest that is right by itself
}

// layers are what was read under a record's name.
type layers struct {
	name string
	seq  int64
	all  []version // oldest first
	kind ChainFault
	why  error // why the newest is none; nil: it is one, or none was read
}

// see has each version of a record judged, oldest first.
func (w *walk) see(name string, seq int64, judge func(v *version, text []byte) (ChainFault, error)) *layers {
	s := &layers{name: name, seq: seq}
	all := w.objects[name]
	for i, o := range all {
		text, there := w.texts[o]
		if !there {
			if i == len(all)-1 && o.Size <= 0 {
				s.kind, s.why = Missing, errors.New("it has no content: it was deleted or emptied")
			}
			continue
		}
		v := version{nth: i, object: o, sum: sha256.Sum256(text)}
		s.kind, s.why = judge(&v, text)
		s.all = append(s.all, v)
	}
	return s
}

// pick returns whether a version of a record is accepted: the oldest is, and what stands in front of it is named: whoever writes
// later cannot make an earlier one that is right untrue. Of a record that nobody accepts the reason of the newest is told.
func (w *walk) pick(name string, seq int64, accept func(text []byte) (ChainFault, error)) (ok bool) {
	at, n, over := -1, 0, false
	s := w.see(name, seq, func(v *version, text []byte) (kind ChainFault, why error) {
		if at < 0 {
			w.over, w.at = false, v.object
			if kind, why = accept(text); why == nil {
				at, over = n, w.over
			}
		}
		n++
		return kind, why
	})
	if at < 0 {
		w.none(s)
		return false
	}
	w.beside(s, at, over)
	return true
}

// none names a record of which no version is right.
func (w *walk) none(s *layers) {
	if s.why == nil {
		w.fault(Altered, s.name, s.seq, "it cannot be read")
		return
	}
	w.fault(s.kind, s.name, s.seq, "%v", s.why)
}

// beside names what stands in front of the version that is used, or before it. Of what is past its time the store's lifecycle
// puts a marker there.
func (w *walk) beside(s *layers, at int, over bool) {
	other, current := w.capped[s.name], false
	for _, v := range s.all[at:] {
		same := v.sum == s.all[at].sum
		other, current = other || !same, current || same && !v.object.Hidden
	}
	switch {
	case other || !current && !over:
		w.fault(Hidden, s.name, s.seq, "it was deleted or written over; the earlier version was found and used")
	case s.all[at].nth > 0:
		w.fault(Altered, s.name, s.seq, "an earlier version of it is not signed as it should be; the later one was used")
	}
}
