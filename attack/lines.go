package attack

import (
	"bytes"
	"io"
	"log"
	"sync"
)

// lines are kept texts: what a log was told. It is safe for concurrent use.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 32<<20 { // the newest are looked at
		l.b.Reset()
	}
	return l.b.Write(p)
}

// String returns all of it.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// logOf is where package log writes while attacks run: handlers that are not Merlon's use it. It is one for the process, so that
// attacks that overlap share it, and the last one gives it back.
type logOf struct {
	turns sync.Mutex // held by who begins or ends; never while something is written, which has the lock of package log
	old   io.Writer
	mu    sync.Mutex
	all   map[*lines]bool
}

var theLog = &logOf{all: map[*lines]bool{}}

// Write implements [io.Writer].
func (p *logOf) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.all {
		_, _ = l.Write(b)
	}
	return len(b), nil
}

// listen has package log write to l until stop is called, which may be called more than once.
func (p *logOf) listen(l *lines) (stop func()) {
	p.turns.Lock()
	defer p.turns.Unlock()
	if p.change(l, true) == 1 {
		p.old = log.Writer()
		log.SetOutput(p)
	}
	return sync.OnceFunc(func() {
		p.turns.Lock()
		defer p.turns.Unlock()
		if p.change(l, false) == 0 && log.Writer() == io.Writer(p) { // whoever has set another one since keeps it
			log.SetOutput(p.old)
		}
	})
}

// change adds or takes away one who listens, and returns how many do.
func (p *logOf) change(l *lines, on bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all[l] = true; !on {
		delete(p.all, l)
	}
	return len(p.all)
}
