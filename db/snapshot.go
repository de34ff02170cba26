package db

import (
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
