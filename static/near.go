package static

import (
	"maps"
	"path"
	"slices"

	"github.com/merlon-web/merlon/check"
)

// nearest returns the name that a missing one most likely means: the same file in another folder, or a misspelt one; "" if
// there is none.
func nearest(name string, names map[string][]byte) string {
	sorted := slices.Sorted(maps.Keys(names))
	for _, n := range sorted {
		if path.Base(n) == path.Base(name) {
			return n
		}
	}
	near, _ := check.Nearest(name, sorted)
	return near
}
