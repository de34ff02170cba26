package cli

import (
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// limitMemory sets Go's soft limit to nine tenths of what the control group allows, so that the process collects before it
// is killed. A GOMEMLIMIT of the owner's stays.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if most := groupMemory("/proc/self/cgroup", "/sys/fs/cgroup"); most > 0 {
		debug.SetMemoryLimit(most / 10 * 9)
	}
}

// groupMemory is the smallest limit of the process's control group (version 2) and those above it, in bytes; 0 if there is
// none.
func groupMemory(self, root string) (least int64) {
	text, err := os.ReadFile(self)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
			limit, err := os.ReadFile(path.Join(root, dir, "memory.max"))
			if n, bad := strconv.ParseInt(strings.TrimSpace(string(limit)), 10, 64); err == nil && bad == nil && n < math.MaxInt64 && (least == 0 || n < least) {
				least = n
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}
