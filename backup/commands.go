package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/event"
)

// runCommand is `backup run`.
func (p *part) runCommand(ctx context.Context, c *merlon.Call) error {
	label := c.Flag("label")
	if !labelShape.MatchString(label) {
		return merlon.Misused("--label takes up to 60 letters, digits, spaces and . _ : / ( ) + -: choose others")
	}
	made, err := p.attempt(ctx, c.House, wish{label: label, say: func(format string, args ...any) {
		c.House.Log.LogAttrs(ctx, slog.LevelInfo, "backup: "+fmt.Sprintf(format, args...))
	}})
	if err != nil {
		return commandError(ctx, err)
	}
	return c.Answer("merlon/backup-run/v1", "point", made, func(out io.Writer) error {
		if made.Skipped {
			_, err := fmt.Fprintf(out, "nothing changed: point %d of %s is what the site is\n", made.Seq, made.Instant.Format(time.RFC3339))
			return err
		}
		kept := "kept until " + made.Until.Format(time.DateOnly)
		if made.Locked {
			kept = "locked until " + made.Until.Format(time.DateOnly)
		}
		fmt.Fprintf(out, "point %d   %s   %s   encrypted   %s   %s   %.1f s\n", made.Seq, made.Instant.Format(time.RFC3339), megabytes(made.Size), proven(made.Depth), kept, made.Took.Seconds())
		for _, note := range made.Notes {
			fmt.Fprintf(out, "WARN    %s\n", note)
		}
		_, err := fmt.Fprintf(out, "receipt   %s\n", made.Receipt)
		return err
	})
}

func proven(d Depth) string {
	switch d {
	case Read:
		return "read back and verified"
	case Booted:
		return "restored and started in a drill"
	case Stored:
		return "stored, hash confirmed by the store"
	}
	return "not proven"
}

// commandError gives an error of a run its exit code. When somebody ended the command it is that, whatever was under way.
func commandError(ctx context.Context, err error) error {
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, ErrNotSetUp), errors.Is(err, ErrBusy), errors.Is(err, ErrServer), errors.Is(err, ErrUnreachable), errors.Is(err, ErrNoRoom), errors.Is(err, ErrNotFound), errors.Is(err, ErrDenied), errors.Is(err, ErrFull):
		return merlon.Cannot("%v", err)
	case errors.Is(err, ErrForked):
		return merlon.Refuse("%v", err)
	}
	return err
}

// openSetUp opens the chain of a data folder's settings.
func (p *part) openSetUp(ctx context.Context, data string) (*Store, *Receipt, error) {
	setup, err := ReadSetup(data)
	if err != nil {
		return nil, nil, commandError(ctx, err)
	}
	s, err := homeOf(data).readState()
	if err != nil {
		return nil, nil, err
	}
	t, err := OpenTarget(ctx, setup.Target, setup.Options, p.cfg.Schemes)
	if err != nil {
		return nil, nil, commandError(ctx, err)
	}
	return &Store{target: t, site: setup.Site, root: setup.T}, s.newest(), nil
}

// A listed point is one line of `backup list`.
type listed struct {
	Seq     int64     `json:"seq"`
	Instant time.Time `json:"instant"`
	Class   Class     `json:"class"`
	Size    int64     `json:"size"`
	Until   time.Time `json:"kept_until"`
	Depth   Depth     `json:"proven"`
	Label   string    `json:"label,omitempty"`
	Left    bool      `json:"abandoned,omitempty"`
	Damaged bool      `json:"damaged,omitempty"` // what lies there was read, and restores nothing
	Base    string    `json:"base,omitempty"`    // the point that holds the uploads of before
}

// list is `backup list`. A chain with faults is listed as far as it is proven, and the command fails.
func (p *part) list(ctx context.Context, c *merlon.Call) error {
	store, known, err := p.openSetUp(ctx, c.Apart.Data)
	if err != nil {
		return err
	}
	defer store.target.Close()
	points, faults := store.Chain(ctx, known)
	var all ChainErrors
	if faults != nil && !errors.As(faults, &all) {
		return commandError(ctx, faults)
	}
	s, err := homeOf(c.Apart.Data).readState()
	if err != nil {
		return err
	}
	lines := []listed{}
	for _, p := range slices.Backward(points) {
		lines = append(lines, listed{p.Seq, p.Instant, p.Class, p.Data.Size, p.Data.LockUntil, p.Depth, p.Label, p.Abandoned, s.knows(p.Seq), p.Base})
	}
	err = c.Answer("merlon/backup-list/v1", "points", lines, func(out io.Writer) error { return printPoints(out, lines, time.Now()) })
	return errors.Join(err, faults)
}

// printPoints is the list for people. Points of a branch that a restore left are no "latest" any more, so their line says it.
func printPoints(out io.Writer, lines []listed, now time.Time) error {
	if len(lines) == 0 {
		_, err := fmt.Fprintln(out, "no points yet: backup run makes one")
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "POINT\tMADE\tKIND\tSIZE\tKEPT UNTIL\tPROVEN\tLABEL")
	for _, l := range lines {
		if l.Left {
			l.Label = strings.TrimSpace("(left by a restore) " + l.Label)
		}
		if l.Damaged {
			l.Label = strings.TrimSpace("(damaged) " + l.Label)
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Seq, ago(l.Instant, now), map[Class]string{Hourly: "hourly", Daily: "daily", Weekly: "weekly", Monthly: "monthly"}[l.Class],
			megabytes(l.Size), l.Until.Format(time.DateOnly), l.Depth, l.Label)
	}
	return t.Flush()
}

