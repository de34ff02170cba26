// Package host looks at what a site stands on: the process that serves it, the file of its program, the folder of its data,
// the machine's memory, disk and clock. Its checks concern a site in the world; one under development may lack all of it.
//
// What is read is what Linux tells of a process (/proc, getrlimit, statfs). A fact that cannot be read, there or on another
// system, is unknown, and what asks for it has not passed: it is unseen.
package host

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/merlon-web/merlon/check"
)

// Unknown is a number that could not be read, Unlimited a limit that there is not.
const (
	Unknown   = -1
	Unlimited = 1<<63 - 1
)

// Facts are what the checks judge: numbers are bytes where nothing else is said, and may be [Unknown].
type Facts struct {
	UID     int    // effective user of the process; 0 is root
	Umask   int    // of the process
	Caps    int64  // its effective capabilities, one bit each
	NoNew   int    // 1: neither it nor its children can gain rights by setuid programs; 0: they can
	Core    int64  // its largest core dump, or [Unlimited]
	Files   int64  // how many files and connections it may have open, or [Unlimited]
	Limit   int64  // its memory limit (GOMEMLIMIT), or [Unlimited]
	Memory  int64  // memory that there is: of its control group, else of the machine
	Ptrace  int    // 0: processes of the same user may read its memory (kernel.yama.ptrace_scope)
	Swap    string // a swap device or file that is not known to be encrypted or in memory; "": none
	NoSwaps bool   // what is swapped to could not be read
	Env     []string
	Program string // path of the program's file; "": not known
	Mode    int    // its permission bits
	Folder  int    // and those of its folder; the sticky bit counts as "others may not write"
	Data    Data
	Synced  int       // 1: a time server keeps the clock right; 0: none does
	Now     time.Time // the machine's clock
	Built   time.Time // when the program's sources were committed; zero: not known
}

// Data is the folder of the site's data. While it is not there, Path is empty and nothing of it is judged.
type Data struct {
	Path   string
	Kind   string   // of its file system, as the kernel names it: "ext4", "tmpfs", "overlay", "nfs"; "": another one
	Free   int64    // what may still be written
	Size   int64    // of the file system
	Inodes int64    // how many files may still be made
	Closed bool     // no file can be made
	Open   []string // files in it that others on the machine may read or write, with their modes
	Looked int      // how many files and folders were looked at for them; more than 2,000: not all were
}

type factsKey struct{}

// With returns a context under which the checks judge these facts instead of the process that they run in. It is for tests.
func With(ctx context.Context, f Facts) context.Context { return context.WithValue(ctx, factsKey{}, f) }

// Read returns the facts of this process and of a folder of data.
func Read(data string) Facts {
	f := Facts{UID: os.Geteuid(), Umask: Unknown, Caps: Unknown, NoNew: Unknown, Core: Unknown, Files: Unknown, Memory: Unknown, Ptrace: Unknown, Mode: Unknown,
		Folder: Unknown, Synced: Unknown, Env: os.Environ(), Now: time.Now(), Limit: debug.SetMemoryLimit(-1)}
	f.readProgram()
	f.readBuilt()
	f.Data = readData(data)
	f.readSystem()
	return f
}

// Free returns how many bytes may still be written to the disk of a folder, or [Unknown].
func Free(dir string) int64 {
	d := Data{Path: dir, Free: Unknown}
	d.readSystem()
	return d.Free
}

// Checks returns the room's checks for a site whose data lies in the folder.
func Checks(data string) []check.Check {
	all := make([]check.Check, 0, len(judges))
	for _, j := range judges {
		all = append(all, check.Check{Rule: j.rule, Deploy: true, Live: true, Run: func(ctx context.Context) []check.Finding {
			where, what, do := j.judge(facts(ctx, data))
			if what == "" {
				return nil
			}
			return []check.Finding{j.rule.Finding(where, what, do)}
		}, Unseen: func(ctx context.Context) string { return facts(ctx, data).unseen(j.rule.ID) }})
	}
	return all
}

// facts are those of the context, or of this process.
func facts(ctx context.Context, data string) Facts {
	if f, given := ctx.Value(factsKey{}).(Facts); given {
		return f
	}
	return Read(data)
}
