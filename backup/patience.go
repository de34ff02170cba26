package backup

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"time"
)

// How often a store that does not answer is asked, and how long is waited between: a random part of a time that doubles, so
// that many sites do not come back at once.
const (
	patientTries = 4
	patientWait  = 250 * time.Millisecond
)

// Patiently asks again while the store does not answer: up to four times while the error is [ErrUnreachable]. It tells the
// number of the try, from 0, and whether it is the last. For whoever writes a target.
func Patiently(ctx context.Context, ask func(try int, last bool) error) error {
	for n := 0; ; n++ {
		err := ask(n, n == patientTries-1)
		if err == nil || !errors.Is(err, ErrUnreachable) || n == patientTries-1 {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(rand.N(patientWait << n)):
		}
	}
}

// Restless returns a connection that ends when no byte has moved for so long, in either direction: a read that waits while
// a long body is written is given more time by each write. For whoever writes a target.
func Restless(c net.Conn, idle time.Duration) net.Conn { return &restless{c, idle} }

type restless struct {
	net.Conn
	idle time.Duration
}

func (c *restless) Read(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.idle)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *restless) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.idle)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
