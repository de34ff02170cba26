package enginetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
)

func kept(t *testing.T, s *suite) {
	e := s.open(t)
	write(t, e, func(w *db.Writer) {
		got := must(insertItem.Run(w, "a", 1))
		if got.Rows != 1 {
			t.Errorf("Rows %d, want 1", got.Rows)
		}
		if got := must(updateRank.Run(w, "nobody", 1)); got.Rows != 0 {
			t.Errorf("Rows %d of an update of nothing, want 0", got.Rows)
		}
	})
	if n := count(t, e); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

func rolledBack(t *testing.T, s *suite) {
	e := s.open(t)
	mine := errors.New("mine")
	err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		must(insertItem.Run(w, "a", 1))
		return mine
	})
	if err != mine {
		t.Errorf("got the error %v, want the very error of do", err)
	}

	func() {
		defer func() {
			if p := recover(); p != "at the disco" {
				t.Errorf("recovered %v, want the panic of do", p)
			}
		}()
		e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
			must(insertItem.Run(w, "b", 1))
			panic("at the disco")
		})
	}()

	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
			must(insertItem.Run(w, "c", 1))
			runtime.Goexit()
			return nil
		})
	}()
	<-done

	if n := count(t, e); n != 0 {
		t.Errorf("%d rows were kept, want 0", n)
	}
	write(t, e, func(w *db.Writer) { must(insertItem.Run(w, "d", 1)) }) // the writer is free again
}

func statementError(t *testing.T, s *suite) {
	e := s.open(t)
	err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		must(insertItem.Run(w, "a", 1))
		_, err := insertItem.Run(w, "a", 2)
		if !db.IsUnique(err) {
			t.Errorf("got %v, want a unique violation", err)
		}
		return err
	})
	if !db.IsUnique(err) {
		t.Errorf("Write returned %v, want the unique violation", err)
	}
	if n := count(t, e); n != 0 {
		t.Errorf("%d rows, want 0", n)
	}
}

func isolation(t *testing.T, s *suite) {
	e := s.open(t)
	r := e.Read(t.Context())
	defer r.Close()
	write(t, e, func(w *db.Writer) { must(insertItem.Run(w, "a", 1)) })
	if n := must(countItems.One(r)); n != 1 {
		t.Errorf("a reader made before a write and used after it sees %d rows, want 1", n)
	}
	write(t, e, func(w *db.Writer) { must(insertItem.Run(w, "b", 1)) })
	if n := must(countItems.One(r)); n != 1 {
		t.Errorf("a reader sees %d rows after another's write, want the 1 of its instant", n)
	}
	if n := count(t, e); n != 2 {
		t.Errorf("a new reader sees %d rows, want 2", n)
	}
}

func ownRows(t *testing.T, s *suite) {
	e := s.open(t)
	write(t, e, func(w *db.Writer) {
		must(insertItem.Run(w, "a", 3))
		if got := must(itemByName.One(w, "a")); got.Rank != 3 {
			t.Errorf("the writer reads %+v, want its own row", got)
		}
		if n := count(t, e); n != 0 {
			t.Errorf("a reader sees %d rows of a transaction that is not over, want 0", n)
		}
		child := must(insertChild.Run(w, "b", must(itemByName.One(w, "a")).ID))
		if child.Parent == nil || child.Name != "b" {
			t.Errorf("RETURNING gave %+v", child)
		}
		if _, err := deleteItem.Run(w, "nobody"); !errors.Is(err, db.ErrNoRow) {
			t.Errorf("RETURNING without a row: %v, want ErrNoRow", err)
		}
		if got := must(deleteItem.Run(w, "b")); got != "b" {
			t.Errorf("RETURNING gave %q", got)
		}
	})
}

