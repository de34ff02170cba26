package cli

import (
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A seat is the place of the one process that takes orders for a data folder: the socket's file. A process that has the data to itself
// takes it, and what lies there is a dead one's. Where processes share the data, another one's is left alone while it answers; when that
// one has ended, the next one that looks takes its place.
type seat struct {
	path   string
	shared bool

	// pause is how often a process that has not the seat looks whether it is free.
	pause time.Duration

	mu   sync.Mutex
	own  fs.FileInfo // of our socket; nil: we have none
	open net.Listener
}

// take takes the seat. It returns nil without an error where another process has it.
func (s *seat) take() (net.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shared {
		if s.isOwn() {
			return nil, nil
		}
		if s.open != nil { // somebody took the file away: nobody reaches this one
			_ = s.open.Close()
			s.open = nil
		}
		if c, err := net.DialTimeout("unix", s.path, time.Second); err == nil {
			_ = c.Close()
			return nil, nil
		}
	}
	dead := []string{s.path}
	if !s.shared { // and those from before the machine was started anew
		all, err := os.ReadDir(filepath.Dir(s.path))
		if err != nil {
			return nil, err
		}
		for _, f := range all {
			if old, _ := filepath.Match(controlNames, f.Name()); old {
				dead = append(dead, filepath.Join(filepath.Dir(s.path), f.Name()))
			}
		}
	}
	for _, path := range dead {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	l, err := net.Listen("unix", s.path)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // by then it may be another's
	if err := os.Chmod(s.path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if s.own, err = os.Lstat(s.path); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.open = trusted{l}
	return s.open, nil
}

func (s *seat) isOwn() bool {
	there, err := os.Lstat(s.path)
	return err == nil && s.own != nil && os.SameFile(there, s.own)
}

// keep serves a listener, if there is one, and where the data is shared looks from time to time whether the seat is free.
func (s *seat) keep(srv *http.Server, l net.Listener, stopped <-chan struct{}) {
	serve := func(l net.Listener) {
		if l != nil {
			go func() { _ = srv.Serve(l) }()
		}
	}
	serve(l)
	if !s.shared {
		return
	}
	tick := time.NewTicker(s.pause)
	defer tick.Stop()
	for {
		select {
		case <-stopped:
			return
		case <-tick.C:
			if l, err := s.take(); err == nil { // tried again
				serve(l)
			}
		}
	}
}

// leave takes the socket away, if it is ours.
func (s *seat) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isOwn() {
		_ = os.Remove(s.path)
	}
}
