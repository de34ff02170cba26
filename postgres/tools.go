package postgres

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A tool is a program of PostgreSQL that this one starts: pg_dump, pg_restore.
type tool struct {
	path  string
	major int
}

// toolFolders are where systems put PostgreSQL's programs: Debian, Red Hat, the source's own, others. The path of this process
// is not looked at: whoever can set it would choose a program that is handed the database.
var toolFolders = []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin", "/opt/homebrew/opt/*/bin", `C:\Program Files\PostgreSQL\*\bin`}

// findTool returns the program for a server: one of its own version, or of the next later one that is here. An earlier one does
// not know all that the server has.
func (e *engine) findTool(ctx context.Context, name string, server int) (tool, error) {
	folders := toolFolders
	if e.config.Tools != "" {
		folders = []string{e.config.Tools}
	}
	suffix := ""
	if runtime.GOOS == "windows" {
		suffix = ".exe"
	}
	var best, old tool
	for _, folder := range folders {
		found, _ := filepath.Glob(filepath.Join(folder, name+suffix)) // the patterns are well formed
		for _, path := range found {
			t := tool{path, versionOf(ctx, path)}
			switch {
			case t.major < server:
				if t.major > old.major {
					old = t
				}
			case best.path == "" || t.major < best.major:
				best = t
			}
		}
	}
	switch {
	case best.path != "":
		return best, nil
	case old.path != "":
		return tool{}, fmt.Errorf("postgres: %s is of version %d, and the server of %d: an older one does not know all that the server has; install the client programs of version %d", old.path, old.major, server, server)
	}
	return tool{}, fmt.Errorf("postgres: there is no %s on this machine: install the client programs of PostgreSQL %d (Debian: postgresql-client-%d)", name, server, server)
}

// versionOf asks a program for its version, 0 if it does not tell: "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
func versionOf(ctx context.Context, path string) int {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Env, cmd.WaitDelay = []string{"LC_ALL=C"}, time.Second
	out, err := cmd.Output()
	if err != nil {
		return 0
	}
	_, version, _ := strings.Cut(string(out), ") ")
	return majorOf(version)
}

// command is the program as it is started for a database, to which the relay in a folder leads. It is told neither password nor
// address, and sees nothing of this process's environment.
func (t tool) command(ctx context.Context, sockets string, w *way, args ...string) (*exec.Cmd, *said) {
	cmd := exec.CommandContext(ctx, t.path, append([]string{"--no-password"}, args...)...)
	cmd.Env = []string{"LC_ALL=C", "PGHOST=" + sockets, "PGPORT=" + strconv.Itoa(relayPort), "PGUSER=" + w.owner.User, "PGDATABASE=" + w.owner.Database,
		"PGSSLMODE=disable", "PGGSSENCMODE=disable", "PGAPPNAME=merlon-backup", "PGPASSFILE=" + filepath.Join(sockets, "none"), "PGSERVICEFILE=" + filepath.Join(sockets, "none"), "HOME=" + sockets}
	if root := os.Getenv("SystemRoot"); root != "" {
		cmd.Env = append(cmd.Env, "SystemRoot="+root)
	}
	heard := &said{name: strings.TrimSuffix(filepath.Base(t.path), ".exe")}
	cmd.Dir, cmd.Stderr, cmd.WaitDelay = sockets, heard, 5*time.Second
	return cmd, heard
}

// said keeps the beginning of what a program complains of.
type said struct {
	name string
	b    []byte
}

// Write implements [io.Writer].
func (s *said) Write(p []byte) (int, error) {
	s.b = append(s.b, p[:min(len(p), 4000-len(s.b))]...)
	return len(p), nil
}

// why returns the program's first complaint. Details, and what stands behind a value that did not fit, hold rows: they are left
// out.
func (s *said) why() string {
	for line := range bytes.Lines(s.b) {
		text := strings.TrimSpace(string(line))
		rest, ok := strings.CutPrefix(text, s.name+": error: ")
		if !ok {
			continue
		}
		if before, _, quoted := strings.Cut(rest, "ERROR:  "); quoted && strings.Contains(before, "COPY") {
			rest = strings.TrimSuffix(before, ": ") + ", whose rows it does not take"
		}
		return rest
	}
	return "it does not say why"
}

// ended tells how a program ended that was waited for.
func (s *said) ended(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("postgres: %s was stopped: %w", s.name, context.Cause(ctx))
	}
	return fmt.Errorf("postgres: %s failed (%v): %s", s.name, err, s.why())
}
