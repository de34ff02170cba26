package host

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
)

// Bounds of what is judged.
const (
	leastFiles  = 4096      // connections, database and files of a site of some visitors
	leastFree   = 256 << 20 // bytes: a day of logs, a migration, a backup's scratch
	leastShare  = 20        // one twentieth of the file system
	leastInodes = 1000
)

// judge says what is wrong with the facts: where, what, what to do. what is empty when nothing is, or nothing is known.
type judge func(Facts) (where, what, do string)

// judges are the checks of the room.
var judges = []struct {
	rule  check.Rule
	judge judge
}{
	{RuleRoot, func(f Facts) (string, string, string) {
		return when(f.UID == 0, "", "the process runs as root", "make a user for the site and start it as that one; it needs no right of root, not even for port 443 (AmbientCapabilities=CAP_NET_BIND_SERVICE)")
	}},
	{RuleUmask, func(f Facts) (string, string, string) {
		return when(f.Umask >= 0 && f.Umask&0o007 != 0o007, "", fmt.Sprintf("the umask is %04o", f.Umask), "start the site with umask 0077 (systemd: UMask=0077)")
	}},
	{RuleCore, func(f Facts) (string, string, string) {
		return when(f.Core > 0, "", "the limit of core dumps is "+size(f.Core), "start the site with ulimit -c 0 (systemd: LimitCORE=0)")
	}},
	{RuleCrash, func(f Facts) (string, string, string) {
		v := f.env("GOTRACEBACK")
		return when(v == "crash" || v == "wer", "GOTRACEBACK", "it is "+v, "take it out of the site's environment")
	}},
	{RuleFiles, func(f Facts) (string, string, string) {
		return when(f.Files >= 0 && f.Files < leastFiles, "", fmt.Sprintf("the process may have %d files open", f.Files), fmt.Sprintf("allow %d or more (systemd: LimitNOFILE=65536)", leastFiles))
	}},
	{RuleNoLimit, func(f Facts) (string, string, string) {
		return when(f.Limit == Unlimited, "GOMEMLIMIT", "the program has no memory limit", "set it to nine tenths of the memory that the site may use: GOMEMLIMIT=450MiB")
	}},
	{RuleLimit, func(f Facts) (string, string, string) {
		return when(f.Memory > 0 && f.Limit != Unlimited && f.Limit > f.Memory, "GOMEMLIMIT", "it is "+size(f.Limit)+", and there are "+size(f.Memory), "set it to nine tenths of what there is")
	}},
	{RuleGodebug, func(f Facts) (string, string, string) {
		weak := Weak(f.env("GODEBUG"))
		return when(len(weak) > 0, "GODEBUG", "it holds "+strings.Join(weak, ", "), "take them out of the site's environment")
	}},
	{RulePreload, func(f Facts) (string, string, string) {
		for _, name := range []string{"LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES"} {
			if f.env(name) != "" {
				return name, "it is set", "take it out of the site's environment"
			}
		}
		return "", "", ""
	}},
	{RuleSecretEnv, func(f Facts) (string, string, string) {
		return when(f.secret() != "", f.secret(), "a secret stands in the environment", "put it into a file that only the site may read, and name that: "+f.secret()+"_FILE, or a credential of systemd")
	}},
	{RuleProgram, func(f Facts) (string, string, string) {
		return when(f.Mode >= 0 && f.Mode&0o022 != 0, f.Program, fmt.Sprintf("others may change the program's file (mode %04o)", f.Mode), "run: chmod go-w "+f.Program)
	}},
	{RuleFolder, func(f Facts) (string, string, string) {
		return when(f.Folder >= 0 && f.Folder&0o022 != 0, f.Program, fmt.Sprintf("others may write in the program's folder (mode %04o)", f.Folder), "put the program where only root writes: /usr/local/bin")
	}},
	{RuleSpace, func(f Facts) (string, string, string) {
		d := f.Data
		return when(d.Path != "" && d.Free >= 0 && (d.Free < leastFree || d.Size > 0 && d.Free < d.Size/leastShare && d.Free < 20*leastFree), d.Path,
			size(d.Free)+" of "+size(d.Size)+" are free", "make room, or move the data to a larger disk")
	}},
	{RuleInodes, func(f Facts) (string, string, string) {
		d := f.Data
		return when(d.Path != "" && d.Inodes >= 0 && d.Inodes < leastInodes, d.Path, fmt.Sprintf("only %d more files can be made", d.Inodes), "find the folder with very many small files, or move the data to another disk")
	}},
	{RuleReadOnly, func(f Facts) (string, string, string) {
		return when(f.Data.Closed, f.Data.Path, "no file can be made in the folder", "give it to the user that runs the site, on a disk that is mounted for writing (systemd: StateDirectory=)")
	}},
	{RuleVolatile, func(f Facts) (string, string, string) {
		return when(slices.Contains([]string{"tmpfs", "ramfs"}, f.Data.Kind), f.Data.Path, "the folder lies in memory ("+f.Data.Kind+")", "move it to a disk")
	}},
	{RuleLayer, func(f Facts) (string, string, string) {
		return when(f.Data.Kind == "overlay", f.Data.Path, "the folder lies in a container's own layer", "mount a volume there")
	}},
	{RuleNetwork, func(f Facts) (string, string, string) {
		return when(slices.Contains([]string{"nfs", "cifs", "smb2", "9p"}, f.Data.Kind), f.Data.Path, "the folder lies on a network file system ("+f.Data.Kind+")", "move it to a disk of this machine")
	}},
	{RuleOpen, func(f Facts) (string, string, string) {
		open := f.Data.Open
		if len(open) > 3 {
			open = append(slices.Clone(open[:3]), fmt.Sprintf("and %d more", len(f.Data.Open)-3))
		}
		return when(len(open) > 0, f.Data.Path, "others on the machine may read or write "+strings.Join(open, ", "), "run: chmod -R go-rwx "+f.Data.Path)
	}},
	{RuleUnsynced, func(f Facts) (string, string, string) {
		return when(f.Synced == 0, "", "no time server keeps the clock right", "run systemd-timesyncd or chrony")
	}},
	{RuleClock, func(f Facts) (string, string, string) {
		return when(!f.Built.IsZero() && f.Now.Before(f.Built.Add(-time.Hour)), "", "the clock says "+f.Now.UTC().Format(time.RFC3339)+", before the program was written", "set the clock")
	}},
	{RulePrivileges, func(f Facts) (string, string, string) {
		return when(f.NoNew == 0, "", "the process could gain rights by a setuid program", "start it with NoNewPrivileges=yes")
	}},
	{RuleCaps, func(f Facts) (string, string, string) {
		const bind = 1 << 10 // CAP_NET_BIND_SERVICE
		more := uint64(0)
		if f.Caps > 0 {
			more = uint64(f.Caps) &^ bind
		}
		return when(f.UID != 0 && more != 0, "", fmt.Sprintf("the process has %d capabilities that it does not need", bits.OnesCount64(more)), "start it with CapabilityBoundingSet=CAP_NET_BIND_SERVICE, or none")
	}},
	{RulePtrace, func(f Facts) (string, string, string) {
		return when(f.Ptrace == 0, "kernel.yama.ptrace_scope", "it is 0", "run: sysctl kernel.yama.ptrace_scope=1")
	}},
	{RuleSwap, func(f Facts) (string, string, string) {
		return when(f.Swap != "", f.Swap, "memory may be written there as it is", "encrypt it, keep it in memory (zram), or go without (systemd: MemorySwapMax=0)")
	}},
}

