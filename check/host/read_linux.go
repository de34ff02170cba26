package host

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Magic numbers of file systems, as statfs(2) tells them.
var kinds = map[int64]string{0x01021994: "tmpfs", 0x858458f6: "ramfs", 0x794c7630: "overlay", 0x6969: "nfs", 0xff534d42: "cifs", 0xfe534d42: "smb2",
	0x01021997: "9p", 0x65735546: "fuse", 0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x2fc12fc1: "zfs"}

func (d *Data) readSystem() {
	var st syscall.Statfs_t
	if syscall.Statfs(d.Path, &st) != nil {
		return
	}
	d.Kind = kinds[int64(uint32(st.Type))]
	d.Free, d.Size = int64(st.Bavail)*st.Bsize, int64(st.Blocks)*st.Bsize
	d.Inodes = Unlimited // some count none (btrfs)
	if st.Files > 0 {
		d.Inodes = int64(st.Ffree)
	}
}

func (f *Facts) readSystem() {
	for line := range strings.Lines(text("/proc/self/status")) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch name {
		case "Umask":
			f.Umask = int(number(value, 8))
		case "CapEff":
			f.Caps = number(value, 16)
		case "NoNewPrivs":
			f.NoNew = int(number(value, 10))
		}
	}
	f.Core, f.Files = rlimit(syscall.RLIMIT_CORE), rlimit(syscall.RLIMIT_NOFILE)
	f.Memory = memory()
	f.Ptrace = int(number(text("/proc/sys/kernel/yama/ptrace_scope"), 10))
	swaps := text("/proc/swaps") // begins with a line of headings
	f.Swap, f.NoSwaps = swap(swaps), swaps == ""
	var tx syscall.Timex
	if state, err := syscall.Adjtimex(&tx); err == nil {
		f.Synced = 1
		if state == 5 || tx.Status&0x40 != 0 { // TIME_ERROR, STA_UNSYNC
			f.Synced = 0
		}
	}
}

func text(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(b)
}

func number(s string, base int) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), base, 64)
	if err != nil {
		return Unknown
	}
	return n
}

func rlimit(which int) int64 {
	var l syscall.Rlimit
	if syscall.Getrlimit(which, &l) != nil {
		return Unknown
	}
	return int64(min(l.Cur, Unlimited))
}

// memory is the smaller of the control group's limit (version 2, of the group itself) and what the machine has.
func memory() int64 {
	has := int64(Unknown)
	for line := range strings.Lines(text("/proc/meminfo")) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			if kib := number(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10); kib > 0 {
				has = kib << 10
			}
		}
	}
	for line := range strings.Lines(text("/proc/self/cgroup")) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		if limit := number(text("/sys/fs/cgroup"+group+"/memory.max"), 10); limit > 0 && (has < 0 || limit < has) {
			has = limit
		}
	}
	return has
}

// swap returns the first device of /proc/swaps that may keep memory on a disk as it is: neither in memory (zram) nor behind
// the device mapper, which is how it is encrypted.
func swap(table string) string {
	for line := range strings.Lines(table) {
		name, _, _ := strings.Cut(line, " ")
		if strings.HasPrefix(name, "/") && !strings.Contains(name, "zram") && !strings.HasPrefix(name, "/dev/dm-") && !strings.HasPrefix(name, "/dev/mapper/") {
			return name
		}
	}
	return ""
}
