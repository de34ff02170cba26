package background

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// nice is that of the calling thread.
func nice(t *testing.T) int {
	t.Helper()
	p, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Error(err)
	}
	return 20 - p // getpriority(2): the system call's own scale
}

func TestPriority(t *testing.T) {
	if !Can() {
		t.Skip("this system refuses threads of low priority")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, processors := nice(t), runtime.GOMAXPROCS(0)
	var all sync.WaitGroup
	for range Threads {
		all.Add(1)
		Go(func() {
			defer all.Done()
			if got := nice(t); got != priority {
				t.Errorf("a thread has the priority %d, want %d", got, priority)
			}
			if got := runtime.GOMAXPROCS(0); got != processors+Threads {
				t.Errorf("GOMAXPROCS is %d meanwhile, want %d", got, processors+Threads)
			}
		})
	}
	all.Wait()
	Do(func() {
		if got := nice(t); got != priority {
			t.Errorf("Do has the priority %d, want %d", got, priority)
		}
	})
	if got := nice(t); got != before {
		t.Errorf("the caller has the priority %d, had %d", got, before)
	}
	for range 1000 {
		done := make(chan int)
		go func() { done <- nice(t) }()
		if got := <-done; got != before {
			t.Fatalf("a goroutine began on a thread of priority %d", got)
		}
	}
	deadline := 0
	for runtime.GOMAXPROCS(0) != processors { // the last thread says so right after its work
		if deadline++; deadline > 1_000_000 {
			t.Fatalf("GOMAXPROCS is %d afterwards, want %d", runtime.GOMAXPROCS(0), processors)
		}
		runtime.Gosched()
	}
}

func TestPanic(t *testing.T) {
	defer func() {
		v, _ := recover().(string)
		if !strings.HasPrefix(v, "no such thing") || Can() && !strings.Contains(v, "TestPanic") {
			t.Errorf("the panic came as %q", v)
		}
	}()
	Do(func() { panic("no such thing") })
}

func TestFewProcessors(t *testing.T) {
	if !Can() || runtime.NumCPU() < 2 {
		t.Skip("one processor, or no threads of low priority")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if Can() {
		t.Error("a program that was given one processor of several takes more")
	}
	done := make(chan int)
	Go(func() { done <- runtime.GOMAXPROCS(0) })
	if got := <-done; got != 1 {
		t.Errorf("GOMAXPROCS is %d, want 1", got)
	}
}
