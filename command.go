package merlon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A Command is what a part adds to the site's own program. It runs in the process that holds the site's data: in the one
// that serves, if that is up, else in its own.
type Command struct {
	Name    constant // "user add": the second word is a command of the first
	Args    constant // the words behind it, for the help: "EMAIL [NAME]"; a word in brackets may be left out
	Short   constant // what it does, in one line
	Long    constant // what its own help says below that, as what a file must hold; may be empty
	Example constant // what stands behind the name in an example: "ann@example.org --role board"
	Flags   []Flag
	File    bool // the first argument names a file: it is opened where the command was typed, and is [Call.In]
	// Apart runs the command in a process of its own, without opening the site's data, which may be damaged, or another process's.
	// Its Call has no House, and what [Apart] tells instead. It never goes to a site that is running.
	Apart bool
	// Anew says of a command that runs apart that it is there for folders without a site's data, as restore is: the folder may be
	// missing. Every other command is refused where no site has been: a folder that is mistyped must not become a new, empty site.
	Anew   bool
	Hidden bool // not in the help: the program calls it itself
	Run    func(context.Context, *Call) error
}

// A Flag is an option of a [Command].
type Flag struct {
	Name     constant
	Usage    constant
	Switch   bool // it has no value: Flag returns "true" or ""
	Required bool
}

// A Call is one use of a [Command].
type Call struct {
	House *House
	Args  []string
	Flags map[string]string
	JSON  bool      // the answer is to be one JSON document
	Out   io.Writer // results
	In    io.Reader // the file, of a command with File
	Apart *Apart    // of a command that runs apart; else nil
}

// Apart is what a command knows that runs without the site's data (see Command.Apart).
type Apart struct {
	Data string // the folder of --data; it may be missing where the command has Anew
	Site *Site  // put together, not started
	// Open puts the site together once more, for data in another folder. It starts nothing.
	Open func(data string, mode Mode) (*Site, error)
	Err  io.Writer // progress, and whatever is no result
	// Terminal says that a person reads Err: progress may be drawn over itself.
	Terminal bool
	// Ask prints a question and reads a line, without showing it if it is a secret. Without a person it reads a line of the
	// standard input. The error is [ErrCannot] when there is none.
	Ask func(ctx context.Context, question string, secret bool) (string, error)
	// Input is the standard input, for a command that another process drives.
	Input io.Reader
}

// Arg returns an argument, "" if it was left out.
func (c *Call) Arg(i int) string {
	if i >= len(c.Args) {
		return ""
	}
	return c.Args[i]
}

// Flag returns the value of a flag, "" if it was not given.
func (c *Call) Flag(name constant) string { return c.Flags[string(name)] }

// Answer prints the result: as the document {"schema": schema, name: value} with --json, else by the function.
func (c *Call) Answer(schema, name constant, value any, plain func(io.Writer) error) error {
	if !c.JSON {
		return plain(c.Out)
	}
	e := json.NewEncoder(c.Out)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{"schema": string(schema), string(name): value})
}

// Why a command did not do what it was asked, beside an error of the operation itself.
var (
	// ErrUsage says that the command was given what it cannot use: exit code 2.
	ErrUsage = errors.New("usage")
	// ErrCannot says that the surroundings did not let it run (no network, no settings): exit code 3.
	ErrCannot = errors.New("cannot")
	// ErrRefused says that the command was refused for safety: exit code 4.
	ErrRefused = errors.New("refused")
)

// commandError is an error with one of these reasons, whose text is not repeated.
type commandError struct {
	text string
	why  error
}

func (e *commandError) Error() string        { return e.text }
func (e *commandError) Is(target error) bool { return target == e.why }

// Misused returns an error that is [ErrUsage]: what happened, why, what to do.
func Misused(format string, args ...any) error {
	return &commandError{fmt.Sprintf(format, args...), ErrUsage}
}

// Cannot returns an error that is [ErrCannot].
func Cannot(format string, args ...any) error {
	return &commandError{fmt.Sprintf(format, args...), ErrCannot}
}

// Refuse returns an error that is [ErrRefused].
func Refuse(format string, args ...any) error {
	return &commandError{fmt.Sprintf(format, args...), ErrRefused}
}
