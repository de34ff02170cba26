// Package background runs what may wait on threads of the system's low priority, so that visitors do not notice it.
//
// Go knows no priorities: a goroutine that computes holds one of the processors that GOMAXPROCS counts, and while none of them
// is idle the runtime looks for what came over the network every 10 ms only. So each piece of such work has a thread of its own
// (runtime.LockOSThread), which the system takes the processor from as soon as another one wakes up (nice(2), sched(7)), and Go
// has some processors more meanwhile: those of the site are never taken.
package background

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// Threads is for how many pieces of work at one time Go gets processors. More than these take those of the site.
const Threads = 2

// Can reports whether there are such threads here. They are not where the system has none of them or refuses them, and not
// where Go has fewer processors than the machine: it was told to, and what is counted against such a limit stops all threads when it
// is used up, whatever their priority.
func Can() bool {
	mu.Lock()
	defer mu.Unlock()
	return can()
}

// can is Can for who has mu.
func can() bool { return able() && (running > 0 || runtime.GOMAXPROCS(0) >= runtime.NumCPU()) }

// Go starts do on a thread of its own; in an ordinary goroutine where there are none.
func Go(do func()) {
	if !enter() {
		go do()
		return
	}
	go func() {
		runtime.LockOSThread() // for good: it ends with the goroutine, since nobody may raise its priority again
		_ = lower()
		defer leave()
		do()
	}()
}

// Do runs do on a thread of its own and returns when it has; it just calls it where there are none. A panic goes on in the caller,
// with the stack of what it broke off.
func Do(do func()) {
	if !Can() {
		do()
		return
	}
	var broken any
	ended := make(chan struct{})
	Go(func() {
		defer close(ended)
		defer func() {
			if v := recover(); v != nil {
				broken = fmt.Sprintf("%v\n\n%s", v, debug.Stack())
			}
		}()
		do()
	})
	<-ended
	if broken != nil {
		panic(broken)
	}
}

// The processors that Go has more while something runs. Each change stops the program for some microseconds, so they come with
// the first and go with the last.
var (
	mu       sync.Mutex
	running  int
	usual    int  // GOMAXPROCS without them
	byItself bool // usual is what Go takes by itself, and follows when the system changes it
)

func enter() bool {
	mu.Lock()
	defer mu.Unlock()
	if !can() {
		return false
	}
	if running++; running == 1 {
		usual = runtime.GOMAXPROCS(0)
		if byItself = os.Getenv("GOMAXPROCS") == ""; byItself {
			runtime.SetDefaultGOMAXPROCS()
			byItself = runtime.GOMAXPROCS(0) == usual
		}
		runtime.GOMAXPROCS(usual + Threads)
	}
	return true
}

func leave() {
	mu.Lock()
	defer mu.Unlock()
	if running--; running > 0 {
		return
	}
	if byItself {
		runtime.SetDefaultGOMAXPROCS()
	} else {
		runtime.GOMAXPROCS(usual)
	}
}