func dead(t *testing.T, s *suite) {
	e := s.open(t)
	write(t, e, func(w *db.Writer) { must(insertItem.Run(w, "a", 1)) })
	r := e.Read(t.Context())
	must(countItems.One(r))
	loop := allItems.Each(r, 10)
	var inLoop error
	for _, err := range loop {
		if err != nil {
			inLoop = err
			break
		}
		r.Close()
		write(t, e, func(w *db.Writer) { must(insertItem.Run(w, "b", 1)) })
	}
	if !errors.Is(inLoop, db.ErrClosed) {
		t.Errorf("a loop whose reader was closed goes on with %v, want ErrClosed", inLoop)
	}
	if err := r.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	var kept *db.Writer
	write(t, e, func(w *db.Writer) { kept = w })
	_, errRead := countItems.One(r)
	_, errZero := countItems.One(&db.Reader{})
	_, errNil := countItems.One((*db.Reader)(nil))
	_, errWrite := insertItem.Run(kept, "c", 1)
	_, errZeroW := insertItem.Run(&db.Writer{}, "c", 1)
	_, errByW := countItems.One(kept)
	_, errAll := allItems.All(r, 1)
	for name, err := range map[string]error{"a closed reader": errRead, "the zero reader": errZero, "a nil reader": errNil, "a writer after its time": errWrite,
		"the zero writer": errZeroW, "a query by a writer after its time": errByW, "All by a closed reader": errAll} {
		if !errors.Is(err, db.ErrClosed) {
			t.Errorf("%s answers %v, want ErrClosed", name, err)
		}
	}
	kept.OnCommit(func() { t.Error("OnCommit of a writer after its time ran") })
	kept.OnRelease(func() { t.Error("OnRelease of a writer after its time ran") })
	if (&db.Reader{}).Context() == nil || r.Context() == nil {
		t.Error("Context is nil")
	}

	// A goroutine that outlives its request finds the door closed, whenever it comes.
	var wg sync.WaitGroup
	for range 20 {
		r := e.Read(t.Context())
		wg.Go(func() {
			for {
				if _, err := countItems.One(r); err != nil {
					if !errors.Is(err, db.ErrClosed) {
						t.Error(err)
					}
					return
				}
			}
		})
		time.Sleep(time.Millisecond)
		r.Close()
	}
	wg.Wait()
}

func nested(t *testing.T, s *suite) {
	e := s.open(t)
	if db.InWrite(t.Context()) {
		t.Error("InWrite outside of a write")
	}
	err := e.Write(t.Context(), func(ctx context.Context, w *db.Writer) error {
		if !db.InWrite(ctx) || !db.InWrite(w.Context()) {
			t.Error("the context of a write is not marked")
		}
		return e.Write(ctx, func(context.Context, *db.Writer) error {
			t.Error("the inner write ran")
			return nil
		})
	})
	wantRule(t, err, db.RuleNested)
}

// wantRule reports an error that is not of the rule.
func wantRule(t *testing.T, err error, rule check.Rule) {
	t.Helper()
	var f check.Finding
	if !errors.As(err, &f) || f.ID != rule.ID {
		t.Errorf("got %v, want an error of %s", err, rule.ID)
	}
}

func onCommit(t *testing.T, s *suite) {
	e := s.open(t)
	var ran []string
	e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		w.OnCommit(func() { ran = append(ran, "of the one rolled back") })
		w.OnRelease(func() { ran = append(ran, "of the one rolled back") })
		return errors.New("no")
	})
	write(t, e, func(w *db.Writer) {
		must(insertItem.Run(w, "a", 1))
		w.OnRelease(func() { // the next writer is let in: one that waits for it would wait for ever
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			if err := e.Write(ctx, func(context.Context, *db.Writer) error { return nil }); err != nil {
				t.Errorf("a writer while OnRelease runs: %v", err)
			}
			ran = append(ran, "last")
		})
		w.OnCommit(func() {
			if n := count(t, e); n != 1 {
				t.Errorf("OnCommit ran before the commit: %d rows", n)
			}
			ran = append(ran, "first")
		})
		w.OnCommit(func() { ran = append(ran, "second") })
	})
	if got := fmt.Sprint(ran); got != "[first second last]" {
		t.Errorf("OnCommit and OnRelease ran %s, want [first second last]", got)
	}
}

// noting is a companion that notes what is asked of it.
type noting struct {
	name string
	ran  *[]string
	err  error
}

func (n *noting) Keep(context.Context) error { *n.ran = append(*n.ran, n.name+" keeps"); return n.err }
func (n *noting) Undo()                      { *n.ran = append(*n.ran, n.name+" undoes") }

// panicking is a companion that does not come to its end.
type panicking struct{ *noting }

func (p panicking) Keep(ctx context.Context) error { _ = p.noting.Keep(ctx); panic("panicked") }

