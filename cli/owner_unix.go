//go:build unix

package cli

import (
	"os"
	"runtime"
	"syscall"
)

// become executes the program once more as another user. It returns only an error, after which the process is to end: it may be that
// user's already.
func become(o owner, argv []string) error {
	runtime.LockOSThread() // rights are a thread's
	path, err := os.Executable()
	if err != nil {
		return err
	}
	keep, err := keepReading()
	if err != nil {
		return err
	}
	if err := syscall.Setgroups(o.groups); err != nil {
		return os.NewSyscallError("setgroups", err)
	}
	if err := syscall.Setgid(o.gid); err != nil {
		return os.NewSyscallError("setgid", err)
	}
	if err := syscall.Setuid(o.uid); err != nil {
		return os.NewSyscallError("setuid", err)
	}
	if err := keep(); err != nil {
		return err
	}
	return os.NewSyscallError("execve", syscall.Exec(path, argv, os.Environ()))
}
