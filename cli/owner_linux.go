package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

// noSetuidFixup is SECBIT_NO_SETUID_FIXUP of linux/securebits.h: who becomes another user keeps the rights that are named, and access(2),
// by which SQLite looks for its files, counts them.
const noSetuidFixup = 1 << 2

// keepReading has this thread keep the right to read and enter everything when it becomes another user, and hand it on to the program
// that is executed (capabilities(7)): what it returns is called in between, and takes every other right. A container may have
// taken that right, or the one to do this: then nothing is kept.
func keepReading() (keep func() error, err error) {
	const read, set = 1 << unix.CAP_DAC_READ_SEARCH, 1 << unix.CAP_SETPCAP // both are in the first word
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var has [2]unix.CapUserData
	if err := unix.Capget(&header, &has[0]); err != nil {
		return nil, os.NewSyscallError("capget", err)
	}
	if has[0].Permitted&read == 0 || has[0].Effective&set == 0 {
		return func() error { return nil }, nil
	}
	bits, err := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
	if err == nil {
		err = unix.Prctl(unix.PR_SET_SECUREBITS, uintptr(bits)|noSetuidFixup, 0, 0, 0)
	}
	if err != nil {
		return nil, os.NewSyscallError("prctl", err)
	}
	return func() error {
		only := [2]unix.CapUserData{{Effective: read, Permitted: read, Inheritable: read}}
		if err := unix.Capset(&header, &only[0]); err != nil {
			return os.NewSyscallError("capset", err)
		}
		return os.NewSyscallError("prctl", unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_DAC_READ_SEARCH, 0, 0))
	}, nil
}
