// Package command runs other programs with data as their arguments and input, and never as code: the program and its
// options are constants, there is no shell, options end before the data begins, and the program sees nothing of this
// one's environment (CWE-78, CWE-88; OWASP, OS Command Injection Defense).
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/place"
)

// constant is a type that only constants of the program have.
type constant string

// A Command is a program with its options, declared as a package variable. It is safe for concurrent use.
type Command struct {
	program string
	options []string
	under   []string // the launcher and its options, before the program
	noData  string   // why it takes no arguments; "": it takes some
	noInput bool     // nor input
	env     []string
	time    time.Duration
	output  int
	where   string
}

// What a command may use unless [Command.Limits] says else.
const (
	DefaultTime   = 10 * time.Second
	DefaultOutput = 1 << 20 // bytes, of the result and of the messages each
)

// New declares a command. The program is an absolute path, or a name that is looked up in /usr/local/bin, /usr/bin and
// /bin (on Windows: where the system's programs lie), never in PATH. An option "--" at the end lets arguments begin with "-".
//
// A program that runs what its arguments name (env, timeout, sudo) takes no data: declare the program that it runs, and
// [Command.Under] it. Neither does one whose every argument is code (ssh, psql, watch), nor an interpreter (python3, awk, find)
// whose own program is not told by an option. They are known by their usual names; of other programs their makers say what an
// argument may do. An interpreter that is not told its program takes no input either, which would be one.
//
// It panics, when the program starts, on a shell, on an interpreter of which it is not known whether its program is told
// (python3 -u x.py: declare -u -- x.py), and on an option with a NUL; and when it is called after a site has started.
func New(program constant, options ...constant) *Command {
	c := &Command{program: string(program), time: DefaultTime, output: DefaultOutput, where: place.Caller(1).At}
	c.options = c.declared(c.program, options)
	switch base := nameOf(c.program); {
	case slices.Contains(launchers, base):
		c.noData = "would run what its argument names: declare the program that it is to run, and put it under this one with Under"
	case slices.Contains(readers, base):
		c.noData = "reads its arguments as code: declare the whole line, or take a library in its place"
	case interpreters[base] != nil && !toldProgram(c.options, interpreters[base]):
		c.noData, c.noInput = `would take its argument, or its input, for its own program: declare that as the first option, or after "--"`, true
		if i := slices.IndexFunc(c.options, operand); i >= 0 {
			panic(RuleShell.Finding(c.where, fmt.Sprintf("%q of %q may be its program, or the value of %q, so that what is data is not known", c.options[i], program, c.options[i-1]), `declare the program as the first option, or after "--"`).Error())
		}
	}
	return c
}

// operand reports whether an option is no option, but what stands behind one: its value, or what the program works on.
func operand(option string) bool { return option != "" && !strings.HasPrefix(option, "-") }

// Under returns the command as an argument of another program, such as nice or timeout, which runs it: launcher and options
// are constants, as in [New], and end before the command's own program. It panics as New does.
func (c *Command) Under(launcher constant, options ...constant) *Command {
	d := *c
	d.where = place.Caller(1).At
	d.under = append([]string{string(launcher)}, d.declared(string(launcher), options)...)
	if base := nameOf(string(launcher)); slices.Contains(readers, base) || interpreters[base] != nil {
		panic(RuleShell.Finding(d.where, fmt.Sprintf("%q reads its arguments as code", launcher), "put the command under a program that only starts it, such as nice or timeout").Error())
	}
	return &d
}

