package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/merlon-web/merlon/check"
)

// maxAge is the age from which [RuleAge] is found.
const maxAge = 365 * 24 * time.Hour

// Checks returns the room's checks of a ring: its file's rights and folder, whether git has it, whether it is still the
// one in use, and the age of its newest key. clock is the site's.
func (r *Ring) Checks(clock func() time.Time) []check.Check {
	file := func(run func() []check.Finding) func(context.Context) []check.Finding {
		return func(context.Context) []check.Finding {
			if r.path == "" {
				return nil
			}
			return run()
		}
	}
	return []check.Check{
		{Rule: RuleMode, Run: file(func() []check.Finding { return r.readAgain(RuleMode) })},
		{Rule: RuleMalformed, Run: file(func() []check.Finding { return r.readAgain(RuleMalformed) })},
		{Rule: RuleNotPlain, Run: file(func() []check.Finding { return r.readAgain(RuleNotPlain) })},
		{Rule: RuleChanged, Run: file(func() []check.Finding { return r.readAgain(RuleChanged) })},
		{Rule: RuleTracked, Run: file(r.tracked)},
		{Rule: RuleFolder, Run: file(r.folder)},
		{Rule: RuleAge, Run: func(context.Context) []check.Finding {
			if age := r.Age(clock()); age > maxAge {
				return []check.Finding{RuleAge.Finding(r.path, fmt.Sprintf("the newest key is %d days old", int(age.Hours()/24)), "rotate the keys")}
			}
			return nil
		}},
		{Rule: RuleMemory, Run: func(context.Context) []check.Finding {
			if r.path != "" {
				return nil
			}
			return []check.Finding{RuleMemory.Finding("", "the keys lie in no file", "open the site's key file")}
		}},
	}
}

// readAgain reads the file as [Open] does and returns the finding if it is of the rule that was asked for.
func (r *Ring) readAgain(rule check.Rule) []check.Finding {
	again, err := Open(r.path)
	var found check.Finding
	switch {
	case errors.As(err, &found):
	case err != nil:
		found = RuleChanged.Finding(r.path, "the key file cannot be read: "+err.Error(), "put it back from the backup before the site stops")
	case !again.Same(r):
		found = RuleChanged.Finding(r.path, "the key file holds other keys than the running site", "restart the site if the file was rotated elsewhere; else put it back from the backup")
	}
	if found.ID != rule.ID {
		return nil
	}
	return []check.Finding{found}
}

// folder finds a folder that others may write in. A sticky folder such as /tmp keeps others from exchanging the file.
func (r *Ring) folder() []check.Finding {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir := filepath.Dir(r.path)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o022 == 0 || info.Mode()&os.ModeSticky != 0 {
		return nil
	}
	return []check.Finding{RuleFolder.Finding(dir, fmt.Sprintf("others may write in the folder of the key file (mode %04o)", info.Mode().Perm()), "run: chmod go-w "+dir)}
}

// tracked looks for the file's name in the index of the git repository around it. An index holds each path in full,
// closed by NUL (versions 2 and 3; version 4 shares beginnings and may hide it).
func (r *Ring) tracked() []check.Finding {
	path, err := filepath.Abs(r.path)
	if err != nil {
		return nil
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if f, err := os.Open(filepath.Join(dir, ".git", "index")); err == nil {
			defer f.Close()
			index, err := io.ReadAll(io.LimitReader(f, 64<<20))
			if err != nil {
				return nil
			}
			name, err := filepath.Rel(dir, path)
			if err != nil || !holdsPath(index, filepath.ToSlash(name)) {
				return nil
			}
			return []check.Finding{RuleTracked.Finding(path, "git tracks the key file", "run: git rm --cached "+name+", ignore it, and rotate the keys")}
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// holdsPath looks for an entry: two bytes of flags and length (two more in version 3), the whole path, NUL.
func holdsPath(index []byte, name string) bool {
	entry := append([]byte(name), 0)
	for at := 0; ; {
		i := bytes.Index(index[at:], entry)
		if i < 0 {
			return false
		}
		i += at
		length := func(flags int) int { return int(index[flags]&0x0f)<<8 | int(index[flags+1]) }
		if len(name) < 0xfff && (i >= 2 && length(i-2) == len(name) || i >= 4 && index[i-4]&0x40 != 0 && length(i-4) == len(name)) {
			return true
		}
		at = i + 1
	}
}