// scrubbed is how many older points verify reads without --all.
const scrubbed = 5

// verify is `backup verify`.
func (p *part) verify(ctx context.Context, c *merlon.Call) error {
	if c.Flag("proof") != "" {
		return p.proof(ctx, c)
	}
	store, known, err := p.openSetUp(ctx, c.House.Data)
	if err != nil {
		return err
	}
	defer store.target.Close()
	points, faults := store.Chain(ctx, known)
	var all ChainErrors
	if faults != nil && !errors.As(faults, &all) {
		return commandError(ctx, faults)
	}
	read := slices.Clone(points)
	if n := len(read); c.Flag("all") == "" && n > scrubbed+1 {
		rand.Shuffle(n-1, func(i, j int) { read[i], read[j] = read[j], read[i] })
		read = read[n-1-scrubbed:]
	}
	compared := readings{points: read}
	if err := store.Scrub(ctx, read); err != nil {
		var more ChainErrors
		if !errors.As(err, &more) {
			return commandError(ctx, err)
		}
		all = append(all, more...)
		compared.fault(more)
	}
	if err := p.runner.noteRead(ctx, compared); err != nil { // what is found is told all the same
		c.House.Log.LogAttrs(ctx, slog.LevelWarn, "what was found of the points is not kept", slog.String("problem", err.Error()))
	}
	report := map[string]any{"points": len(points), "read": len(read), "faults": append(ChainErrors{}, all...), "receipt": ""}
	if n := len(points); n > 0 {
		report["receipt"] = points[n-1].Receipt().String()
	}
	err = c.Answer("merlon/backup-verify/v1", "chain", report, func(out io.Writer) error {
		word := "PASS"
		if len(all) > 0 {
			word = "FAIL"
		}
		fmt.Fprintf(out, "%s    %s, %d of them read and compared\n", word, count(len(points), "point"), len(read))
		if r := report["receipt"]; r != "" {
			fmt.Fprintf(out, "newest  %s\n", r)
		}
		return nil
	})
	if len(all) > 0 {
		e := event.New(RuleChain, event.Failed, slog.Int("faults", len(all)), slog.String("first", all[0].Error()))
		return errors.Join(err, p.tell(ctx, c.House, RuleChain, event.Failed, "", "", "", e.Detail...), all)
	}
	return err
}

// proof is `backup verify --proof CODE`.
func (p *part) proof(ctx context.Context, c *merlon.Call) error {
	unlock, err := p.runner.home.lock()
	if err != nil {
		return commandError(ctx, err)
	}
	defer unlock()
	if _, err := ReadSetup(c.House.Data); err != nil {
		return commandError(ctx, err)
	}
	s, err := p.runner.home.readState()
	if err != nil {
		return err
	}
	seq, tried := s.tryCode(c.Flag("proof"), c.House.Clock())
	if err := p.runner.home.write(stateFile, s); err != nil { // before the answer: a wrong try counts whatever happens
		return err
	}
	switch {
	case errors.Is(tried, ErrTries):
		return merlon.Refuse("%v", tried)
	case tried != nil:
		return errors.Join(tried, p.tell(ctx, c.House, RuleWrongCode, event.Failed, "", "", "", slog.Int("tries", len(s.Wrong))))
	}
	if err := p.tell(ctx, c.House, RuleProven, event.Done, "", "", "", slog.Int64("point", seq)); err != nil {
		return err
	}
	return c.Answer("merlon/backup-proof/v1", "proof", map[string]any{"point": seq, "at": s.Proven}, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "PASS    your recovery key opens point %d; the next proof is due in 90 days\n", seq)
		return err
	})
}

// Scrub reads points and compares them with what was signed. No key is needed. Points whose time is over and whose data is
// gone are passed over.
func (s *Store) Scrub(ctx context.Context, points []*Point) error {
	var all ChainErrors
	for _, p := range points {
		name := p.Folder() + "/" + p.Data.Name
		body, err := s.ciphertext(ctx, p)
		var fault *ChainError
		switch {
		case errors.As(err, &fault):
			if p.Data.LockUntil.After(time.Now()) {
				all = append(all, fault)
			}
			continue
		case err != nil:
			return err
		}
		sum, n, err := hashAll(body)
		err = errors.Join(err, body.Close())
		switch {
		case err != nil && (errors.Is(err, ErrDamaged) || errors.Is(err, syscall.EIO)): // cut short, or a disk that cannot read it
			all = append(all, s.fault(Altered, name, p.Seq, "it cannot be read whole: %v", err))
			continue
		case err != nil:
			return err
		}
		if n != p.Data.Size || hashText(sum) != p.Data.SHA256 {
			all = append(all, s.fault(Altered, name, p.Seq, "it is not the object whose hash was signed"))
		}
	}
	return all.err()
}
