package db

import "context"

// A Writer reads and writes in one transaction. It has no method that commits or rolls back: that is decided by what the
// function given to [Engine.Write] returns, so a handler can hold a Writer and not make its work last. The zero Writer
// answers [ErrClosed], and so does one after its transaction.
type Writer struct {
	c         core
	onCommit  []func()
	onRelease []func()
	beside    map[any]Companion
	order     []Companion
	number    int64 // see [Numbered]
}

// Context returns the transaction's context, which is marked for [InWrite].
func (w *Writer) Context() context.Context { return w.core().context() }

// OnCommit has do called after the transaction was committed, never when it was rolled back: for what is kept in memory
// of the rows. It must not panic, and it must not write. The next writer waits for it, so that what is kept in memory changes
// in the order of the commits; what needs no such order is for [Writer.OnRelease]. After the transaction's end it does nothing.
func (w *Writer) OnCommit(do func()) {
	c := w.core()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != nil {
		w.onCommit = append(w.onCommit, do)
	}
}

// OnRelease is [Writer.OnCommit] for what may take its time, such as a line of the log: the next writer is let in first.
func (w *Writer) OnRelease(do func()) {
	c := w.core()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != nil {
		w.onRelease = append(w.onRelease, do)
	}
}

func (w *Writer) core() *core {
	if w == nil {
		return &core{}
	}
	return &w.c
}

// mark is the context key of a write transaction.
type mark struct{}

// InWrite reports whether ctx is that of a write transaction. What is slow (hashing a password, sending a mail, an outgoing
// call) asks and refuses: the one writer would make every other visitor wait.
func InWrite(ctx context.Context) bool { return ctx.Value(mark{}) != nil }

// A Tx is a write transaction that an engine began. It is for writers of engines.
type Tx interface {
	Session() *Session

	// Commit ends the transaction and keeps its rows; if it returns an error, Rollback follows.
	Commit() error

	// Rollback ends the transaction and keeps nothing.
	Rollback()

	// Release lets the next writer in. It is called once, after the others.
	Release()
}

// RefuseNested returns an error if ctx is already that of a write transaction. Engines call it before they wait for one.
func RefuseNested(ctx context.Context) error {
	if InWrite(ctx) {
		return RuleNested.Finding("", "db: a write transaction was begun within another", "use the Writer at hand, or begin the second one after the first has ended")
	}
	return nil
}

// RunTx runs do in a transaction that was begun, and ends it as [Engine.Write] says. It is for writers of engines.
func RunTx(ctx context.Context, tx Tx, do func(context.Context, *Writer) error) error {
	ctx = context.WithValue(ctx, mark{}, true)
	w := &Writer{c: core{ctx: ctx, session: tx.Session(), writing: true}}
	if n, ok := tx.(Numbered); ok {
		w.number = n.Number()
	}
	if err := w.run(ctx, tx, do); err != nil {
		return err
	}
	for _, do := range w.onRelease {
		do()
	}
	return nil
}

func (w *Writer) run(ctx context.Context, tx Tx, do func(context.Context, *Writer) error) error {
	defer tx.Release()
	kept, beside := false, 0
	defer func() {
		if !kept { // an error, a panic, or runtime.Goexit
			w.c.release()
			w.undo(beside)
			tx.Rollback()
		}
	}()
	if err := do(ctx, w); err != nil {
		return err
	}
	w.c.release()
	if w.c.dead != nil {
		return w.c.dead
	}
	for _, c := range w.order {
		if err := c.Keep(ctx); err != nil {
			return err
		}
		beside++
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	kept = true
	for _, do := range w.onCommit {
		do()
	}
	return nil
}