// when is what a judge says if it is so.
func when(so bool, where, what, do string) (string, string, string) {
	if !so {
		return "", "", ""
	}
	return where, what, do
}

func (f Facts) env(name string) string {
	for _, e := range f.Env {
		if n, v, _ := strings.Cut(e, "="); n == name {
			return v
		}
	}
	return ""
}

// secret is the name of a variable that seems to hold a secret: anybody who may read /proc/PID/environ, a crash report or
// the settings of the container has it.
func (f Facts) secret() string {
	for _, e := range f.Env {
		name, value, _ := strings.Cut(e, "=")
		upper := strings.ToUpper(name)
		if value == "" || strings.HasSuffix(upper, "_FILE") || strings.HasSuffix(upper, "_PATH") || strings.HasSuffix(upper, "_DIR") {
			continue
		}
		for _, end := range []string{"PASSWORD", "PASSWD", "SECRET", "SECRET_KEY", "PRIVATE_KEY", "API_KEY", "ACCESS_KEY", "TOKEN"} {
			if upper == end || strings.HasSuffix(upper, "_"+end) {
				return name
			}
		}
	}
	return ""
}

// weak are the settings of GODEBUG that bring back what Go's developers closed for a reason (go.dev/doc/godebug).
var weak = map[string]string{"tls10server": "1", "tlsrsakex": "1", "tls3des": "1", "tlssha1": "1", "tlsunsafeekm": "1", "x509sha1": "1", "x509negativeserial": "1",
	"x509rsacrt": "0", "rsa1024min": "0", "http2server": "0", "httplaxcontentlength": "1", "httpservecontentkeepheaders": "1",
	"urlstrictcolons": "0", "urlmaxqueryparams": "0", "httpcookiemaxnum": "0", "multipartmaxheaders": "0", "multipartmaxparts": "0", "zipinsecurepath": "1",
	"tarinsecurepath": "1", "randautoseed": "0", "jstmpllitinterp": "1", "cryptocustomrand": "1"}

// Weak returns the settings of a GODEBUG text that weaken a program.
func Weak(godebug string) (found []string) {
	for one := range strings.SplitSeq(godebug, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(one), "=")
		if bad, known := weak[name]; known && value == bad {
			found = append(found, name+"="+value)
		}
	}
	return found
}

func size(n int64) string {
	switch {
	case n == Unlimited:
		return "unlimited"
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%d MB", n>>20)
}
