package build

import (
	"cmp"
	"strconv"
	"strings"
)

// A hole is one that a version of a module has.
type hole struct{ id, fixed string } // fixed: the version that mends it here; "": none

// holesOf returns what is known of one version of a module, without the v before it.
func holesOf(module, version string) (found []hole) {
	start := strings.Index(vulns, "\n"+module+"\t")
	if start < 0 {
		return nil
	}
	for line := range strings.SplitSeq(vulns[start+1:], "\n") {
		path, rest, _ := strings.Cut(line, "\t")
		if path != module {
			break // the list is sorted
		}
		id, ranges, _ := strings.Cut(rest, "\t")
		for r := range strings.SplitSeq(ranges, ",") {
			from, to, _ := strings.Cut(r, " ")
			if compare(version, from) >= 0 && (to == "" || compare(version, to) < 0) {
				found = append(found, hole{id, to})
				break
			}
		}
	}
	return found
}

// mended returns the version in which all holes are closed, "" if one is not.
func mended(holes []hole, version string) string {
	for _, h := range holes {
		if h.fixed == "" {
			return ""
		}
		if compare(h.fixed, version) > 0 {
			version = h.fixed
		}
	}
	return version
}

// compare orders versions as Semantic Versioning 2.0.0 does (11), without the v before them; Go's own 1.26, 1.27rc1 are
// read as 1.26.0 and 1.27.0-rc1. "0" is before all. Build metadata (+incompatible) does not count.
func compare(a, b string) int {
	if zero := cmp.Compare(btoi(b == "0"), btoi(a == "0")); zero != 0 || a == b {
		return zero
	}
	coreA, preA := split(a)
	coreB, preB := split(b)
	for i := range coreA {
		if c := cmp.Compare(coreA[i], coreB[i]); c != 0 {
			return c
		}
	}
	switch {
	case preA == preB:
		return 0
	case preA == "":
		return 1
	case preB == "":
		return -1
	}
	x, y := strings.Split(preA, "."), strings.Split(preB, ".")
	for i := range min(len(x), len(y)) {
		if c := compareWord(x[i], y[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compareWord orders parts of a pre-release: numbers by value and before words, words by their letters.
func compareWord(a, b string) int {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	switch {
	case errX == nil && errY == nil:
		return cmp.Compare(x, y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return strings.Compare(a, b)
}

func split(v string) (core [3]uint64, pre string) {
	v, _, _ = strings.Cut(strings.TrimPrefix(v, "v"), "+")
	v, pre, _ = strings.Cut(v, "-")
	for i, part := range strings.SplitN(v, ".", 3) {
		end := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' })
		if end >= 0 { // 27rc1
			if pre == "" {
				pre = part[end:]
			}
			part = part[:end]
		}
		core[i], _ = strconv.ParseUint(part, 10, 64)
	}
	return core, pre
}
