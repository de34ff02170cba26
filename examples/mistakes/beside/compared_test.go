package beside_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// stages are the columns of the count, in their order.
var stages = []string{"not spelled", "compile", "start", "check", "test", "run", notStopped, none}

const (
	begin = "<!-- made by go test ./examples/mistakes/beside -update -->\n"
	end   = "<!-- end -->\n"
)

// TestCompared: docs/compared.md and the count in the README are made of what was measured.
func TestCompared(t *testing.T) {
	root, table, g := need.Root(t), readTable(t), readGolden(t)
	hold(t, filepath.Join(root, "docs", "compared.md"), page(table, g))
	readme := filepath.Join(root, "README.md")
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("README.md has no place for the count, between %q and %q", begin, end)
	}
	hold(t, readme, before+begin+count(table, g)+end+after)
}

// hold compares a file with what it should be, or writes it.
func hold(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what was measured (%v): run go test ./examples/mistakes/beside -update", name, err)
	}
}

// merlonStage is the column of a mistake of Merlon's: of several stages the last, where its last part is stopped.
func merlonStage(m mistake) string {
	switch {
	case m.Waits != "":
		return none
	case len(m.Stages) == 0:
		return stages[0]
	}
	return slices.MaxFunc(m.Stages, func(a, b string) int { return slices.Index(stages, a) - slices.Index(stages, b) })
}

// count is the table of how many mistakes each stops where.
func count(table []mistake, g golden) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| of %d mistakes | cannot be spelled | stopped at compile | start | check | test | run | **stopped** | not stopped | no such part |\n|%s\n", len(table), strings.Repeat("---|", 10))
	row := func(name string, stage func(mistake) string) {
		counts := make(map[string]int)
		held := 0
		for _, m := range table {
			s := stage(m)
			counts[s]++
			if s != notStopped && s != none {
				held++
			}
		}
		fmt.Fprintf(&b, "| %s |", name)
		for _, s := range stages {
			if s == notStopped {
				fmt.Fprintf(&b, " **%d** |", held)
			}
			fmt.Fprintf(&b, " %d |", counts[s])
		}
		b.WriteString("\n")
	}
	row("Merlon", merlonStage)
	name, _, _ := strings.Cut(g.Django.Version, " on ")
	row(name, func(m mistake) string { return g.Django.Mistakes[m.ID].Stopped })
	row("the usual Go kit", func(m mistake) string { return g.Kit.Mistakes[m.ID].Stopped })
	return b.String()
}

// page is docs/compared.md.
func page(table []mistake, g golden) string {
	var b strings.Builder
	fmt.Fprintf(&b, pageHead, g.Django.Version, g.Kit.Version, count(table, g))
	for _, m := range table {
		merlon := strings.Join(m.Stages, ", ")
		switch {
		case m.Waits != "":
			merlon = none
		case merlon == "":
			merlon = "cannot be spelled"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", m.ID, m.Mistake, merlon, g.Django.Mistakes[m.ID].Stopped, g.Kit.Mistakes[m.ID].Stopped)
	}
	b.WriteString(pageSeen)
	for _, m := range table {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.ID, cell(g.Django.Mistakes[m.ID].Words), cell(g.Kit.Mistakes[m.ID].Words))
	}
	return b.String()
}

// cell is a text in a table of Markdown, as it stands.
func cell(words string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "__", `\_\_`).Replace(words)
}

const pageHead = `# The classic mistakes, beside others

What stops the classic mistakes of a website, each made for real and attacked: with Merlon by ` + "`go test -v ./examples/mistakes`" + `, with two others by ` + "`go test -v ./examples/mistakes/beside`" + `.
This page is made of what those runs saw, and a test holds it.

- **Django**: Debian's %s, as ` + "`startproject`" + ` makes a project, with the deployment checklist of its documentation followed until ` + "`check --deploy`" + ` has nothing to say; asked over https by its own test client.
- **The usual Go kit**: %s. Sessions, tokens and headers as the READMEs show them, unrolled/secure with its Content-Security-Policy; asked over TLS.

How it was measured:

- Each mistake is written as a developer of that framework writes it, with what its documentation shows for the task: to sort, Django's ` + "`order_by`" + `; for a file, ` + "`FileResponse(open(…))`" + `. Then it is attacked, and what came of it is looked at: rows of others, a second command, a script in the page, a session that still works. Where a framework has a nearest safe way beside the one that was taken, the words below name it.
- ` + "`start`" + `: the site does not start. ` + "`check`" + `: ` + "`check --deploy`" + ` names it (Django's warns and exits with 0 unless it is called with ` + "`--fail-level WARNING`" + `; Merlon does not serve in production then). ` + "`run`" + `: the attempt is refused, harmless, or the page fails.
- A line that names several things is stopped when all of them are, and counts where the last one is.
- ` + "`no such part`" + `: the framework has nothing that could make or stop the mistake, or leaves it to others. That counts neither for nor against it.
- Merlon's cells are those of ` + "[mistakes.json](../examples/mistakes/testdata/mistakes.json)" + `: its test compiles, starts, checks or attacks a small program for each, or names the tests that prove the line. What ` + "`cannot be spelled`" + ` has no program that makes it.
- Nothing of Django or the kit is stopped when it is compiled: Python is not, and the kit's programs are one package that the compiler and ` + "`go vet`" + ` let pass. Neither has a tool of its own that attacks a site as ` + "`test`" + ` does; what scanners find is in [attack.md](attack.md).
- Where the kit's ` + "`run`" + ` is the policy of unrolled/secure, a kit without that module, or with another policy, does not stop the mistake.
- The list was written by the makers of Merlon, who guard what they had thought of. What another framework stops and nobody here thought of is not on it.
- Later versions of Django have more that can be switched on, such as a middleware that demands a sign-in (5.1) or a Content-Security-Policy (6.0). What was not run is not counted.

%s
## Line by line

| | the mistake | Merlon | Django | Go kit |
|---|---|---|---|---|
`

const pageSeen = `
## What was seen

| | Django | Go kit |
|---|---|---|
`
