package sqlite_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/merlon-web/merlon/db"
)

const benchRows = 10000

// openBench returns an engine with benchRows rows.
func openBench(b testing.TB) db.Engine {
	b.Helper()
	e, _ := open(b)
	err := e.Write(b.Context(), func(_ context.Context, w *db.Writer) error {
		for i := range benchRows {
			if _, err := insert.Run(w, fmt.Sprintf("author %d", i), fmt.Sprintf("the text of the note number %d, as people write them", i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func readPoint(ctx context.Context, e db.Engine, id int64) error {
	r := e.Read(ctx)
	defer r.Close()
	_, err := point.One(r, id)
	return err
}

func readFifty(ctx context.Context, e db.Engine) error {
	r := e.Read(ctx)
	defer r.Close()
	rows, err := list.All(r, 50)
	if err == nil && len(rows) != 50 {
		err = fmt.Errorf("%d rows", len(rows))
	}
	return err
}

func BenchmarkPoint(b *testing.B) {
	e := openBench(b)
	b.ReportAllocs()
	id := int64(0)
	for b.Loop() {
		id = id%benchRows + 1
		if err := readPoint(b.Context(), e, id); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFifty(b *testing.B) {
	e := openBench(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := readFifty(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	e := openBench(b)
	b.ReportAllocs()
	for b.Loop() {
		add(b, e, "somebody", "a text")
	}
}

// BenchmarkMixed has eight goroutines of which each reads nine times and writes once.
func BenchmarkMixed(b *testing.B) {
	e := openBench(b)
	ctx := b.Context()
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	var done atomic.Int64
	for range 8 {
		wg.Go(func() {
			for done.Add(1) <= int64(b.N) {
				var err error
				if rand.IntN(10) > 0 {
					err = readPoint(ctx, e, rand.Int64N(benchRows)+1)
				} else {
					err = e.Write(ctx, func(_ context.Context, w *db.Writer) error {
						_, err := insert.Run(w, "somebody", "a text of some length, as people write it")
						return err
					})
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// TestAllocations holds what a query allocates: a handful, and one for each string.
func TestAllocations(t *testing.T) {
	e := openBench(t)
	ctx := t.Context()
	for _, one := range []struct {
		name    string
		strings float64
		run     func() error
	}{
		{"a point read", 2, func() error { return readPoint(ctx, e, 7) }},
		{"fifty rows", 100, func() error { return readFifty(ctx, e) }},
	} {
		got := testing.AllocsPerRun(100, func() {
			if err := one.run(); err != nil {
				t.Fatal(err)
			}
		})
		if got > one.strings+4 {
			t.Errorf("%s allocates %v times, want at most %v", one.name, got, one.strings+4)
		}
	}
}
