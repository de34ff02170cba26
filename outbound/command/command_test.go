//go:build unix

package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/place"
	"github.com/merlon-web/merlon/outbound/command"
)

var (
	printer   = command.New("printf", "%s\\n", "--")
	strict    = command.New("printf", "%s\\n")
	variables = command.New("env")
	named     = command.New("printf", "%s", "--").Under("env").Env("LANG", "C")
	copier    = command.New("cat").Limits(time.Minute, 1000)
	sleeper   = command.New("sleep").Limits(100*time.Millisecond, 10)
	lister    = command.New("ls", "--")
	pwd       = command.New("pwd")
)

func refused(t *testing.T, err error, rule check.Rule) {
	t.Helper()
	if found, ok := errors.AsType[check.Finding](err); !ok || found.ID != rule.ID {
		t.Errorf("not refused by %s: %v", rule.ID, err)
	}
}

func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/arguments.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		ID, Program string
		Input       []string
		Expect      struct {
			Argv        []string
			Env         []string
			Refused     bool
			Alternative string
		}
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) < 9 {
		t.Fatal(err, len(cases))
	}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			if c.Program == "env" {
				t.Setenv("LD_PRELOAD_TEST", "x")
				out, err := variables.Run(t.Context(), nil)
				if err != nil || len(out.Out) > 0 {
					t.Errorf("the environment is %q, %v", out.Out, err)
				}
				return
			}
			out, err := printer.Run(t.Context(), nil, c.Input...)
			if c.Expect.Refused {
				refused(t, err, command.RuleArgument)
				return
			}
			// printf repeats its format for each argument, the dashes too: what it prints is what it was given.
			if want := strings.Join(c.Expect.Argv[2:], "\n") + "\n"; err != nil || string(out.Out) != want {
				t.Errorf("printed %q, %v, want %q", out.Out, err, want)
			}
			if c.Expect.Alternative == "refused" {
				_, err := strict.Run(t.Context(), nil, c.Input...)
				refused(t, err, command.RuleArgument)
			}
		})
	}
}

func TestWhatARunSees(t *testing.T) {
	t.Setenv("SECRET", "canary")
	if out, err := pwd.Run(t.Context(), nil); err != nil || string(out.Out) != "/\n" {
		t.Errorf("the folder is %q, %v", out.Out, err)
	}
	if out, err := named.Run(t.Context(), nil, "-x"); err != nil || string(out.Out) != "---x" {
		t.Errorf("%q, %v", out.Out, err)
	}
	if out, err := variables.Env("A", "b").Run(t.Context(), nil); err != nil || string(out.Out) != "A=b\n" {
		t.Errorf("%q, %v", out.Out, err)
	}
	if out, err := copier.Run(t.Context(), strings.NewReader("; id\n$(id)")); err != nil || string(out.Out) != "; id\n$(id)" {
		t.Errorf("%q, %v", out.Out, err)
	}
}

// What takes no data, with what data would do there.
var dataless = map[string]*command.Command{
	"runs what an argument names":      command.New("env"),
	"behind a value":                   command.New("nice", "-n", "10"),
	"behind an operand":                command.New("timeout", "5"),
	"behind a file":                    command.New("flock", "/tmp/merlon-test-lock"),
	"behind a dash dash":               command.New("timeout", "5", "--"),
	"a program of the launcher's":      command.New("timeout", "5", "touch"),
	"a user":                           command.New("su", "root", "-c"),
	"a remote shell":                   command.New("ssh", "host.invalid", "ls", "--"),
	"SQL":                              command.New("psql", "-c"),
	"a line of make":                   command.New("make", "-f", "/dev/null"),
	"an interpreter":                   command.New("python3"),
	"a version":                        command.New("python3.11"),
	"a version with no dot":            command.New("/usr/bin/perl5.36"),
	"an option of an interpreter":      command.New("python3", "-u"),
	"an option that takes the program": command.New("python3", "-c"),
	"no program yet":                   command.New("sed", "-n"),
}

func TestTakesNoData(t *testing.T) {
	for name, c := range dataless {
		t.Run(name, func(t *testing.T) {
			marker := filepath.Join(t.TempDir(), "ran")
			_, err := c.Run(t.Context(), nil, "touch", marker)
			refused(t, err, command.RuleShell)
			if _, err := os.Stat(marker); err == nil {
				t.Error("it was run all the same")
			}
		})
	}
}

