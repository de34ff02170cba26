package db

import "context"

// A Companion is what a store outside the database does in one transaction: it collects what is to be written there, and writes it
// when the rows are about to be committed, so that both are kept or neither is. Its methods are called by the goroutine of the
// transaction, before the next writer is let in.
type Companion interface {
	// Keep writes. An error rolls the transaction back, after Keep has undone what it had written itself. ctx is that of the
	// transaction. A process that dies between Keep and the commit leaves what Keep has written.
	Keep(ctx context.Context) error

	// Undo takes back what Keep wrote, because the commit failed. It may be unknown then whether the rows were kept, so what
	// must not come back (an end, a revocation) stays.
	Undo()
}

// Beside returns the companion of this transaction under a key, which is comparable and the caller's own; the first call opens it.
// It returns nil after the transaction's end.
func (w *Writer) Beside(key any, open func() Companion) Companion {
	c := w.core()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		return nil
	}
	if have := w.beside[key]; have != nil {
		return have
	}
	if w.beside == nil {
		w.beside = map[any]Companion{}
	}
	made := open()
	w.beside[key] = made
	w.order = append(w.order, made)
	return made
}

// undo takes back what the first n companions have kept, the last one first.
func (w *Writer) undo(n int) {
	for i := n - 1; i >= 0; i-- {
		w.order[i].Undo()
	}
}
