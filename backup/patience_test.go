package backup_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/merlon-web/merlon/backup"
)

// A store that says nothing is given up; one that takes a long body slowly is not, although it says nothing meanwhile.
func TestRestless(t *testing.T) {
	t.Parallel()
	for range 10 {
		if stalled := restless(t); !stalled {
			return
		}
	}
	t.Error("the machine stood still for two seconds again and again: the test shows nothing")
}

// restless reports whether the machine stood still for so long between two bytes that nothing was shown.
func restless(t *testing.T) (stalled bool) {
	t.Helper()
	const limit, pause = 2 * time.Second, time.Second / 4
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	silent := backup.Restless(c, limit)
	read := make(chan error)
	begun := time.Now()
	go func() {
		_, err := silent.Read(make([]byte, 1))
		read <- err
	}()
	last := begun
	for range 12 {
		time.Sleep(pause)
		if _, err := silent.Write([]byte("x")); err != nil {
			t.Error(err)
		}
		now := time.Now()
		stalled = stalled || now.Sub(last) >= limit
		last = now
	}
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the read ended with %v", err)
	}
	if took := time.Since(begun); !stalled && took < 12*pause+limit-pause {
		t.Errorf("given up after %s, while bytes still moved", took)
	}
	return stalled
}
