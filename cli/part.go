package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/internal/datafolder"
	"github.com/merlon-web/merlon/internal/swap"
)

// addParts adds the commands that the site's parts bring. They are found without data.
func (p *program) addParts(root *cobra.Command) {
	site, _ := p.open(merlon.Env{Data: p.data, Mode: merlon.Development})
	if site == nil {
		return
	}
	for _, part := range site.Parts() {
		for _, cmd := range part.Commands {
			p.add(root, cmd)
		}
	}
}

// commandsOf are the commands that run with the data of a site: those of every site, and those of its parts.
func commandsOf(site *merlon.Site) []merlon.Command {
	all := slices.Clone(houseCommands)
	for _, part := range site.Parts() {
		all = append(all, part.Commands...)
	}
	return all
}

// add hangs a command below the root, or below the command that its first word names, which is made if need be.
func (p *program) add(root *cobra.Command, cmd merlon.Command) {
	first, second, nested := strings.Cut(string(cmd.Name), " ")
	above := root
	if nested {
		above = nil
		for _, c := range root.Commands() {
			if c.Name() == first {
				above = c
			}
		}
		if above == nil {
			above = &cobra.Command{Use: first, GroupID: "operate", Args: unknownCommand, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
			root.AddCommand(above)
		}
		if above.Args == nil || above.Short == "" || strings.HasPrefix(above.Short, first+": ") {
			above.Short = strings.TrimPrefix(above.Short+", "+second, ", ")
			if !strings.HasPrefix(above.Short, first+": ") {
				above.Short = first + ": " + above.Short
			}
		}
	}
	c := p.partCommand(cmd, first, second)
	if !nested {
		c.GroupID = "operate"
	}
	above.AddCommand(c)
}

func (p *program) partCommand(cmd merlon.Command, first, second string) *cobra.Command {
	name := first
	if second != "" {
		name = second
	}
	example := strings.TrimSpace(string(cmd.Example))
	c := &cobra.Command{Use: strings.TrimSpace(name + " " + string(cmd.Args)), Short: string(cmd.Short),
		Example: "  " + strings.TrimSpace(programName()+" "+string(cmd.Name)+" "+example),
		Args:    argsOf(cmd), Hidden: cmd.Hidden}
	if cmd.Long != "" {
		c.Long = string(cmd.Short) + "\n\n" + string(cmd.Long)
	}
	values := map[string]*string{}
	switches := map[string]*bool{}
	for _, f := range cmd.Flags {
		if f.Switch {
			switches[string(f.Name)] = c.Flags().Bool(string(f.Name), false, string(f.Usage))
		} else {
			values[string(f.Name)] = c.Flags().String(string(f.Name), "", string(f.Usage))
		}
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		o := order{Name: string(cmd.Name), Args: args, Flags: map[string]string{}, JSON: p.json}
		for name, v := range values {
			o.Flags[name] = *v
		}
		for name, on := range switches {
			if *on {
				o.Flags[name] = "true"
			}
		}
		if err := judge(cmd, o); err != nil {
			return err
		}
		if cmd.Apart {
			return p.apart(c.Context(), cmd, o)
		}
		return p.order(c.Context(), cmd, o)
	}
	return c
}

// argsOf counts the words of the help text: those in brackets may be left out.
func argsOf(cmd merlon.Command) cobra.PositionalArgs {
	least, most := counts(cmd)
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) > most && most == 0:
			return noArgs(c, args)
		case len(args) < least || len(args) > most:
			return exit(ExitUsage, "%s takes %s, and got %d argument(s): see %s --help", c.CommandPath(), cmd.Args, len(args), c.CommandPath())
		}
		return nil
	}
}

func counts(cmd merlon.Command) (least, most int) {
	words := strings.Fields(string(cmd.Args))
	for _, w := range words {
		if !strings.HasPrefix(w, "[") {
			least++
		}
	}
	return least, len(words)
}

// judge holds an order against the command: where it is typed, and once more where it is done, since what comes over the
// socket need not have been typed.
func judge(cmd merlon.Command, o order) error {
	if least, most := counts(cmd); len(o.Args) < least || len(o.Args) > most {
		return exit(ExitUsage, "%s takes %d to %d arguments, and got %d", cmd.Name, least, most, len(o.Args))
	}
	known := map[string]bool{}
	for _, f := range cmd.Flags {
		known[string(f.Name)] = true
		if f.Required && strings.TrimSpace(o.Flags[string(f.Name)]) == "" {
			return exit(ExitUsage, "--%s is missing: %s: add it, as in: %s", f.Name, f.Usage, exampleWith(cmd, f))
		}
		if v := o.Flags[string(f.Name)]; f.Switch && v != "" && v != "true" {
			return exit(ExitUsage, "--%s is %q: it is a switch: give it without a value", f.Name, v)
		}
	}
	for name := range o.Flags {
		if !known[name] {
			return exit(ExitUsage, "%s has no flag --%s", cmd.Name, event.Clean(name))
		}
	}
	return nil
}

