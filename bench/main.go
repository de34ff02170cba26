// Bench measures Merlon against what a site would otherwise be made of, in one run and in turns, and prints the ratios
// beside the numbers that they are to hold.
//
// It measures and does not judge: its exit code tells only whether both sides showed the same page. What its ratios do
// not show is in its README.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	if name := os.Getenv(serveVariable); name != "" {
		fmt.Fprintln(os.Stderr, "bench:", child(name))
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(progress)
	var (
		asJSON = flags.Bool("json", false, "print one JSON object instead of the table")
		only   = flags.String("only", "", "measure only these rows, names separated by commas; name/ takes all that begin so")
		count  = flags.Int("rounds", 7, "rounds a row: a turn of each side")
		turn   = flags.Duration("turn", time.Second, "length of a turn")
		list   = flags.Bool("list", false, "print the names of the rows and what they hold")
		into   = flags.String("profile", "", "write each row's profiles into this folder; they slow the row down")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *count < 1 || *turn <= 0 {
		return fmt.Errorf("bench [-json] [-only names] [-rounds n] [-turn length] [-list] [-profile folder]")
	}
	chosen, err := choose(rows(), *only)
	if err != nil {
		return err
	}
	if *list {
		for _, r := range chosen {
			fmt.Fprintf(out, "%-16s %s\n", r.name, r.holds())
		}
		return nil
	}
	dir, err := os.MkdirTemp("", "merlon-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := newBench(ctx, dir, *count, *turn)
	if b.profiles, err = profileFolder(*into); err != nil {
		return err
	}

	var done []measured
	var failed []error
	for _, r := range chosen {
		fmt.Fprintf(progress, "%s …\n", r.name)
		o, err := b.measure(ctx, r)
		var skip skipped
		switch {
		case errors.As(err, &skip):
			fmt.Fprintf(progress, "%s: skipped: %s\n", r.name, skip)
			continue
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil: // the other rows are worth having
			fmt.Fprintf(progress, "%s: %v\n", r.name, err)
			failed = append(failed, fmt.Errorf("%s: %w", r.name, err))
			continue
		}
		done = append(done, measured{r, o})
	}
	if *asJSON {
		err = printJSON(out, done)
		for _, m := range done {
			fmt.Fprintf(progress, "%s: %s\n", m.name, m.details())
		}
	} else {
		err = printTable(out, done)
	}
	return errors.Join(append(failed, err)...)
}

// choose returns the rows that are asked for, in their own order.
func choose(all []row, only string) ([]row, error) {
	if only == "" {
		return all, nil
	}
	wanted := strings.Split(only, ",")
	used := make([]bool, len(wanted))
	chosen := slices.DeleteFunc(slices.Clone(all), func(r row) bool {
		i := slices.IndexFunc(wanted, func(w string) bool {
			return w == r.name || strings.HasSuffix(w, "/") && strings.HasPrefix(r.name, w)
		})
		if i >= 0 {
			used[i] = true
		}
		return i < 0
	})
	for i, ok := range used {
		if !ok {
			return nil, fmt.Errorf("no row is called %q; -list prints the names", wanted[i])
		}
	}
	return chosen, nil
}

// measured is a row that was run.
type measured struct {
	row
	outcome
}

func (r row) holds() string {
	sign := "≥"
	if r.most {
		sign = "≤"
	}
	if r.unit != "" {
		return fmt.Sprintf("%s %s %s", sign, number(r.hold), r.unit)
	}
	return fmt.Sprintf("%s %s× %s", sign, number(r.hold), r.against)
}

func (m measured) details() string {
	var parts []string
	if m.note != "" {
		parts = append(parts, m.note)
	}
	for _, c := range m.also {
		word := "held"
		if !c.met {
			word = "MISSED"
		}
		parts = append(parts, c.text+" "+word)
	}
	return strings.Join(parts, "; ")
}

func printTable(out io.Writer, done []measured) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cores, %s/%s\n\n", runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(&b, "%-17s %8s %8s %8s  %-26s %s\n", "row", "min", "median", "max", "hold", "")
	for _, m := range done {
		verdict := "held"
		if !m.met(m.outcome) {
			verdict = "MISSED"
		}
		fmt.Fprintf(&b, "%-17s %8s %8s %8s  %-26s %s\n", m.name, number(m.low), number(m.median), number(m.high), m.holds(), verdict)
		if d := m.details(); d != "" {
			fmt.Fprintf(&b, "    %s\n", d)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func printJSON(out io.Writer, done []measured) error {
	type line struct {
		Name    string  `json:"name"`
		Against string  `json:"against"`
		Ratio   float64 `json:"ratio"`
		Low     float64 `json:"low"`
		High    float64 `json:"high"`
		Hold    float64 `json:"hold"`
		Met     bool    `json:"met"`
	}
	lines := make([]line, 0, len(done))
	for _, m := range done {
		lines = append(lines, line{m.name, m.against, round(m.median), round(m.low), round(m.high), m.hold, m.met(m.outcome)})
	}
	return json.NewEncoder(out).Encode(struct {
		Rows []line `json:"rows"`
	}{lines})
}

// round keeps four significant digits: more would be noise.
func round(x float64) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(x))))
	return math.Round(x*scale) / scale
}

// number writes a figure with as many digits as it deserves.
func number(x float64) string {
	switch size := math.Abs(x); {
	case size >= 100:
		return fmt.Sprintf("%.0f", x)
	case size >= 10:
		return fmt.Sprintf("%.1f", x)
	case size >= 0.1 || size == 0:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.4f", x)
}