// Interpreters whose program is declared, and programs under launchers, take data.
func TestTakesData(t *testing.T) {
	for want, c := range map[string]*command.Command{
		"a:b-c":       command.New("awk", `BEGIN { print ARGV[1] }`),
		"":            command.New("sed", "-n", "-e", "p", "--"), // there is no such file
		"nice a:b-c":  command.New("printf", "nice %s").Under("nice", "-n", "10"),
		"limit a:b-c": command.New("printf", "limit %s").Under("/usr/bin/timeout", "60"),
	} {
		out, err := c.Run(t.Context(), strings.NewReader(""), "a:b-c")
		if _, failed := errors.AsType[*command.ExitError](err); failed != (want == "") || err != nil && !failed || strings.TrimSpace(string(out.Out)) != want {
			t.Errorf("%q, %v, want %q", out.Out, err, want)
		}
	}
}

// The input of an interpreter without a program would be one; behind a program it is data.
func TestInputIsNoProgram(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "ran")
	for _, name := range []string{"an interpreter", "a version with no dot", "an option of an interpreter", "an option that takes the program"} {
		_, err := dataless[name].Run(t.Context(), strings.NewReader(`open("`+marker+`", "w")`))
		refused(t, err, command.RuleShell)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("it was run all the same")
	}
	if out, err := reads.Run(t.Context(), strings.NewReader("a:b\n")); err != nil || string(out.Out) != "b\n" {
		t.Errorf("%q, %v", out.Out, err)
	}
}

// reads has its program behind the value of an option, and told as one.
var reads = command.New("awk", "-F", ":", "--", "{ print $2 }")

func TestFailure(t *testing.T) {
	out, err := lister.Run(t.Context(), nil, "/does/not/exist-canary")
	failed, ok := errors.AsType[*command.ExitError](err)
	if !ok || failed.Code == 0 || !bytes.Contains(out.Messages, []byte("canary")) || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v, %q", err, out.Messages)
	}
}

func TestLimits(t *testing.T) {
	if _, err := sleeper.Run(t.Context(), nil, "600"); !errors.Is(err, command.ErrTime) {
		t.Errorf("a slow one: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sleeper.Run(ctx, nil, "600"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled one: %v", err)
	}
	out, err := copier.Run(t.Context(), bytes.NewReader(make([]byte, 1<<20)))
	if !errors.Is(err, command.ErrOutput) || len(out.Out) != 1000 {
		t.Errorf("a talkative one: %v, %d bytes", err, len(out.Out))
	}
}

// A killed command leaves no child behind: timeout starts one.
var nest = command.New("sleep", "--").Under("timeout", "600").Limits(200*time.Millisecond, 10)

func TestChildrenEndToo(t *testing.T) {
	seconds := "601." + strconv.Itoa(os.Getpid())
	if _, err := nest.Run(t.Context(), nil, seconds); !errors.Is(err, command.ErrTime) {
		t.Fatal(err)
	}
	for range 3000 {
		if len(running(t, seconds)) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, pid := range running(t, seconds) {
		t.Errorf("process %d goes on", pid)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func running(t *testing.T, argument string) (pids []int) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(lines) == 0 {
		t.Skip("no /proc")
	}
	for _, name := range lines {
		line, _ := os.ReadFile(name)
		if slices.Contains(strings.Split(string(line), "\x00"), argument) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestDeclarations(t *testing.T) {
	for name, declare := range map[string]func(){
		"shell":                           func() { command.New("sh", "-c", "ls") },
		"shell by path":                   func() { command.New("/bin/bash") },
		"batch file":                      func() { command.New("convert.BAT") },
		"relative":                        func() { command.New("tools/convert") },
		"none":                            func() { command.New("") },
		"NUL":                             func() { command.New("ls", "a\x00b") },
		"under a shell":                   func() { command.New("ls").Under("bash") },
		"under ssh":                       func() { command.New("ls").Under("ssh", "host.invalid") },
		"under python":                    func() { command.New("ls").Under("python3", "-c") },
		"the value of an option":          func() { command.New("awk", "-F", ":") },
		"the value of another option":     func() { command.New("python3", "-W", "ignore") },
		"a program, or an option's value": func() { command.New("python3", "-u", "x.py") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, "MRL-CMD-00") || !strings.Contains(said, "command_test.go:") {
					t.Errorf("the panic says %q", said)
				}
			}()
			declare()
		})
	}
	if _, err := command.New("no-such-program-here").Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "/usr/bin") {
		t.Errorf("a program that is not there: %v", err)
	}
}

// In a process of its own: what is sealed stays sealed.
func TestSealed(t *testing.T) {
	if os.Getenv("MERLON_TEST_SEALED") == "" {
		run := exec.Command(os.Args[0], "-test.run=^TestSealed$", "-test.v")
		run.Env = append(os.Environ(), "MERLON_TEST_SEALED=1")
		if out, err := run.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestSealed")) {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	place.Seal()
	defer func() {
		if said, _ := recover().(string); !strings.Contains(said, command.RuleSealed.ID) {
			t.Errorf("the panic says %q", said)
		}
	}()
	command.New("ls")
}

func TestRules(t *testing.T) {
	for _, r := range command.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
	}
}
