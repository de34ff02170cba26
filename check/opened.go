package check

import (
	"cmp"
	"slices"
	"sync"
)

// An Opening is a guard that the program opened by name: where, and what it lets in, with the reason that was given.
type Opening struct{ Where, What string }

var opened struct {
	sync.Mutex
	all map[Opening]bool
}

// Opened notes an opening for the check of every site of the program. Rooms call it that no site needs, and that a site
// therefore does not know of. The same one is noted once. It is safe for concurrent use.
func Opened(where, what string) {
	opened.Lock()
	defer opened.Unlock()
	if opened.all == nil {
		opened.all = map[Opening]bool{}
	}
	opened.all[Opening{where, what}] = true
}

// Openings returns what was noted, in the order of places.
func Openings() (all []Opening) {
	opened.Lock()
	defer opened.Unlock()
	for o := range opened.all {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b Opening) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.What, b.What)) })
	return all
}
