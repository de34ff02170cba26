package db

import (
	"context"
	"io"
)

// A Snapshot is a copy of a database as it was at one instant, kept where nobody else can read it. It is whole before it is
// handed out: its size and hash are known, and it can be read more than once, by one goroutine at a time. Close it: then the
// copy is gone.
type Snapshot struct {
	Info
	File   string           // the name under which the engine looks for it in the folder that Open is given; "": it is loaded by a [Carrier]
	Tables map[string]int64 // how many rows each table has
	Server string           // what it was made of, for people who need such a server again; "" for a file

	from  io.ReaderAt
	close func() error
}

// A Streamer is an engine whose database can be read as it is at one instant without being copied first, while readers and
// writers go on.
type Streamer interface {
	// Stream calls read once with all bytes of the database and their number, and counts the rows meanwhile. Until read
	// returns the engine keeps what is committed elsewhere, which takes room: be quick, or take a [Snapshot]. It returns nil,
	// without a call, when the database cannot be read so as things stand. An error of read is returned as it is.
	Stream(ctx context.Context, read func(from io.Reader, size int64) error) (*Streamed, error)
}

// A Streamed is what was read by a [Streamer].
type Streamed struct {
	File   string           // the name under which the engine looks for it in the folder that Open is given
	Tables map[string]int64 // how many rows each table has
}

// NewSnapshot is for writers of engines: from gives the copy's bytes, close removes it.
func NewSnapshot(info Info, file string, tables map[string]int64, from io.ReaderAt, close func() error) *Snapshot {
	return &Snapshot{Info: info, File: file, Tables: tables, from: from, close: close}
}

// Reader returns a reader of the whole copy, from its beginning.
func (s *Snapshot) Reader() io.Reader { return io.NewSectionReader(s.from, 0, s.Size) }

// WriteTo implements [io.WriterTo]: all of the copy is written, or there is an error.
func (s *Snapshot) WriteTo(w io.Writer) (int64, error) {
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, s.Reader(), make([]byte, 1<<20))
	if err == nil && n != s.Size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close removes the copy. A second call does nothing.
func (s *Snapshot) Close() error {
	if s.close == nil {
		return nil
	}
	close := s.close
	s.close = nil
	return close()
}