// declared panics where a program or its options cannot be declared, and returns the options.
func (c *Command) declared(program string, given []constant) (options []string) {
	for _, o := range given {
		options = append(options, string(o))
	}
	if place.Sealed() {
		panic(RuleSealed.Finding(c.where, fmt.Sprintf("the command %q is declared after the site started", program), "declare commands as package variables").Error())
	}
	base := nameOf(program)
	switch {
	case program == "", strings.ContainsRune(program, 0), slices.ContainsFunc(options, func(o string) bool { return strings.ContainsRune(o, 0) }):
		panic(RuleProgram.Finding(c.where, fmt.Sprintf("no program can be %q with %q", program, options), "name the program and its options, without NUL").Error())
	case !filepath.IsAbs(program) && program != filepath.Base(program):
		panic(RuleProgram.Finding(c.where, fmt.Sprintf("the program %q is a relative path", program), "give its absolute path, or its name alone").Error())
	case slices.Contains(shells, base), strings.HasSuffix(base, ".bat"), strings.HasSuffix(base, ".cmd"):
		panic(RuleShell.Finding(c.where, fmt.Sprintf("%q is a shell", program), "declare the program itself with its options; join programs in Go").Error())
	}
	return options
}

// nameOf returns the name by which a program is known: of "/usr/bin/python3.11" "python".
func nameOf(program string) string {
	base := strings.TrimSuffix(strings.ToLower(filepath.Base(filepath.ToSlash(program))), ".exe")
	return strings.TrimRight(base, ".-0123456789")
}

// toldProgram reports whether the options of an interpreter name its program, so that what follows is that one's data: the first
// option, one behind one of those that take a program, or one behind another that is no dash's value.
func toldProgram(options, takes []string) bool {
	for i, o := range options {
		switch {
		case !operand(o):
		case i == 0 || !strings.HasPrefix(options[i-1], "-") || options[i-1] == "--" || slices.Contains(takes, options[i-1]):
			return true
		}
	}
	return false
}

// Shells read their arguments or input as code; launchers run the program that an argument names; readers take arguments for
// code of their own, whatever the options.
var (
	shells    = strings.Fields("sh bash dash ash zsh ksh mksh csh tcsh fish rbash busybox cmd command powershell pwsh wscript cscript mshta")
	launchers = strings.Fields("env sudo doas runuser nice ionice nohup setsid setpriv timeout stdbuf time strace ltrace chroot chrt taskset prlimit unshare nsenter systemd-run flock pkexec firejail bwrap")
	readers   = strings.Fields("ssh su watch script xargs parallel make psql sqlite mysql mariadb expect gdb ed ex vi vim emacs")
)

// interpreters take the first argument for their program or its file, unless one of these options came before it.
var interpreters = map[string][]string{
	"sed": {"-e", "-f", "--expression", "--file"}, "find": {},
	"awk": {"-f", "--file"}, "gawk": {"-f", "--file", "-e", "--source"}, "mawk": {"-f"},
	"perl": {"-e", "-E"}, "python": {"-c", "-m"}, "pypy": {"-c", "-m"}, "ruby": {"-e"},
	"node": {"-e", "-p", "--eval", "--print"}, "nodejs": {"-e", "-p", "--eval", "--print"}, "php": {"-r", "-f"},
	"lua": {}, "luajit": {}, "tclsh": {},
}

// Limits returns the command with other limits: how long it may run, and how many bytes it may write.
func (c *Command) Limits(longest time.Duration, output int) *Command {
	d := *c
	d.time, d.output = longest, output
	return &d
}

// Env returns the command with one more variable in its environment, which is empty otherwise.
func (c *Command) Env(name, value constant) *Command {
	d := *c
	d.env = append(slices.Clone(c.env), string(name)+"="+string(value))
	return &d
}

// A Result is what a command wrote.
type Result struct{ Out, Messages []byte }

