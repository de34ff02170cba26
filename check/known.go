package check

import (
	"slices"
	"sync"
)

var known struct {
	sync.Mutex
	all []Rule
}

// Known notes the rules of a room that no site needs, and that a site therefore does not know of, so that a program that
// links the room can explain them. Rooms call it once, for a package variable; what it returns says nothing.
func Known(rules ...Rule) struct{} {
	known.Lock()
	defer known.Unlock()
	known.all = append(known.all, rules...)
	return struct{}{}
}

// AllKnown returns what was noted.
func AllKnown() []Rule {
	known.Lock()
	defer known.Unlock()
	return slices.Clone(known.all)
}
