package password

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// tidy collects the memory of a hash while its slot is still taken: the collector alone would let the next hashes lie beside
// the garbage of the last ones. Measured with 50 hashes of 64 MiB in one slot: 72 MB resident instead of 137, in the same
// time. A process with a large heap of its own, which takes long to look through, is left alone: there the garbage of a few
// hashes weighs less.
func tidy() {
	if m, small := memory(); small && m[objects] >= worth {
		runtime.GC()
	}
}

const (
	worth = 16 << 20 // bytes in use: below it there is nothing worth collecting
	large = 96 << 20 // bytes that hold pointers; a hash's own memory holds none
)

// What is read of the runtime, in the order of the samples.
const (
	objects  = iota // alive, or not collected yet
	scanned         // of the heap, that hold pointers
	total           // mapped
	free            // mapped and not in use
	released        // given back
)

// memory reads the runtime's own counts; small is false for a process that is left alone.
func memory() (is [5]uint64, small bool) {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/scan/heap:bytes"}, {Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	for i, s := range samples {
		if s.Value.Kind() != metrics.KindUint64 {
			return is, false
		}
		is[i] = s.Value.Uint64()
	}
	return is, is[scanned] < large
}

// bound keeps the process from being resident with the place of an earlier hash beside that of the next one. Go gives free
// memory back to the system bit by bit, and a gap of which it holds a bit just then is no place for a hash: that one takes new
// memory (measured: once in 150 hashes). Under a limit the runtime gives back as much at that moment.
//
// The limit is what is in use now, as much again as lives, for what requests allocate meanwhile, and the hashes: the collector
// does not run more often under it than it would without hashes. It is set anew for each, and is the program's own again
// after the last.
type bound struct {
	mu      sync.Mutex
	running int
	before  int64
}

// process is the one of the program: the limit is too.
var process bound

// enter sets the limit for hashes of so many bytes together. A program's own lower one stays.
func (b *bound) enter(hashes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running++; b.running == 1 {
		b.before = debug.SetMemoryLimit(-1)
	}
	if m, small := memory(); small {
		inUse := int64(m[total] - m[free] - m[released])
		debug.SetMemoryLimit(min(b.before, inUse+int64(m[objects])+spare+hashes))
	}
}

// leave gives the program's own limit back, after the last one.
func (b *bound) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running--; b.running == 0 && debug.SetMemoryLimit(-1) != b.before {
		debug.SetMemoryLimit(b.before)
	}
}

const spare = 4 << 20 // bytes: the heap that Go does not collect below