// Run runs the command with data as its arguments and input, and waits for it. It runs in a process group of its own where
// there are such, in the root folder, and is killed with its children when its time or ctx ends. A child that leaves the group
// (setsid, a daemon) outlives the call.
//
// The error wraps a [check.Finding] when the arguments are refused or inside a write transaction, before anything is run; it
// is a [*ExitError] when the program says that it failed, and wraps [ErrTime] or [ErrOutput] when it went past its limits. What
// it wrote is in the Result in each case.
func (c *Command) Run(ctx context.Context, in io.Reader, args ...string) (Result, error) {
	if db.InWrite(ctx) {
		return Result{}, RuleInWrite.Finding(c.where, fmt.Sprintf("%s would run inside a write transaction", c.program), "run it in PostAfter's before, or in a job")
	}
	if c.noInput && in != nil {
		return Result{}, c.noDataFinding()
	}
	options, err := c.line(args)
	if err != nil {
		return Result{}, err
	}
	program, err := find(c.program)
	line := append(options, args...)
	if err == nil && c.under != nil {
		line = slices.Concat(c.under[1:], []string{program}, line)
		program, err = find(c.under[0])
	}
	if err != nil {
		return Result{}, fmt.Errorf("outbound/command: %w: install it, or give its absolute path", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.time, ErrTime)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	run := exec.CommandContext(ctx, program, line...)
	run.Args[0] = c.name()
	run.Dir, run.Env, run.Stdin = rootFolder(), append([]string{}, c.env...), in
	run.WaitDelay = time.Second
	ofGroup(run)
	out, messages := &limited{most: c.output, stop: stop}, &limited{most: c.output, stop: stop}
	run.Stdout, run.Stderr = out, messages
	err = run.Start()
	if err == nil {
		err = run.Wait()
		endGroup(run) // what it left behind
	}
	result := Result{out.b.Bytes(), messages.b.Bytes()}
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return result, nil
	case ctx.Err() != nil:
		return result, fmt.Errorf("outbound/command: %s was stopped: %w", c.program, context.Cause(ctx))
	case failed:
		return result, &ExitError{c.program, exit.ExitCode()}
	}
	return result, fmt.Errorf("outbound/command: %s: %w", c.program, err)
}

// name is that of the program that is started.
func (c *Command) name() string {
	if c.under != nil {
		return c.under[0]
	}
	return c.program
}

// line holds the data against the options, and returns these.
func (c *Command) line(args []string) ([]string, error) {
	last := ""
	if n := len(c.options); n > 0 {
		last = c.options[n-1]
	}
	for i, a := range args {
		switch {
		case c.noData != "":
			return nil, c.noDataFinding()
		case strings.ContainsRune(a, 0):
			return nil, RuleArgument.Finding(c.where, fmt.Sprintf("argument %d of %s has a NUL, where systems cut it off", i+1, c.program), "refuse it where it comes in")
		case strings.HasPrefix(a, "-") && last != "--":
			return nil, RuleArgument.Finding(c.where, fmt.Sprintf("argument %d of %s begins with \"-\", and would be an option", i+1, c.program), `declare "--" as the last option, if the program knows it; else refuse the value`)
		}
	}
	return slices.Clone(c.options), nil
}

// noDataFinding says why the command takes no data.
func (c *Command) noDataFinding() error {
	happened, remedy, _ := strings.Cut(c.noData, ": ")
	return RuleShell.Finding(c.where, c.program+" "+happened, remedy)
}

// find looks a program up where only the system's owner puts them.
func find(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	for _, folder := range folders() {
		path := filepath.Join(folder, name)
		if runtime.GOOS == "windows" && filepath.Ext(path) == "" {
			path += ".exe"
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0) {
			return path, nil
		}
	}
	return "", fmt.Errorf("the program %q is in none of %s", name, strings.Join(folders(), ", "))
}

// A limited buffer takes so many bytes and then stops the command.
type limited struct {
	b    bytes.Buffer
	most int
	stop context.CancelCauseFunc
}

func (l *limited) Write(p []byte) (int, error) {
	if room := l.most - l.b.Len(); len(p) > room {
		l.b.Write(p[:room])
		l.stop(ErrOutput)
		return room, ErrOutput
	}
	return l.b.Write(p)
}

// Why a command was stopped.
var (
	ErrTime   = errors.New("it took longer than it may: give it more time with Limits, or less to do")
	ErrOutput = errors.New("it wrote more than it may: give it more room with Limits, or less to do")
)

// An ExitError says that a program ran to its end and failed. What it wrote may repeat data, and is in the Result only.
type ExitError struct {
	Program string
	Code    int // -1: a signal ended it
}

// Error says which program failed, and how.
func (e *ExitError) Error() string {
	return fmt.Sprintf("outbound/command: %s ended with code %d: see its messages", e.Program, e.Code)
}
