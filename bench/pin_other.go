//go:build !linux

package main

// onFirstCore just calls start: only Linux lets a process choose its cores. GOMAXPROCS=1 still holds for Go's servers.
func onFirstCore(start func() error) error { return start() }

func leaveFirstCore() (back func()) { return func() {} }
