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
	silent := backup.Restless(c, time.Second)
	read := make(chan error)
	begun := time.Now()
	go func() {
		_, err := silent.Read(make([]byte, 1))
		read <- err
	}()
	for range 6 {
		time.Sleep(time.Second / 4)
		if _, err := silent.Write([]byte("x")); err != nil {
			t.Error(err)
		}
	}
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the read ended with %v", err)
	}
	if took := time.Since(begun); took < 2*time.Second {
		t.Errorf("given up after %s, while bytes still moved", took)
	}
}
