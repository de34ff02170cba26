package commands_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/sqlite"
)

// A command that runs apart and is there for folders without data works in one, beside a process that has it, and opens the site on another folder.
func TestApart(t *testing.T) {
	open := func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "club", Engine: sqlite.Engine("club.db"), Parts: []merlon.Part{
			{Name: "test", Commands: []merlon.Command{{Name: "look", Apart: true, Anew: true, Hidden: true, Short: "look", Run: look}}}}})
	}
	dir := filepath.Join(t.TempDir(), "data")
	run := func(want int, args ...string) string {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := cli.Run(context.Background(), open, append(args, "--data", dir), &out, &errOut); code != want {
			t.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, &out, &errOut)
		}
		return out.String()
	}
	if got := run(0, "look"); got != dir+" club false club\n" {
		t.Errorf("without data: %q", got)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder was made: %v", err)
	}
	held, err := open(merlon.Env{Data: dir, Mode: merlon.Test})
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer held.Close(context.Background())
	if got := run(0, "look"); !strings.HasPrefix(got, dir) {
		t.Errorf("beside a process that has the data: %q", got)
	}
	if strings.Contains(run(0, "--help"), "look") {
		t.Error("a hidden command is in the help")
	}
}

// look tells what a command that runs apart knows.
func look(ctx context.Context, c *merlon.Call) error {
	other, err := c.Apart.Open(c.Apart.Data+".other", merlon.Drill)
	if err != nil {
		return err
	}
	if err := other.Start(ctx); err != nil {
		return err
	}
	defer other.Close(ctx)
	_, err = c.Out.Write([]byte(c.Apart.Data + " " + c.Apart.Site.Name() + " " + map[bool]string{true: "true", false: "false"}[c.House != nil] + " " + other.House().Name + "\n"))
	return err
}
