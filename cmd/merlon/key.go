package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/internal/terminal"
)

// maxKey bounds what is read for a key, in bytes: the whole text of a kit may be given.
const maxKey = 16 << 10

// recovery reads the owner's key: from a file, typed without being shown, or from a pipe; never from an argument, which
// other users of the machine can see.
func (t *tool) recovery() (*backup.Recovery, error) {
	if t.keyFile != "" {
		text, err := readAtMost(t.keyFile, maxKey)
		if err != nil {
			return nil, exit(exitUsage, "the key file cannot be read: %w", err)
		}
		return parse(text)
	}
	if !terminal.On(t.in) {
		text, err := io.ReadAll(io.LimitReader(t.in, maxKey))
		if err != nil || len(text) == 0 {
			return nil, exit(exitCannot, "the recovery key is asked for, and nobody is there to type it: use --key-file FILE")
		}
		return parse(text)
	}
	fmt.Fprint(t.err, "recovery key (it is not shown): ")
	show, err := terminal.Hide(t.in)
	if err != nil {
		return nil, exit(exitCannot, "what is typed cannot be hidden on this terminal: %w: use --key-file FILE", err)
	}
	defer func() { show(); fmt.Fprintln(t.err) }()
	line, err := bufio.NewReaderSize(io.LimitReader(t.in, maxKey), maxKey).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, exit(exitCannot, "the key could not be read: %w", err)
	}
	return parse(line)
}

func parse(text []byte) (*backup.Recovery, error) {
	key, err := backup.ParseRecovery(string(text))
	clear(text)
	if err != nil {
		return nil, exit(exitUsage, "%w", err)
	}
	return key, nil
}
