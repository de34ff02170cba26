// Package cli is the commands inside a site's own program: serve, check, attack, routes, migrate, explain, version, those of every
// site's house (events, jobs, mail, session), and those that its parts bring. A site's main function calls [Main] and nothing
// else.
//
// Results go to stdout, all else to stderr. Exit codes: 0 done, 1 findings or a failed operation, 2 wrong usage, 3 could
// not run in these surroundings, 4 refused for safety, 130 interrupted.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/event"
)

// The exit codes of every command.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitCannot      = 3
	ExitRefused     = 4
	ExitInterrupted = 130
)

// Main runs the command that the program was called with and ends the process with its exit code.
func Main(open func(merlon.Env) (*merlon.Site, error)) {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		ends = append(ends, syscall.SIGHUP) // the terminal was closed
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	p := &program{open: onDatabase(open), args: os.Args[1:], in: os.Stdin, out: os.Stdout, err: os.Stderr, become: become}
	code := p.run(ctx)
	stop()
	os.Exit(code)
}

// Run runs one command and returns its exit code. It is what tests call. When ctx is done a running command ends: serve
// with 0 after it has drained, the others with 130. Where [Main] becomes the owner of a data folder of another user than root, which
// executes the program once more, it refuses.
func Run(ctx context.Context, open func(merlon.Env) (*merlon.Site, error), args []string, stdout, stderr io.Writer) int {
	p := &program{open: onDatabase(open), args: args, in: os.Stdin, out: stdout, err: stderr}
	return p.run(ctx)
}

func (p *program) run(ctx context.Context) int {
	root := p.root()
	if !builtIn(root, p.args) {
		p.addParts(root)
	}
	root.SetArgs(p.args)
	root.SetOut(p.out)
	root.SetErr(p.err)
	err := root.ExecuteContext(ctx)
	return p.report(ctx, err)
}

// program is one run of the site's program.
type program struct {
	open     func(merlon.Env) (*merlon.Site, error)
	args     []string
	in       *os.File
	out, err io.Writer

	data    string
	json    bool
	lines   bool // one JSON document a line
	quiet   bool
	verbose bool
	chdir   string
	from    string // the folder in which the command was typed, before -C

	become func(owner, []string) error // executes the program as another user; nil: it is refused

	brief bool // the site is started for a moment: it begins no job and leaves its mails where they are
	sends bool // but for the command that tests the mail server
}

// failure is an error with the exit code that it means.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func exit(code int, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...)}
}

// errSilent says that the command has printed what there is to say.
var errSilent = errors.New("")

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use: programName(), Short: "The commands of this site",
		Example:       "  " + programName() + " serve",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			p.from, _ = os.Getwd() // a folder that is gone is an error where it is needed
			if p.chdir != "" {
				if err := os.Chdir(p.chdir); err != nil {
					return exit(ExitCannot, "the folder of -C cannot be entered: %w: name one that exists", err)
				}
			}
			return nil
		},
		Args: unknownCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	f := root.PersistentFlags()
	f.StringVar(&p.data, "data", "data", "the folder of the database and the keys")
	f.StringVarP(&p.chdir, "chdir", "C", "", "work in this folder")
	f.BoolVar(&p.json, "json", false, "print one JSON document")
	f.BoolVarP(&p.quiet, "quiet", "q", false, "print results only")
	f.BoolVarP(&p.verbose, "verbose", "v", false, "print more")
	root.AddGroup(&cobra.Group{ID: "start", Title: "Start"}, &cobra.Group{ID: "prove", Title: "Prove"}, &cobra.Group{ID: "operate", Title: "Operate"})
	root.AddCommand(p.serve(), p.migrate(), p.routes(), p.check(), p.attack(), p.explain(), p.version(), p.deploy())
	for _, cmd := range houseCommands {
		p.add(root, cmd)
	}
	root.SetHelpCommand(helpCommand(root))
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(helpTemplate)
	root.SetFlagErrorFunc(p.usage)
	return root
}

// builtIn reports whether the arguments name a command of this package: then the parts need not be asked for theirs.
func builtIn(root *cobra.Command, args []string) bool {
	c, _, err := root.Find(args)
	return err == nil && c != root
}

const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}
{{end}}{{if .HasExample}}
{{.Example}}
{{end}}{{$cmd := .}}{{range $group := .Groups}}
{{$group.Title}}
{{range $cmd.Commands}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}  {{rpad .Name .NamePadding}}  {{.Short}}
{{end}}{{end}}{{end}}{{if and .HasAvailableSubCommands (not .Groups)}}
{{range .Commands}}{{if .IsAvailableCommand}}  {{rpad .Name .NamePadding}}  {{.Short}}
{{end}}{{end}}{{end}}{{if .HasAvailableFlags}}
Flags
{{.Flags.FlagUsages | trimTrailingWhitespaces}}
{{end}}
exit codes: 0 done, 1 findings or failed, 2 usage, 3 could not run,
4 refused for safety, 130 interrupted
`

// helpCommand prints what --help of a command prints.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [command]", Hidden: true, Short: "what --help of a command prints",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 && c.HasSubCommands() {
				return unknownCommand(root, args)
			}
			return c.Help()
		},
	}
}

func programName() string {
	name := os.Args[0]
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.TrimSuffix(name, ".exe")
	if strings.HasSuffix(name, ".test") {
		name = "site"
	}
	return name
}

var (
	unknownFlag = regexp.MustCompile(`^unknown flag: --([\w-]+)`)
	flagNames   = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([\w-]+)`)
)

