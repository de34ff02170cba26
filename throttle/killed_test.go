//go:build unix

package throttle_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/merlon-web/merlon/throttle"
)

// A process is killed the moment after it was given its permits. The next one knows of each.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("THROTTLE_TEST_DIR"); dir != "" {
		e := open(t, dir)
		l, err := throttle.New(throttle.Config{Store: throttle.NewStore(e), Key: testKey, Clock: newClock().Now})
		if err != nil {
			t.Fatal(err)
		}
		for range 7 {
			if _, err := l.Reserve(context.Background(), throttle.SignIn("ann", "", near)...); err != nil {
				t.Fatal(err)
			}
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	h := newHouse(t)
	h.engine.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "THROTTLE_TEST_DIR="+h.dir)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the other process was not killed: %v\n%s", err, out)
	}
	h.engine = open(t, h.dir)
	h.l = h.limiter()
	if n := h.fails(10, throttle.SignIn("ann", "", near)...); n != 3 {
		t.Errorf("after the kill %d passed, want 3", n)
	}
}
