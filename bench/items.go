package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// An Item is a row of the table of which single rows are read and written.
type Item struct {
	ID       int64
	Name     string
	Quantity int64
}

const (
	itemCount    = 10_000
	mixedClients = 8 // goroutines of sqlite-mixed

	createItems = `CREATE TABLE item (
	id       INTEGER PRIMARY KEY,
	name     TEXT NOT NULL,
	quantity INTEGER NOT NULL
)`
	insertItem = "INSERT INTO item (id, name, quantity) VALUES ($1, $2, $3)"
	pointItem  = "SELECT id, name, quantity FROM item WHERE id = $1"
	updateItem = "UPDATE item SET quantity = quantity + 1 WHERE id = $1"
)

func items() []Item {
	all := make([]Item, itemCount)
	for i := range all {
		all[i] = Item{ID: int64(i + 1), Name: fmt.Sprintf("%s %s %d", words[i%len(words)], words[i/7%len(words)], i), Quantity: int64(i % 100)}
	}
	return all
}

// An itemStore is SQLite as one side reaches it.
type itemStore interface {
	one(ctx context.Context, id int64) (Item, error)
	notes(ctx context.Context) ([]Note, error)
	add(ctx context.Context, id int64) error
	close()
}

// equalStores reads from both sides what will be measured.
func equalStores(ctx context.Context, mine, theirs itemStore) error {
	for _, id := range []int64{1, itemCount / 2, itemCount} {
		a, err := mine.one(ctx, id)
		if err != nil {
			return err
		}
		b, err := theirs.one(ctx, id)
		if err != nil {
			return err
		}
		if a != b {
			return fmt.Errorf("item %d is %v here and %v there", id, a, b)
		}
	}
	a, err := mine.notes(ctx)
	if err != nil {
		return err
	}
	b, err := theirs.notes(ctx)
	if err != nil {
		return err
	}
	if len(a) != rowCount || !slices.Equal(a, b) {
		return fmt.Errorf("the %d notes here are not the %d there", len(a), len(b))
	}
	return nil
}

// readPoint reads one row after the other, never the same twice running.
func readPoint(s itemStore) turn {
	id := int64(0)
	return loop(func() error {
		id = (id+7919)%itemCount + 1
		got, err := s.one(context.Background(), id)
		if err == nil && got.ID != id {
			err = fmt.Errorf("asked for item %d and got %d", id, got.ID)
		}
		return err
	})
}

// readRows reads the rows of the reference page.
func readRows(s itemStore) turn {
	return loop(func() error {
		got, err := s.notes(context.Background())
		if err == nil && len(got) != rowCount {
			err = fmt.Errorf("got %d rows", len(got))
		}
		return err
	})
}

// readAndWrite has mixedClients goroutines read nine times and write once, again and again.
func readAndWrite(s itemStore) turn {
	return func(ctx context.Context, length time.Duration) (sample, error) {
		cpu, start := ownCPU(), time.Now()
		until := start.Add(length)
		counts := make([]int, mixedClients)
		errs := make([]error, mixedClients)
		var wait sync.WaitGroup
		for c := range mixedClients {
			wait.Go(func() {
				id := int64(c * itemCount / mixedClients)
				for (counts[c] == 0 || time.Now().Before(until)) && ctx.Err() == nil {
					for op := range 10 {
						id = (id+7919)%itemCount + 1
						var err error
						if op == 9 {
							err = s.add(context.Background(), id)
						} else {
							_, err = s.one(context.Background(), id)
						}
						if err != nil {
							errs[c] = err
							return
						}
						counts[c]++
					}
				}
			})
		}
		wait.Wait()
		s := sample{took: time.Since(start), cpu: ownCPU() - cpu}
		for _, n := range counts {
			s.ops += n
		}
		return s, errors.Join(errs...)
	}
}