// exampleWith is the command's example if that has the flag, else the flag with what it takes.
func exampleWith(cmd merlon.Command, f merlon.Flag) string {
	if strings.Contains(string(cmd.Example), "--"+string(f.Name)) {
		return string(cmd.Name) + " " + string(cmd.Example)
	}
	return "--" + string(f.Name) + ` "…"`
}

// An order is one use of a command, as it is handed to the process that has the data.
type order struct {
	Name  string
	Args  []string
	Flags map[string]string
	JSON  bool
	Input []byte `json:",omitempty"`
}

// usualAddr is where serve listens without --listen.
var usualAddr = net.TCPAddrFromAddrPort(netip.MustParseAddrPort(defaultListen))

// maxInput bounds the file that a command reads, in bytes.
const maxInput = 64 << 20

// order runs a command: in the process that serves the site, if there is one, else in this one.
func (p *program) order(ctx context.Context, cmd merlon.Command, o order) error {
	if err := p.asOwner(ctx); err != nil {
		return err
	}
	if cmd.File {
		var err error
		if o.Input, err = readInput(o.Args[0]); err != nil {
			return err
		}
	}
	if err := p.hasData(); err != nil {
		return err
	}
	p.brief, p.sends = true, cmd.Name == "mail test"
	env, err := p.commandEnv(merlon.Development)
	if err != nil {
		return err
	}
	defer goesOn(env.Log, string(cmd.Name))()
	site, err := p.opened(env)
	if err != nil {
		return err
	}
	if site.Shared() && p.served(ctx) { // it could be done here as well; what the process that serves holds in memory could not
		return p.send(ctx, o, db.ErrLocked)
	}
	err = site.Start(ctx)
	if errors.Is(err, db.ErrLocked) {
		return p.send(ctx, o, err)
	}
	if err != nil {
		return cannotStart(err)
	}
	site.Listening(usualAddr)              // under development links that it prints are those of `serve` without --listen
	for _, own := range commandsOf(site) { // those of the site that was started: the parts hold what Start gave them
		if own.Name == cmd.Name {
			err = run(ctx, site, own, o, p.out)
		}
	}
	if closed := closeSite(site); err == nil && closed != nil {
		err = exit(ExitFailed, "it was done, and the site could not be closed: %w", closed)
	}
	return err
}

// hasData refuses a folder in which no site has been: one that is mistyped must not become a new, empty site. Whoever makes data
// (serve, migrate up, restore) does not ask.
func (p *program) hasData() error {
	has, err := p.holdsData()
	if has || err != nil {
		return err
	}
	return exit(ExitCannot, "there is no site's data in %s: it has no file keys, and this command makes no new site: name the folder that the site is served from with --data; a new site's data is made by: %s migrate up --data DIR", p.folder(), programName())
}

// holdsData reports whether a site has been in the data folder. A folder that cannot be read is an error, with its exit code: what
// is in it is not known.
func (p *program) holdsData() (bool, error) {
	_, err := os.Lstat(filepath.Join(p.data, "keys"))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return swap.Announced(p.data), nil // a restore that was cut off is completed first
	}
	if where, what, do := datafolder.Hinder(p.data); what != "" {
		return false, exit(ExitCannot, "%w", merlon.RuleFolder.Finding(where, what, do))
	}
	return false, exit(ExitCannot, "the data folder cannot be read: %w: name one that can be with --data", err)
}

// folder is the data folder as it is told: whole, since whoever typed it may not be where they think.
func (p *program) folder() string {
	if abs, err := filepath.Abs(p.data); err == nil {
		return abs
	}
	return p.data
}

func readInput(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, exit(ExitUsage, "the file cannot be read: %w: name one that is there", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	if err != nil {
		return nil, exit(ExitCannot, "the file cannot be read: %w", err)
	}
	if len(b) > maxInput {
		return nil, exit(ExitUsage, "%s has more than %d MB: it is read whole: split it", path, maxInput>>20)
	}
	return b, nil
}

// run runs a command in this process, on the site's data.
func run(ctx context.Context, site *merlon.Site, cmd merlon.Command, o order, out io.Writer) error {
	if err := judge(cmd, o); err != nil {
		return err
	}
	ctx = event.With(ctx, site.House().Recorder())
	call := &merlon.Call{House: site.House(), Args: o.Args, Flags: o.Flags, JSON: o.JSON, Out: out, In: strings.NewReader(string(o.Input))}
	return coded(ctx, cmd, cmd.Run(ctx, call))
}

// coded gives the error of a command its exit code.
func coded(ctx context.Context, cmd merlon.Command, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, merlon.ErrUsage):
		return &failure{ExitUsage, err}
	case errors.Is(err, merlon.ErrCannot):
		return &failure{ExitCannot, err}
	case errors.Is(err, merlon.ErrRefused):
		return &failure{ExitRefused, err}
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return &failure{ExitInterrupted, fmt.Errorf("%s was interrupted: %w", cmd.Name, err)}
	}
	return &failure{ExitFailed, err}
}
