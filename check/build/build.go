// Package build looks at how the site's program was built: by which Go, of which modules, with which settings. It compares
// them with an extract of the Go vulnerability database that is part of the program, so that no check calls anywhere.
//
// A module is found by its version alone: whether the program uses the part that has the hole, govulncheck can tell.
package build

import (
	"context"
	_ "embed"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/check/host"
)

//go:generate go run ./internal/gen golang.org/x/vulndb@v0.0.0-20261105234957-e22db6528018 vulns.tsv

// vulns has a line of comment, then for each hole and module: module, id, ranges.
//
//go:embed vulns.tsv
var vulns string

// oldList is the age from which [RuleStale] is found.
const oldList = 60 * 24 * time.Hour

// Known returns the day of the list of known holes.
func Known() time.Time {
	line, _, _ := strings.Cut(vulns, "\n")
	for word := range strings.FieldsSeq(line) {
		if day, err := time.Parse(time.DateOnly, strings.TrimSuffix(word, ",")); err == nil {
			return day
		}
	}
	return time.Time{}
}

// Info is what the checks judge.
type Info struct {
	Go    string           // "go1.26.8"
	Build *debug.BuildInfo // nil: the program does not have it
	Now   time.Time
}

type infoKey struct{}

// With returns a context under which the checks judge this instead of the program that runs. It is for tests.
func With(ctx context.Context, i Info) context.Context { return context.WithValue(ctx, infoKey{}, i) }

// Read returns what this program says of itself.
func Read() Info {
	i := Info{Go: runtime.Version(), Now: time.Now()}
	i.Build, _ = debug.ReadBuildInfo()
	return i
}

// of is what the context has, or what this program says of itself.
func of(ctx context.Context) Info {
	if i, given := ctx.Value(infoKey{}).(Info); given {
		return i
	}
	return Read()
}

// unseen says why a rule's check can find nothing, "" if it can.
func (i Info) unseen(id string) string {
	switch id {
	case RuleGo.ID:
		if !strings.HasPrefix(i.Go, "go") {
			return "the program was built with a development version of Go (" + i.Go + "), of which no list of holes tells"
		}
	case RuleStale.ID, RuleUnknown.ID:
	default:
		if i.Build == nil {
			return "the program has no build information"
		}
	}
	return ""
}

func (i Info) setting(key string) string {
	if i.Build != nil {
		for _, s := range i.Build.Settings {
			if s.Key == key {
				return s.Value
			}
		}
	}
	return ""
}

// Checks returns the room's checks.
func Checks() []check.Check {
	var all []check.Check
	add := func(r check.Rule, judge func(Info) []check.Finding) {
		all = append(all, check.Check{Rule: r, Deploy: true, Live: true, Run: func(ctx context.Context) []check.Finding { return judge(of(ctx)) },
			Unseen: func(ctx context.Context) string { return of(ctx).unseen(r.ID) }})
	}
	when := func(r check.Rule, judge func(Info) bool, where, what, do string) {
		add(r, func(i Info) []check.Finding {
			if !judge(i) {
				return nil
			}
			return []check.Finding{r.Finding(where, what, do)}
		})
	}
	add(RuleGo, judgeGo)
	add(RuleModule, judgeModules)
	add(RuleReplaced, judgeReplaced)
	when(RuleStale, func(i Info) bool { return i.Now.Sub(Known()) > oldList }, "", "the list is of "+Known().Format(time.DateOnly), "build with the newest Merlon, or run govulncheck")
	when(RuleModified, func(i Info) bool { return i.setting("vcs.modified") == "true" }, "", "there were changes that are not committed", "commit them and build again")
	when(RuleRace, func(i Info) bool { return i.setting("-race") == "true" }, "-race", "the race detector is in the program", "build it without -race")
	when(RuleUntrimmed, func(i Info) bool { return i.Build != nil && i.setting("-trimpath") != "true" }, "-trimpath", "the folders of the machine that built it stand in the program", "build it with -trimpath")
	when(RuleUnoptimised, func(i Info) bool { return strings.Contains(i.setting("-gcflags"), "-N") }, "-gcflags", "the compiler was told not to optimise", "build it without -N")
	when(RuleCgo, func(i Info) bool { return i.setting("CGO_ENABLED") == "1" }, "CGO_ENABLED", "the program was built with cgo", "build it with CGO_ENABLED=0")
	add(RuleWeak, func(i Info) []check.Finding {
		weak := host.Weak(i.setting("DefaultGODEBUG"))
		if len(weak) == 0 {
			return nil
		}
		return []check.Finding{RuleWeak.Finding("DefaultGODEBUG", "the program was built with "+strings.Join(weak, ", "), "take out the //go:debug lines, or set the go line of go.mod to this year's release")}
	})
	when(RuleUnknown, func(i Info) bool { return i.Build == nil }, "", "the program has no build information", "build it by go build, in module mode")
	return all
}

func judgeGo(i Info) []check.Finding {
	version, ok := strings.CutPrefix(i.Go, "go")
	if !ok { // a development version of Go
		return nil
	}
	version, _, _ = strings.Cut(version, " ") // go1.26.8 X:nodwarf5
	holes := holesOf("stdlib", version)
	if len(holes) == 0 {
		return nil
	}
	return []check.Finding{RuleGo.Finding(i.Go, told(holes), "build the site with Go "+mended(holes, version)+" or newer")}
}

func judgeModules(i Info) (found []check.Finding) {
	if i.Build == nil {
		return nil
	}
	for _, m := range i.Build.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		holes := holesOf(m.Path, strings.TrimPrefix(m.Version, "v"))
		if len(holes) == 0 {
			continue
		}
		do := "no version is mended: see https://pkg.go.dev/vuln/" + holes[0].id + " whether the site uses the part, and replace the module"
		if to := mended(holes, strings.TrimPrefix(m.Version, "v")); to != "" {
			do = fmt.Sprintf("run: go get %s@v%s, and build anew", m.Path, to)
		}
		found = append(found, RuleModule.Finding(m.Path+" "+m.Version, told(holes), do))
	}
	return found
}

func judgeReplaced(i Info) (found []check.Finding) {
	if i.Build == nil {
		return nil
	}
	for _, m := range i.Build.Deps {
		if m.Replace != nil && m.Replace.Version == "" {
			found = append(found, RuleReplaced.Finding(m.Path, "it is replaced by the folder "+m.Replace.Path, "require a released version"))
		}
	}
	return found
}

func told(holes []hole) string {
	ids := make([]string, 0, 5)
	for i, h := range holes {
		if i == 4 && len(holes) > 5 {
			ids = append(ids, fmt.Sprintf("and %d more", len(holes)-4))
			break
		}
		ids = append(ids, h.id)
	}
	return "it has known holes: " + strings.Join(ids, ", ")
}
