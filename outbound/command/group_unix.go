//go:build unix

package command

import (
	"os"
	"os/exec"
	"syscall"
)

// ofGroup gives the command a process group of its own, which is killed whole.
func ofGroup(run *exec.Cmd) {
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	run.Cancel = func() error {
		if run.Process == nil {
			return os.ErrProcessDone
		}
		return syscall.Kill(-run.Process.Pid, syscall.SIGKILL)
	}
}

func rootFolder() string { return "/" }

func folders() []string { return []string{"/usr/local/bin", "/usr/bin", "/bin"} }

// endGroup kills what is left of the command's group.
func endGroup(run *exec.Cmd) { _ = syscall.Kill(-run.Process.Pid, syscall.SIGKILL) }