func (p *program) usage(c *cobra.Command, err error) error {
	p.asksForJSON(c)                                                // what stands behind the flag was not read
	if word := firstWord(c, p.args); !c.HasParent() && word != "" { // the flag is that of a command which is not there
		return unknownCommand(c, []string{word})
	}
	hint := "see " + c.CommandPath() + " --help"
	if m := unknownFlag.FindStringSubmatch(err.Error()); m != nil {
		var names []string
		for _, known := range flagNames.FindAllStringSubmatch(c.Flags().FlagUsages(), -1) {
			names = append(names, known[1])
		}
		if n, ok := check.Nearest(m[1], names); ok {
			hint = "did you mean --" + n + "?"
		}
		return exit(ExitUsage, "unknown flag --%s: %s has none of this name: %s", m[1], c.CommandPath(), hint)
	}
	return exit(ExitUsage, "%w: %s", err, hint)
}

// asksForJSON notes of arguments that were not read to their end that they ask for JSON.
func (p *program) asksForJSON(c *cobra.Command) {
	for i, a := range p.args {
		before := p.args[max(i-1, 0)]
		p.lines = p.lines || a == "--stream" && c.Flags().Lookup("stream") != nil
		p.json = p.json || p.lines || a == "--json" || a == "--format=json" || a == "json" && before == "--format"
	}
}

func unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	hint := "see " + c.CommandPath() + " --help"
	if n, ok := check.Nearest(args[0], names); ok {
		hint = "did you mean " + n + "?"
	}
	if part := broughtBy[args[0]]; part != "" && !c.HasParent() {
		hint = fmt.Sprintf("the part %q brings it, and the site lists none: add %[1]s.New(%[1]s.Config{}) to Config.Parts", part)
	}
	return exit(ExitUsage, "unknown command %s: %s", event.Clean(args[0]), hint)
}

// broughtBy names the rooms whose parts bring commands, by the first word of these: this package links none of them.
var broughtBy = map[string]string{"user": "account", "backup": "backup", "restore": "backup", "drill": "backup", "drill-child": "backup"}

// firstWord is the command that the arguments name, "" if they name none: what stands before it are flags of every command.
func firstWord(root *cobra.Command, args []string) string {
	f := new(cobra.Command).Flags()
	f.AddFlagSet(root.PersistentFlags())
	f.SetInterspersed(false)
	f.Usage = func() {}
	if f.Parse(args) != nil {
		return ""
	}
	return f.Arg(0)
}

// noArgs refuses a surplus argument by name.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return exit(ExitUsage, "surplus argument %q: %s takes none: leave it out", args[0], c.CommandPath())
	}
	return nil
}

func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return exit(ExitUsage, "%s takes %d argument(s), %s, and got %d: see %s --help", c.CommandPath(), n, what, len(args), c.CommandPath())
		}
		return nil
	}
}

// report prints an error and returns the exit code.
func (p *program) report(ctx context.Context, err error) int {
	if err == nil {
		return ExitDone
	}
	code := ExitFailed
	var f *failure
	switch {
	case errors.As(err, &f):
		code = f.code
	case ctx.Err() != nil:
		code = ExitInterrupted
	}
	if errors.Is(err, errSilent) {
		return code
	}
	if p.json {
		p.printJSON(map[string]any{"schema": "merlon/error/v1", "error": err.Error(), "exit": code})
	} else {
		fmt.Fprintln(p.err, err.Error())
	}
	return code
}

func (p *program) printJSON(v any) {
	e := json.NewEncoder(p.out)
	if !p.lines {
		e.SetIndent("", "  ")
	}
	_ = e.Encode(v)
}

// site opens the site. A site with faults prints them all and exits 1.
func (p *program) site(mode merlon.Mode) (*merlon.Site, error) { return p.opened(p.env(mode)) }

func (p *program) opened(env merlon.Env) (*merlon.Site, error) {
	s, err := p.open(env)
	if err == nil {
		return s, nil
	}
	var faults check.Faults
	if !errors.As(err, &faults) {
		return nil, &failure{ExitFailed, fmt.Errorf("the site cannot be put together: %w", err)}
	}
	if p.json {
		p.printJSON(map[string]any{"schema": "merlon/faults/v1", "faults": faults})
	} else {
		fmt.Fprintln(p.err, faults.Error())
		fmt.Fprintf(p.err, "\n%d to mend before this site starts. More on each: %s explain ID\n", len(faults), programName())
	}
	return s, &failure{ExitFailed, errSilent}
}
