package cli

import (
	"errors"
	"net"
	"sync"
	"time"
)

// joined is several listeners as one: who comes to any of them is accepted. It is safe for concurrent use.
type joined struct {
	all    []net.Listener
	came   chan arrival
	closed chan struct{}
	ended  chan struct{} // closed when all are, and nobody waits in between
	once   sync.Once
}

// arrival is what one of the listeners has accepted.
type arrival struct {
	conn net.Conn
	err  error
}

// afterClose is how long a connection that was accepted just before the end waits for whoever accepts here.
const afterClose = 2 * time.Second

// together returns a listener that accepts from all. Its address is the first one's.
func together(all []net.Listener) net.Listener {
	if len(all) == 1 {
		return all[0]
	}
	j := &joined{all: all, came: make(chan arrival), closed: make(chan struct{}), ended: make(chan struct{})}
	var each sync.WaitGroup
	for _, l := range all {
		each.Go(func() { j.accept(l) })
	}
	go func() { each.Wait(); close(j.ended) }()
	return j
}

func (j *joined) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case j.came <- arrival{c, err}:
			continue
		case <-j.closed:
		}
		if err != nil {
			return
		}
		select {
		case j.came <- arrival{c, nil}:
		case <-time.After(afterClose): // nobody accepts any more
			_ = c.Close()
		}
	}
}

// Accept implements [net.Listener]. Behind Close it returns what was accepted before, then that it is closed.
func (j *joined) Accept() (net.Conn, error) {
	select {
	case a := <-j.came:
		return a.conn, a.err
	case <-j.ended:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener]. A second one is no error.
func (j *joined) Close() (err error) {
	j.once.Do(func() {
		close(j.closed)
		for _, l := range j.all {
			err = errors.Join(err, l.Close())
		}
	})
	return err
}

// Addr implements [net.Listener].
func (j *joined) Addr() net.Addr { return j.all[0].Addr() }
