//go:build !linux

package main

import "time"

// onFirstCore just calls start: only Linux lets a process choose its cores. GOMAXPROCS=1 still holds for Go's servers.
func onFirstCore(start func() error) error { return start() }

func onOtherCores(start func() error) error { return start() }

func leaveFirstCore() (back func()) { return func() {} }

func ownCPU() time.Duration { return 0 }
