package page

import (
	"slices"
	"sync"

	"github.com/merlon-web/merlon/static"
)

// maxKnown bounds how many compilations a process keeps for those that ask for the same again.
const maxKnown = 8

// key is all that a compilation depends on but the catalogue, which Same stands for.
type key struct {
	same    any
	langs   []string
	develop bool
	stamp   string // of the files on disk in development, and of the static files' addresses
	layers  []*Files
	counts  []int // layers and declared pages of each Files
	statics []*static.Files
}

func (k *key) is(o *key) bool {
	return k.same == o.same && k.develop == o.develop && k.stamp == o.stamp && slices.Equal(k.langs, o.langs) && slices.Equal(k.layers, o.layers) &&
		slices.Equal(k.counts, o.counts) && slices.Equal(k.statics, o.statics)
}

// key returns what s is compiled from, nil if that cannot be told.
func (s *Set) key() *key {
	if s.opts.Same == nil || s.only != nil {
		return nil
	}
	k := &key{same: s.opts.Same, langs: s.opts.languages(), develop: s.opts.Development, stamp: s.stampNow(), statics: s.opts.Static}
	for _, f := range s.files {
		l := f.layers()
		k.layers = append(k.layers, l...)
		k.counts = append(k.counts, len(l), len(f.declarations()))
	}
	return k
}

// memo keeps the last compilations of this process.
type memo struct {
	mu   sync.Mutex
	keys []*key
	made []*generation
}

var known memo

// find returns what was compiled from the same, nil if nothing is known.
func (m *memo) find(k *key) *generation {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range m.keys {
		if k != nil && k.is(o) {
			return m.made[i]
		}
	}
	return nil
}

// keep keeps a compilation without faults.
func (m *memo) keep(k *key, g *generation) {
	if k == nil || len(g.faults) > 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.keys) == maxKnown {
		m.keys, m.made = slices.Delete(m.keys, 0, 1), slices.Delete(m.made, 0, 1)
	}
	m.keys, m.made = append(m.keys, k), append(m.made, g)
}
