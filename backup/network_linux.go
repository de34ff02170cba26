package backup

import (
	"net"
	"os"
	"os/exec"
	"syscall"
)

// emptyNetworkFor has a program start in a network namespace of its own, in which there is nothing, not even loopback.
// Whoever is not root needs a user namespace for it, which some systems forbid: starting fails then.
func emptyNetworkFor(cmd *exec.Cmd) bool {
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	}
	return true
}

// networkIsEmpty reports whether this process has no network at all: no interface that is up.
func networkIsEmpty() bool {
	all, err := net.Interfaces()
	if err != nil {
		return false
	}
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 {
			return false
		}
	}
	return true
}
