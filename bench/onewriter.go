package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// writers is how many goroutines write at a time, in all.
const writers = 8

// oneWriter compares transactions that change one row each: two sites on one database, which take turns at the writers' lock, against a
// pool whose transactions run side by side and share the syncs of the log.
func oneWriter(ctx context.Context, b *bench) (o outcome, err error) {
	pg, err := startPostgres(ctx)
	if err != nil {
		return o, err
	}
	defer pg.stop()
	dir, err := b.sub("writers")
	if err != nil {
		return o, err
	}
	var both [2]*merlon.Site
	for i := range both {
		if both[i], err = openOnServers(ctx, dir, fmt.Sprint(pg.port), "", ""); err != nil {
			return o, err
		}
		defer func() { err = errors.Join(err, both[i].Close(context.WithoutCancel(ctx))) }()
	}
	err = both[0].House().Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		for _, one := range items() {
			if _, err := addItem.Run(w, one.ID, one.Name, one.Quantity); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return o, err
	}
	pool, err := peerPool(ctx, fmt.Sprint(pg.port))
	if err != nil {
		return o, err
	}
	defer pool.Close()
	if err := seedItems(ctx, pool); err != nil {
		return o, err
	}
	mine := writing(func(ctx context.Context, who int, id int64) error {
		return both[who%2].House().Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
			_, err := raiseItem.Run(w, id)
			return err
		})
	})
	theirs := writing(func(ctx context.Context, _ int, id int64) error {
		tx, err := pool.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(ctx) }()
		if _, err := tx.Exec(ctx, updateItem, id); err != nil {
			return err
		}
		return tx.Commit(ctx)
	})
	as, bs, err := b.compare(ctx, mine, theirs)
	if err != nil {
		return o, err
	}
	return outcome{spread: ratios(as, bs, byRate), note: fmt.Sprintf("%.0f against %.0f transactions/s", median(as, rateOf), median(bs, rateOf))}, nil
}

func seedItems(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, "CREATE TABLE item (id bigint PRIMARY KEY, name text NOT NULL, quantity bigint NOT NULL)"); err != nil {
		return err
	}
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	for _, one := range items() {
		if _, err := tx.Exec(ctx, insertItem, one.ID, one.Name, one.Quantity); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}

// writing has all writers change rows, again and again, no two the same one.
func writing(once func(ctx context.Context, who int, id int64) error) turn {
	return func(ctx context.Context, length time.Duration) (sample, error) {
		start := time.Now()
		until := start.Add(length)
		counts, errs := make([]int, writers), make([]error, writers)
		var wait sync.WaitGroup
		for who := range writers {
			wait.Go(func() {
				for n := int64(0); (n == 0 || time.Now().Before(until)) && ctx.Err() == nil; n++ {
					if err := once(ctx, who, (n*7919)%(itemCount/writers)*writers+int64(who)+1); err != nil {
						errs[who] = err
						return
					}
					counts[who]++
				}
			})
		}
		wait.Wait()
		s := sample{took: time.Since(start)}
		for _, n := range counts {
			s.ops += n
		}
		return s, errors.Join(errs...)
	}
}
