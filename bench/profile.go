package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
)

// Profiles say where the time of a row goes that misses its hold. They cost some of it, so that a run that counts has none.

// profileVariable tells children of this program where to write what they did, name and all up to the ending.
const profileVariable = "MERLON_BENCH_PROFILE"

// profileFolder makes the folder, if one is wanted; servers have other working folders, so the path is whole.
func profileFolder(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	dir, err := filepath.Abs(dir)
	return dir, errors.Join(err, os.MkdirAll(dir, 0o700))
}

// measure runs a row, under profiles if they are wanted: ROW.cpu and ROW.heap are this program's, ROW-SERVER.… those of the
// servers that it starts.
func (b *bench) measure(ctx context.Context, r row) (o outcome, err error) {
	if b.profiles == "" {
		return r.run(ctx, b)
	}
	name := filepath.Join(b.profiles, strings.ReplaceAll(r.name, "/", "-"))
	if err := os.Setenv(profileVariable, name); err != nil {
		return o, err
	}
	defer os.Unsetenv(profileVariable)
	written, err := startProfiles(name)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, written()) }()
	return r.run(ctx, b)
}

// startProfiles writes the processor's time from now on to name.cpu. What it returns ends that, and writes what was allocated
// to name.heap. An empty name does nothing.
func startProfiles(name string) (written func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	cpu, err := os.Create(name + ".cpu")
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(err, cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		heap, err := os.Create(name + ".heap")
		if err != nil {
			return errors.Join(err, cpu.Close())
		}
		return errors.Join(pprof.WriteHeapProfile(heap), heap.Close(), cpu.Close())
	}, nil
}
