package main

import (
	"context"
	"os"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

// A merlonStore is SQLite through rooms db and sqlite: each read is a reader of its own, a read-only transaction, as every
// request has one.
type merlonStore struct{ engine db.Engine }

func openMerlonStore(ctx context.Context, dir string) (itemStore, error) {
	engine := sqlite.Engine("store.db")
	if err := engine.Open(ctx, dir, siteSchema); err != nil {
		return nil, err
	}
	if _, err := engine.Migrate(ctx); err != nil {
		engine.Close()
		return nil, err
	}
	err := engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		for _, n := range notes(rowCount) {
			if _, err := addNote.Run(w, n.ID, n.Author, n.Title, n.Text, n.Votes, n.Replies, n.Done, n.Pinned); err != nil {
				return err
			}
		}
		for _, i := range items() {
			if _, err := addItem.Run(w, i.ID, i.Name, i.Quantity); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		engine.Close()
		return nil, err
	}
	return &merlonStore{engine}, nil
}

func (s *merlonStore) one(ctx context.Context, id int64) (Item, error) {
	r := s.engine.Read(ctx)
	defer r.Close()
	return selectItem.One(r, id)
}

func (s *merlonStore) notes(ctx context.Context) ([]Note, error) {
	r := s.engine.Read(ctx)
	defer r.Close()
	return selectNotes.All(r)
}

func (s *merlonStore) add(ctx context.Context, id int64) error {
	return s.engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		_, err := raiseItem.Run(w, id)
		return err
	})
}

func (s *merlonStore) close() { s.engine.Close() }

// stores compares the two stores: by time where one waits for the other's answer, by rate where many ask at once.
func stores(side func(itemStore) turn, by func(a, b sample) float64) func(context.Context, *bench) (outcome, error) {
	return func(ctx context.Context, b *bench) (outcome, error) {
		dir, err := os.MkdirTemp(b.dir, "stores-")
		if err != nil {
			return outcome{}, err
		}
		defer os.RemoveAll(dir)
		theirs, err := openMattn(dir)
		if err != nil {
			return outcome{}, err
		}
		defer theirs.close()
		mine, err := openMerlonStore(ctx, dir)
		if err != nil {
			return outcome{}, err
		}
		defer mine.close()
		if err := equalStores(ctx, mine, theirs); err != nil {
			return outcome{}, err
		}
		as, bs, err := b.compare(ctx, side(mine), side(theirs))
		if err != nil {
			return outcome{}, err
		}
		return outcome{spread: ratios(as, bs, by), note: times(as, bs)}, nil
	}
}
