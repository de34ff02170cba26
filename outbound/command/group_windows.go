package command

import (
	"os"
	"os/exec"
	"path/filepath"
)

func ofGroup(run *exec.Cmd) {
	run.Cancel = func() error {
		if run.Process == nil {
			return os.ErrProcessDone
		}
		return run.Process.Kill()
	}
}

func rootFolder() string { return filepath.VolumeName(os.Getenv("SystemRoot")) + `\` }

func folders() []string {
	return []string{filepath.Join(os.Getenv("SystemRoot"), "System32"), os.Getenv("SystemRoot")}
}

func endGroup(*exec.Cmd) {}
