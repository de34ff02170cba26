package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/session"
)

// lookupMany and lookupFew are the sizes of the two tables of sessions. In both, few are looked up: the rest of the many
// are rows of the same size under random keys, that nobody has the token of.
const (
	lookupMany = 1_000_000
	lookupFew  = 10_000
)

// lookup measures a session's look-up among many against one among few: cookie, hash, row, seal, without the cache of
// opened rows, which would answer all of the few and none of the many. Each side has a store of its own, which side makes.
func lookup(side func(b *bench, ctx context.Context, few, rows int) (*lookupSide, error)) func(context.Context, *bench) (outcome, error) {
	return func(ctx context.Context, b *bench) (outcome, error) {
		many, err := side(b, ctx, lookupFew, lookupMany)
		if err != nil {
			return outcome{}, err
		}
		defer many.close(context.WithoutCancel(ctx))
		few, err := side(b, ctx, lookupFew, lookupFew)
		if err != nil {
			return outcome{}, err
		}
		defer few.close(context.WithoutCancel(ctx))
		as, bs, err := b.compare(ctx, many.turn, few.turn)
		if err != nil {
			return outcome{}, err
		}
		return outcome{spread: ratios(as, bs, byTime), note: times(as, bs)}, nil
	}
}

type lookupSide struct {
	turn  turn
	close func(context.Context) error
}

func (b *bench) lookupSide(ctx context.Context, few, rows int) (*lookupSide, error) {
	dir := filepath.Join(b.dir, fmt.Sprintf("sessions-%d", rows))
	site, err := openSite(ctx, dir)
	if err != nil {
		return nil, err
	}
	house := site.House()
	manager, err := session.New(session.Config{
		Shared: true, // no cache
		Clock:  house.Clock,
		Secret: func(string) []byte { return make([]byte, 32) },
	})
	if err == nil {
		var cookies []string
		if cookies, err = fillSessions(ctx, house.Engine, manager, few, rows); err == nil {
			return &lookupSide{lookups(house.Engine, manager, cookies), site.Close}, nil
		}
	}
	return nil, errors.Join(err, site.Close(ctx))
}

// fillSessions begins few sessions among rows; the strangers are strewn between them, so that the few do not lie
// side by side. It writes in portions: one transaction of a million rows would be a log of its own size.
func fillSessions(ctx context.Context, engine db.Engine, manager *session.Manager, few, rows int) ([]string, error) {
	const portion = 500
	strangers := (rows - few) / few
	store := session.NewStore()
	cookies := make([]string, 0, few)
	data := make([]byte, 80) // about what the few have
	key := uint64(0)
	for len(cookies) < few {
		err := engine.Write(quiet(ctx), func(_ context.Context, w *db.Writer) error {
			now := time.Now().UnixMicro()
			for range portion {
				some, err := signIn(w, manager, len(cookies), 1)
				if err != nil {
					return err
				}
				cookies = append(cookies, some...)
				for range strangers {
					key++
					_, err := store.Insert(w, &session.Row{
						Key: sha256.Sum256(binary.BigEndian.AppendUint64(nil, key)), User: int64(key), Factors: 1, Created: now, Seen: now,
						Idle: now + int64(time.Hour/time.Microsecond), Absolute: now + int64(24*time.Hour/time.Microsecond),
						Device: "Firefox on Linux", Network: "192.0.2.0/24", Version: 1, Data: data,
					})
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return cookies, nil
}

func lookups(engine db.Engine, manager *session.Manager, cookies []string) turn {
	all := make([]*http.Request, len(cookies))
	for i, c := range cookies {
		all[i] = &http.Request{Method: http.MethodGet, Header: http.Header{"Cookie": {c}}}
	}
	i := 0
	return loop(func() error {
		i++
		r := engine.Read(context.Background())
		defer r.Close()
		state, err := manager.Load(r, all[i*7919%len(all)])
		if err == nil && !state.Live() {
			err = errors.New("a session that was begun is not there")
		}
		return err
	})
}
