package db

import (
	"context"
	"time"
)

// Replicated is an engine that can also read from replicas: servers that follow its own, a moment behind. They are for what a page
// shows; what guards a site is read from the engine itself.
type Replicated interface {
	// Replicas tells how each replica of the settings is; none: there are none.
	Replicas() []Replica

	// ReadAfter returns a reader of a replica, nil when none may be read now. It shows all that was committed [MaxLag] ago, and what the
	// write transaction after committed ([Writer.Number]; 0: none is meant). Whether it has that is asked at the reader's first
	// use; a replica that has not, or that does not answer, leaves the reader to the engine's own server.
	ReadAfter(ctx context.Context, after int64) *Reader
}

// MaxLag is how old what a reader of a replica shows can be.
const MaxLag = 5 * time.Second

// A Replica is how one of them is.
type Replica struct {
	Name    string        // host and port
	Lag     time.Duration // all that was committed so long ago is shown there; below zero: nobody knows
	Readers int64         // transactions of readers since the engine was opened
	Fault   string        // why no reader goes there; "": they do
	Foreign bool          // it is no replica of this database
}

// Numbered is a [Tx] that the engine knows by a number.
type Numbered interface{ Number() int64 }

// Number returns the number by which the engine knows the transaction, for [Replicated]; 0 where it has none.
func (w *Writer) Number() int64 {
	if w == nil {
		return 0
	}
	return w.number
}
