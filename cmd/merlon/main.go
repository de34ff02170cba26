// Command merlon is the tool for what needs no site: on the owner's machine, offline, it shows that the recovery key opens a
// backup, and opens a single point without the key ever coming near a server.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon/backup"
)

// The exit codes, those of a site's own program.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitCannot      = 3
	exitInterrupted = 130
)

// failure is an error with its exit code.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func exit(code int, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...)}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// tool is one run of the program.
type tool struct {
	in       *os.File
	out, err io.Writer
	json     bool
	keyFile  string
}

func run(ctx context.Context, args []string, in *os.File, out, err io.Writer) int {
	t := &tool{in: in, out: out, err: err}
	root := t.root()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(err)
	return t.report(ctx, root.ExecuteContext(ctx))
}

func (t *tool) report(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	code := exitFailed
	var f *failure
	switch {
	case errors.As(err, &f):
		code = f.code
	case ctx.Err() != nil:
		code = exitInterrupted
	}
	if t.json {
		t.print(map[string]any{"schema": "merlon/error/v1", "error": err.Error(), "exit": code})
	} else {
		fmt.Fprintln(t.err, err.Error())
	}
	return code
}

func (t *tool) print(v any) {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	_ = e.Encode(v)
}

func (t *tool) root() *cobra.Command {
	root := &cobra.Command{Use: "merlon", Short: "The tool for what needs no site", Example: "  merlon recovery prove header-00000042.bin",
		SilenceUsage: true, SilenceErrors: true, Args: unknown, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().BoolVar(&t.json, "json", false, "print one JSON document")
	recovery := &cobra.Command{Use: "recovery", Short: "what only the owner's recovery key can do", Args: unknown, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	recovery.PersistentFlags().StringVar(&t.keyFile, "key-file", "", "read the key from this file instead of asking for it")
	var receipt string
	open := &cobra.Command{Use: "open FILE", Short: "the key of that one point, which restore takes in place of yours", Args: oneFile,
		Example: "  merlon recovery open header-00000042.bin --receipt 42:sha256:…", RunE: func(c *cobra.Command, args []string) error { return t.open(args[0], receipt) }}
	open.Flags().StringVar(&receipt, "receipt", "", "the point that you mean, as a mail or a note of yours has it")
	recovery.AddCommand(
		&cobra.Command{Use: "prove FILE", Short: "show that the key opens a point: a code for backup verify --proof", Args: oneFile,
			Example: "  merlon recovery prove header-00000042.bin", RunE: func(c *cobra.Command, args []string) error { return t.prove(args[0]) }},
		open)
	root.AddCommand(recovery, &cobra.Command{Use: "version", Short: "which build of merlon this is", Args: unknown, Example: "  merlon version", RunE: func(*cobra.Command, []string) error { return t.version() }})
	root.SetHelpCommand(&cobra.Command{Hidden: true, Use: "no-help"})
	root.SetHelpTemplate(help)
	root.SetUsageTemplate(help)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return exit(exitUsage, "%w: see %s --help", err, c.CommandPath())
	})
	return root
}

const help = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}
{{end}}{{if .HasExample}}
{{.Example}}
{{end}}{{if .HasAvailableSubCommands}}
{{range .Commands}}{{if .IsAvailableCommand}}  {{rpad .Name .NamePadding}}  {{.Short}}
{{end}}{{end}}{{end}}{{if .HasAvailableFlags}}
Flags
{{.Flags.FlagUsages | trimTrailingWhitespaces}}
{{end}}
exit codes: 0 done, 1 failed, 2 usage, 3 could not run, 130 interrupted
`

func unknown(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return exit(exitUsage, "%q is not known here: see %s --help", args[0], c.CommandPath())
	}
	return nil
}

func oneFile(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return exit(exitUsage, "%s takes one header file, and got %d argument(s): see %s --help", c.CommandPath(), len(args), c.CommandPath())
	}
	return nil
}

// maxHeaderFile bounds a header file, in bytes.
const maxHeaderFile = 2 << 20

// fileKey opens a header file with the owner's key; want is the receipt of the point that it must be of, "": of any.
func (t *tool) fileKey(path, want string) (*backup.HeaderFile, []byte, error) {
	text, err := readAtMost(path, maxHeaderFile)
	if err != nil {
		return nil, nil, exit(exitUsage, "the header file cannot be read: %w: name the one that you brought from the server", err)
	}
	h, err := backup.ParseHeader(text)
	if err != nil {
		return nil, nil, exit(exitUsage, "%w", err)
	}
	if want != "" {
		receipt, err := backup.ParseReceipt(want)
		if err != nil {
			return nil, nil, exit(exitUsage, "%w", err)
		}
		if h.Point() != receipt {
			return nil, nil, exit(exitFailed, "the file is of point %d of %s, and your receipt is of point %d or of another chain: whoever gave you the file wants another point than you mean: no key was asked for",
				h.Manifest.Seq, instant(h), receipt.Seq)
		}
	}
	key, err := t.recovery()
	if err != nil {
		return nil, nil, err
	}
	opened, err := h.Open(key.Identity())
	if err != nil {
		return nil, nil, exit(exitFailed, "%w", err)
	}
	return h, opened, nil
}

func (t *tool) prove(path string) error {
	h, key, err := t.fileKey(path, "")
	if err != nil {
		return err
	}
	code := backup.ProofCode(key, h.Point().Hash)
	clear(key)
	if t.json {
		t.print(map[string]any{"schema": "merlon/recovery-prove/v1", "site": h.Manifest.Site, "point": h.Manifest.Seq, "instant": h.Manifest.Instant, "code": code})
		return nil
	}
	fmt.Fprintf(t.out, "PASS    your key opens point %d of the site %s\ncode    %s\n\non the server: backup verify --proof %s\n", h.Manifest.Seq, h.Manifest.Site, code, code)
	return nil
}

// instant is when the point of a header file was taken, for people.
func instant(h *backup.HeaderFile) string {
	return h.Manifest.Instant.UTC().Format("2006-01-02 15:04:05 MST")
}

// open prints the key of one point. Which one it is was written into the header when it was sealed: the file cannot say another.
func (t *tool) open(path, receipt string) error {
	h, key, err := t.fileKey(path, receipt)
	if err != nil {
		return err
	}
	text := backup.FormatPointKey(key)
	clear(key)
	if t.json {
		t.print(map[string]any{"schema": "merlon/recovery-open/v1", "site": h.Manifest.Site, "point": h.Manifest.Seq, "instant": h.Manifest.Instant, "receipt": h.Point().String(), "key": text})
		return nil
	}
	fmt.Fprintf(t.out, "point    %d of %s, of the site %s\nreceipt  %s\nkey      %s\n\nIt opens this point and no other. Give it to restore in place of your recovery key.\n",
		h.Manifest.Seq, instant(h), h.Manifest.Site, h.Point(), text)
	if receipt == "" {
		fmt.Fprintln(t.out, "See that this is the point you mean: number and time were sealed into it when it was made.")
	}
	return nil
}

func (t *tool) version() error {
	v := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	if t.json {
		t.print(map[string]any{"schema": "merlon/version/v1", "merlon": v, "go": runtime.Version()})
		return nil
	}
	fmt.Fprintf(t.out, "merlon %s, %s\n", v, runtime.Version())
	return nil
}

func readAtMost(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return text, err
}
