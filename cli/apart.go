package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/internal/terminal"
)

// apart runs a command without opening the data, in this process.
func (p *program) apart(ctx context.Context, cmd merlon.Command, o order) error {
	if !cmd.Anew {
		if err := p.asOwner(ctx); err != nil {
			return err
		}
		if err := p.hasData(); err != nil {
			return err
		}
	}
	p.brief = true
	env, err := p.commandEnv(merlon.Development)
	if err != nil {
		return err
	}
	site, err := p.opened(env)
	if err != nil {
		return err
	}
	ask := &asker{in: p.in, out: p.err}
	call := &merlon.Call{Args: o.Args, Flags: o.Flags, JSON: o.JSON, Out: p.out, Apart: &merlon.Apart{
		Data: p.data, Site: site, Err: p.err, Terminal: !p.quiet && isTerminal(p.err), Ask: ask.ask, Input: p.in,
		Open: func(data string, mode merlon.Mode) (*merlon.Site, error) {
			env, err := p.commandEnv(mode)
			if err != nil {
				return nil, err
			}
			env.Data = data
			return p.open(env)
		}}}
	if p.quiet {
		call.Apart.Err = io.Discard
	}
	return coded(ctx, cmd, cmd.Run(ctx, call))
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && terminal.On(f)
}

// An asker reads answers line by line.
type asker struct {
	mu   sync.Mutex
	in   *os.File
	out  io.Writer
	line *bufio.Reader
}

// maxAnswer bounds one answer, in bytes.
const maxAnswer = 4 << 10

// ask implements merlon.Apart.Ask. A secret that is typed is not shown; the terminal is put back whatever happens.
func (a *asker) ask(ctx context.Context, question string, secret bool) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.in == nil {
		return "", merlon.Cannot("%s is asked for, and there is nobody to ask: give it by a file, or run this on a terminal", question)
	}
	if a.line == nil {
		a.line = bufio.NewReaderSize(a.in, maxAnswer)
	}
	fmt.Fprintf(a.out, "%s: ", question)
	if secret && terminal.On(a.in) {
		show, err := terminal.Hide(a.in)
		if err != nil {
			return "", merlon.Cannot("what is typed cannot be hidden on this terminal: %s: give it by a file", err)
		}
		defer func() { show(); fmt.Fprintln(a.out) }()
	}
	type typed struct {
		line []byte
		err  error
	}
	done := make(chan typed, 1)
	go func() { // reading a terminal does not end by a context
		line, err := a.line.ReadSlice('\n')
		done <- typed{append([]byte(nil), line...), err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case t := <-done:
		text := strings.TrimSpace(string(t.line))
		switch {
		case errors.Is(t.err, bufio.ErrBufferFull):
			return "", merlon.Misused("the answer has more than %d characters: it was not understood: see --help", maxAnswer)
		case t.err != nil && text == "":
			fmt.Fprintln(a.out) // the question's line has ended
			return "", merlon.Cannot("%s is asked for, and the input ended: give it by a file, or run this on a terminal", question)
		}
		return text, nil
	}
}
