package main

import (
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// onFirstCore calls start so that the process it starts runs on the first core only: a child inherits the set of the
// thread that makes it. With one core it just calls start.
func onFirstCore(start func() error) error {
	all, first, _, ok := cores()
	return startOn(&first, &all, ok, start)
}

// onOtherCores does the same with all cores but the first: for the servers behind those that are measured.
func onOtherCores(start func() error) error {
	all, _, others, ok := cores()
	return startOn(&others, &all, ok, start)
}

func startOn(some, all *unix.CPUSet, ok bool, start func() error) error {
	if !ok {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedSetaffinity(0, some); err != nil {
		return start()
	}
	defer unix.SchedSetaffinity(0, all)
	return start()
}

// leaveFirstCore moves every thread of this program to the other cores, and returns what brings them back.
func leaveFirstCore() (back func()) {
	all, _, others, ok := cores()
	if !ok {
		return func() {}
	}
	move := func(set *unix.CPUSet) {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return
		}
		for _, t := range threads {
			if id, err := strconv.Atoi(t.Name()); err == nil {
				unix.SchedSetaffinity(id, set) // a thread may have ended: no matter
			}
		}
	}
	move(&others)
	return func() { move(&all) }
}

// cores returns the cores that this program may run on, the first of them and the rest; ok is false when there is no rest.
func cores() (all, first, others unix.CPUSet, ok bool) {
	if err := unix.SchedGetaffinity(0, &all); err != nil || all.Count() < 2 {
		return all, first, others, false
	}
	others = all
	for i := 0; ; i++ {
		if all.IsSet(i) {
			first.Set(i)
			others.Clear(i)
			return all, first, others, true
		}
	}
}

// ownCPU is the time that this process has had of the cores, to the microsecond.
func ownCPU() time.Duration {
	var use unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &use) != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
