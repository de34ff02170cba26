// Command gen writes the extract of the Go vulnerability database that is embedded in every site: one line a hole and
// module, with the ranges of versions that have it. It reads one named version of the module golang.org/x/vulndb, which the
// go command fetches and verifies.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// report is what is read of a file of the database (OSV, schema 1.3.1).
type report struct {
	ID        string
	Withdrawn time.Time
	Affected  []struct {
		Package struct{ Name string }
		Ranges  []struct {
			Type   string
			Events []struct{ Introduced, Fixed string }
		}
	}
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(module, out string) error {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	b, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", module, err)
	}
	var got struct{ Dir, Version string }
	if err := json.Unmarshal(b, &got); err != nil {
		return err
	}
	parts := strings.Split(got.Version, "-") // v0.0.0-20261105234957-e22db6528018
	date, err := time.Parse("20060102150405", parts[len(parts)-2])
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(got.Dir, "data", "osv", "*.json"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("%s has no reports: %v", got.Dir, err)
	}
	lines := []string{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var r report
		if err := json.Unmarshal(b, &r); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if r.Withdrawn.IsZero() {
			lines = append(lines, r.lines()...)
		}
	}
	slices.Sort(lines)
	head := "# golang.org/x/vulndb " + got.Version + " " + date.Format(time.DateOnly) + ", CC-BY 4.0, https://vuln.go.dev. Written by go generate.\n"
	return os.WriteFile(out, []byte(head+strings.Join(slices.Compact(lines), "\n")+"\n"), 0o644)
}

// lines has one for each module: its name, the hole, and from-to ranges; "0-" is every version, "1.2.0-1.2.3" those from the
// first that are before the second.
func (r report) lines() (all []string) {
	for _, a := range r.Affected {
		var ranges []string
		for _, rg := range a.Ranges {
			from := ""
			for _, e := range rg.Events {
				switch {
				case e.Introduced != "":
					from = e.Introduced
				case e.Fixed != "" && from != "":
					ranges = append(ranges, from+" "+e.Fixed)
					from = ""
				}
			}
			if from != "" {
				ranges = append(ranges, from+" ")
			}
		}
		if len(ranges) > 0 {
			all = append(all, a.Package.Name+"\t"+r.ID+"\t"+strings.Join(ranges, ","))
		}
	}
	return all
}
