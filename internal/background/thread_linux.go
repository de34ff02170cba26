package background

import (
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// priority is nice's lowest. Such a thread still has a seventieth of a processor for which others compete all the time: a backup
// beside a flood takes long and ends. In the class SCHED_IDLE it would have next to nothing, and visitors wait as long.
const priority = 19

// lower sets the priority of the thread that calls it: to Linux a number of a process is that of one of its threads.
func lower() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, priority) }

// able tries it once, on a thread that is given up then. Filters of system calls refuse it.
var able = sync.OnceValue(func() bool {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- lower()
	}()
	return <-done == nil
})
