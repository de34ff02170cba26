package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// untilUnread has the context end when what the command prints comes no further, and at SIGQUIT, which would end the process where
// it stands (a second one does). It is for commands that leave something behind then.
func (p *program) untilUnread(ctx context.Context) (until context.Context, end func()) {
	ctx, quit := signal.NotifyContext(ctx, syscall.SIGQUIT)
	context.AfterFunc(ctx, quit)
	ctx, stop := context.WithCancelCause(ctx)
	pipes := make(chan os.Signal, 1) // listened to, a closed pipe is an error of the writer and no end of the process
	signal.Notify(pipes, syscall.SIGPIPE)
	out, err := p.out, p.err
	p.out, p.err = &reading{out, stop}, &reading{err, stop}
	return ctx, func() {
		p.out, p.err = out, err
		signal.Stop(pipes)
		stop(nil)
		quit()
	}
}

// A reading is a writer that says when nobody reads any more.
type reading struct {
	to   io.Writer
	stop context.CancelCauseFunc
}

// errUnread is what was printed and did not arrive.
var errUnread = errors.New("what was printed could not be written")

// Write implements [io.Writer].
func (r *reading) Write(b []byte) (int, error) {
	n, err := r.to.Write(b)
	if err != nil {
		r.stop(fmt.Errorf("%w: %w", errUnread, err))
	}
	return n, err
}

// unread is the error of a command that ended since what it printed did not arrive, nil for every other end. A reader who went away
// has interrupted it.
func (p *program) unread(ctx context.Context) error {
	err := context.Cause(ctx)
	switch {
	case !errors.Is(err, errUnread):
		return nil
	case errors.Is(err, syscall.EPIPE):
		return &failure{ExitInterrupted, errSilent}
	}
	fmt.Fprintf(p.err, "%s: the report is not whole: see to the place where it is written, and begin again\n", err)
	return &failure{ExitCannot, errSilent}
}
