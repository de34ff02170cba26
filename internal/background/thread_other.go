//go:build !linux

package background

func lower() error { return nil }

func able() bool { return false } // a thread's own priority is Linux's