func companions(t *testing.T, s *suite) {
	e := s.open(t)
	var ran []string
	no := errors.New("no")
	join := func(w *db.Writer, name string, err error) {
		var first db.Companion
		for range 2 { // the second time it is there
			c := w.Beside(name, func() db.Companion { return &noting{name, &ran, err} })
			if first != nil && c != first {
				t.Errorf("%s was opened twice", name)
			}
			first = c
		}
	}
	is := func(want string, got error) {
		t.Helper()
		if said := fmt.Sprint(ran, got); said != want {
			t.Errorf("got %s, want %s", said, want)
		}
		ran = nil
	}
	var later *db.Writer
	is("[a keeps b keeps committed] <nil>", e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		join(w, "a", nil)
		join(w, "b", nil)
		w.OnCommit(func() { ran = append(ran, "committed") })
		later = w
		return nil
	}))
	if later.Beside("a", func() db.Companion { return &noting{"late", &ran, nil} }) != nil {
		t.Error("a companion of a transaction that is over")
	}
	is("[] no", e.Write(t.Context(), func(_ context.Context, w *db.Writer) error { join(w, "a", nil); return no }))
	is("[a keeps b keeps a undoes] no", e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
		must(insertItem.Run(w, "a", 1))
		join(w, "a", nil)
		join(w, "b", no)
		join(w, "c", nil)
		return nil
	}))
	is("[a keeps b keeps a undoes] panicked", func() (err error) {
		defer func() { err = fmt.Errorf("%v", recover()) }()
		return e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
			must(insertItem.Run(w, "a", 1))
			join(w, "a", nil)
			w.Beside("b", func() db.Companion { return panicking{&noting{"b", &ran, nil}} })
			return nil
		})
	}())
	if n := count(t, e); n != 0 {
		t.Errorf("companions refused and %d rows are there", n)
	}
}

func cancelled(t *testing.T, s *suite) {
	e := s.open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r := e.Read(ctx)
	begin := time.Now()
	_, err := endless.One(r)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an endless query ended with %v, want DeadlineExceeded", err)
	}
	if d := time.Since(begin); d > soon {
		t.Errorf("it took %v to stop", d)
	}
	r.Close()

	err = e.Write(ctx, func(context.Context, *db.Writer) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write under a context that is done: %v, want DeadlineExceeded", err)
	}
	mine := errors.New("the visitor left")
	caused, because := context.WithCancelCause(t.Context())
	err = e.Write(caused, func(ctx context.Context, w *db.Writer) error {
		must(insertItem.Run(w, "a", 1))
		because(mine)
		_, err := insertItem.Run(w, "b", 1)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a statement after the end of its context: %v, want Canceled", err)
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, mine) {
		t.Errorf("a commit after the end of its context: %v, want Canceled and its cause", err)
	}
	if n := count(t, e); n != 0 {
		t.Errorf("%d rows were kept, want 0", n)
	}

	// One who waits for the writer leaves when their context ends, and the next one is served.
	write(t, e, func(w *db.Writer) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := e.Write(ctx, func(context.Context, *db.Writer) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for the writer ended with %v, want DeadlineExceeded", err)
		}
		must(insertItem.Run(w, "c", 1))
	})
	if n := count(t, e); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

// starvation has some writers come again at once, whenever they are done: one who comes once is served after few others.
func starvation(t *testing.T, s *suite) {
	e := s.open(t)
	const greedy = 4
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var served atomic.Int64
	var wg sync.WaitGroup
	for range greedy {
		wg.Go(func() {
			for ctx.Err() == nil {
				err := e.Write(t.Context(), func(context.Context, *db.Writer) error {
					served.Add(1)
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		var before int64
		came := served.Load()
		if err := e.Write(t.Context(), func(context.Context, *db.Writer) error {
			before = served.Load() - came
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if before > 200*greedy { // some may be served between the look at the count and the coming
			t.Errorf("%d others were served before one who waited", before)
		}
	}
	cancel()
	wg.Wait()
}

func beside(t *testing.T, s *suite) {
	e := s.open(t)
	write(t, e, func(w *db.Writer) {
		must(insertItem.Run(w, "a", 1000))
		must(insertItem.Run(w, "b", 1000))
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var reads, writes atomic.Int64
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				r := e.Read(t.Context())
				sum, err := sumRank.One(r)
				if err != nil || sum != 2000 {
					t.Errorf("sum %d, error %v; want 2000: half a transaction was seen", sum, err)
				}
				r.Close()
				reads.Add(1)
			}
		})
	}
	for i := range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
					from, to := "a", "b"
					if i == 0 {
						from, to = to, from
					}
					if _, err := addRank.Run(w, 1, to); err != nil {
						return err
					}
					_, err := addRank.Run(w, -1, from)
					return err
				})
				var broken *db.ConstraintError
				if err != nil && !errors.As(err, &broken) { // one of them may have nothing left to give
					t.Error(err)
				}
				writes.Add(1)
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	for end := time.Now().Add(time.Minute); (reads.Load() == 0 || writes.Load() == 0) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	cancel()
	wg.Wait()
	if reads.Load() == 0 || writes.Load() == 0 {
		t.Errorf("%d reads, %d writes", reads.Load(), writes.Load())
	}
}
