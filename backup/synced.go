package backup

import (
	"errors"
	"os"
)

// syncEvery is how much is written to a file before its beginning is sent to the disk.
const syncEvery = 32 << 20

// A syncedFile is on the disk when it is closed. A large one is synced while it is written: the disk works beside the
// processors, and the end has not to wait for all of it.
type syncedFile struct {
	*os.File
	fresh int64
	due   chan struct{}
	ended chan error // nil until something was due
}

func newSynced(f *os.File) *syncedFile { return &syncedFile{File: f} }

// Write implements [io.Writer].
func (f *syncedFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	if f.fresh += int64(n); f.fresh < syncEvery {
		return n, err
	}
	f.fresh = 0
	if f.ended == nil {
		f.due, f.ended = make(chan struct{}, 1), make(chan error, 1)
		go func() {
			var err error
			for range f.due {
				err = errors.Join(err, f.Sync()) // a system tells a file of a lost write once only
			}
			f.ended <- err
		}()
	}
	select {
	case f.due <- struct{}{}:
	default: // the disk is behind
	}
	return n, err
}

// Close syncs and closes.
func (f *syncedFile) Close() (err error) {
	if f.ended != nil {
		close(f.due)
		err = <-f.ended
	}
	return errors.Join(err, f.Sync(), f.File.Close())
}
