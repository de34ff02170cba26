package throttle

import (
	"context"
	"embed"
	"errors"

	"github.com/merlon-web/merlon/db"
)

//go:embed migrations
var migrations embed.FS

var schema = db.From(migrations, "migrations").Named("throttle")

var (
	selectState = db.Query[[]byte](schema, "SELECT state FROM merlon_throttle WHERE key = $1")
	putState    = db.Exec(schema, `INSERT INTO merlon_throttle (key, kind, state, expires) VALUES ($1, $2, $3, $4)
ON CONFLICT (key) DO UPDATE SET state = excluded.state, expires = excluded.expires`)
	changeState = db.Exec(schema, "UPDATE merlon_throttle SET state = $2 WHERE key = $1")
	deleteState = db.Exec(schema, "DELETE FROM merlon_throttle WHERE key = $1")
	selectDone  = db.Query[[]byte](schema, "SELECT key FROM merlon_throttle WHERE expires <= $1 ORDER BY expires LIMIT 500")
	sweepState  = db.Exec(schema, "DELETE FROM merlon_throttle WHERE key = $1 AND expires <= $2")
	forgetAll   = db.Exec(schema, "DELETE FROM merlon_throttle")
)

// ForgetAll empties every bucket of the site's own database and returns how many there were: after a theft, when the names
// under which they are kept are no secret any more. A limiter that is at work does not notice.
func ForgetAll(w *db.Writer) (int64, error) {
	done, err := forgetAll.Run(w)
	return done.Rows, err
}

// Schema returns the table of [NewStore] and its statements: what the engine is opened and migrated with.
func Schema() *db.Schema { return schema }

// sqlStore keeps buckets in the site's own database.
type sqlStore struct {
	engine db.Engine
	queue  queue
}

// NewStore returns the store that keeps buckets in the table merlon_throttle of an engine's database. Reservations that
// come at the same time share one transaction, so that a flood of sign-ins costs few commits.
func NewStore(engine db.Engine) Store { return &sqlStore{engine: engine} }

func (s *sqlStore) Reserve(ctx context.Context, now int64, asks []Ask) (Answer, error) {
	return s.queue.do(ctx, &request{now: now, asks: asks}, s.reserve)
}

// reserve answers a batch in one transaction. A state that two requests of the batch ask for is read and written through the
// transaction each time, which sees its own writes.
func (s *sqlStore) reserve(ctx context.Context, batch []*request) error {
	return s.engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		for _, r := range batch {
			if err := reserveOne(w, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func reserveOne(w *db.Writer, r *request) error {
	states := make([]State, len(r.asks))
	places := make([]Place, len(r.asks))
	r.answer = Answer{}
	for i := range r.asks {
		ask, s := &r.asks[i], &states[i]
		damaged, err := read(w, ask.Key, s, &ask.Limit, r.now)
		if err != nil {
			return err
		}
		place, v := s.Take(&ask.Limit, r.now)
		if (v.Mended || damaged) && !v.Taken {
			if err := put(w, ask, s); err != nil {
				return err
			}
		}
		if !v.Taken {
			r.answer.Refused = append(r.answer.Refused, Refusal{i, v.Until, v.Closed})
			continue
		}
		place.Key = ask.Key
		places[i] = place
	}
	if len(r.answer.Refused) > 0 {
		return nil
	}
	for i := range r.asks {
		if err := put(w, &r.asks[i], &states[i]); err != nil {
			return err
		}
	}
	r.answer = Answer{Granted: true, Places: places}
	return nil
}

func put(w *db.Writer, ask *Ask, s *State) error {
	b, err := s.AppendBinary(nil)
	if err != nil {
		return err
	}
	_, err = putState.Run(w, ask.Key[:], ask.Kind, b, s.Expires(&ask.Limit))
	return err
}

// read reads a state. What cannot be read counts as full from now on.
func read(q db.Querier, key Key, s *State, l *Limit, now int64) (damaged bool, err error) {
	b, err := selectState.One(q, key[:])
	if errors.Is(err, db.ErrNoRow) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if s.UnmarshalBinary(b) != nil {
		s.Fill(l, now)
		return true, nil
	}
	return false, nil
}

func (s *sqlStore) Settle(ctx context.Context, now int64, places []Place, how Outcome) error {
	return s.engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		for i := range places {
			p := &places[i]
			if how == Succeeded && p.Limit.After == Keep {
				continue
			}
			b, err := selectState.One(w, p.Key[:])
			if errors.Is(err, db.ErrNoRow) {
				continue
			}
			if err != nil {
				return err
			}
			var st State
			if st.UnmarshalBinary(b) != nil {
				continue
			}
			if st.Settle(p, now, how) {
				if _, err := deleteState.Run(w, p.Key[:]); err != nil {
					return err
				}
				continue
			}
			if b, err = st.AppendBinary(b[:0]); err != nil {
				return err
			}
			if _, err := changeState.Run(w, p.Key[:], b); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sqlStore) Release(ctx context.Context, keys []Key) error {
	return s.engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		for i := range keys {
			if _, err := deleteState.Run(w, keys[i][:]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sqlStore) Inspect(ctx context.Context, key Key) (State, error) {
	r := s.engine.Read(ctx)
	defer r.Close()
	b, err := selectState.One(r, key[:])
	if errors.Is(err, db.ErrNoRow) {
		return State{}, nil
	}
	if err != nil {
		return State{}, err
	}
	var st State
	return st, st.UnmarshalBinary(b)
}

// Sweep looks with a reader and deletes in short transactions, so that no request waits for it.
func (s *sqlStore) Sweep(ctx context.Context, now int64) error {
	for {
		r := s.engine.Read(ctx)
		keys, err := selectDone.All(r, now)
		_ = r.Close()
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := s.engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
			for _, key := range keys {
				if _, err := sweepState.Run(w, key, now); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if len(keys) < 500 {
			return nil
		}
	}
}
