// Package valkey keeps the buckets of a [throttle.Limiter] on a Valkey or Redis server, so that all processes of a site count
// together and none waits for the database's one writer.
//
// What it granted is kept as the server keeps what is written: with appendonly and appendfsync always from the moment on, with
// everysec but for the last second before a power failure. While the server is away nothing is granted: nobody signs in, which is
// the safe side; pages that compare no secret are not asked for a permit.
package valkey

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/throttle"
)

// All keys have one first value, so that a cluster keeps them on one of its servers: the buckets of an attempt are taken in one
// step or not at all, whichever they are.
var (
	bucketKey = valkey.NewKey("throttle:{}:bucket:{}")
	indexKey  = valkey.NewKey("throttle:{}:expires")

	states  = valkey.NewCommand[[]string]("MGET {key}...", bucketKey)
	expired = valkey.NewCommand[[]string]("ZRANGEBYSCORE {key} -inf {} LIMIT 0 500", indexKey)

	// KEYS: the index, then buckets. ARGV: for each bucket the state that was read, the one to be, and when that is empty by
	// itself; '' is none. It writes all of them, if none was changed since it was read.
	change = valkey.NewScript[int64](`
for i = 2, #KEYS do
	if (redis.call('GET', KEYS[i]) or '') ~= ARGV[i * 3 - 5] then
		return 0
	end
end
for i = 2, #KEYS do
	local state, expires = ARGV[i * 3 - 4], ARGV[i * 3 - 3]
	local name = string.match(KEYS[i], '([^{]*)}$')
	if state == '' then
		redis.call('DEL', KEYS[i])
		redis.call('ZREM', KEYS[1], name)
	else
		redis.call('SET', KEYS[i], state)
		if expires ~= '' then
			redis.call('ZADD', KEYS[1], expires, name)
		end
	end
end
return 1`)

	forget = valkey.NewCommand[int64]("ZREM {key} {}...", indexKey)

	// KEYS: the index, then buckets that were in it. ARGV: the time.
	sweep = valkey.NewScript[int64](`
local gone = 0
for i = 2, #KEYS do
	local name = string.match(KEYS[i], '([^{]*)}$')
	local expires = redis.call('ZSCORE', KEYS[1], name)
	if expires and tonumber(expires) <= tonumber(ARGV[1]) then
		redis.call('DEL', KEYS[i])
		redis.call('ZREM', KEYS[1], name)
		gone = gone + 1
	end
end
return gone`)
)

// group is the first value of all keys.
const group = "1"

// A Store is a [throttle.Store] on a server. It is safe for concurrent use, also by several processes.
type Store struct{ client *valkey.Client }

var _ throttle.Store = (*Store)(nil)

// NewStore returns the store on the server of a client.
func NewStore(client *valkey.Client) *Store { return &Store{client} }

// Checks are those of the client.
func (s *Store) Checks() []check.Check { return s.client.Checks() }

// tries bounds how often an attempt is made anew because others changed a bucket meanwhile. Each try that fails is another's that
// succeeded, and a bucket takes no more of those than its burst at once.
const tries = 1000

var errContended = fmt.Errorf("throttle/valkey: others have changed the same buckets %d times meanwhile; %w", tries, db.ErrBusy)

// away says of an error of the server that the next attempt may succeed, which answers it as a busy database is.
func away(err error) error {
	if errors.Is(err, valkey.ErrCannot) {
		return fmt.Errorf("%w: %w", db.ErrBusy, err)
	}
	return err
}

func names(keys ...throttle.Key) []valkey.Name {
	all := make([]valkey.Name, len(keys))
	for i := range keys {
		all[i] = bucketKey.Of(group, hex.EncodeToString(keys[i][:]))
	}
	return all
}

// read returns the states of buckets as they are kept, "" for one that is not there.
func (s *Store) read(ctx context.Context, buckets []valkey.Name) ([]string, error) {
	args := make([]valkey.Arg, len(buckets))
	for i, b := range buckets {
		args[i] = b
	}
	kept, err := states.Do(ctx, s.client, args...)
	if err == nil && len(kept) != len(buckets) {
		err = fmt.Errorf("throttle/valkey: the server answers with %d states for %d buckets", len(kept), len(buckets))
	}
	return kept, away(err)
}

// A write is one bucket as it was read and as it is to be.
type write struct {
	was, now string // "": none
	expires  int64  // 0: as before
}

// write makes the changes and reports whether none of the buckets was changed by others since.
func (s *Store) write(ctx context.Context, buckets []valkey.Name, writes []write) (bool, error) {
	values := make([]valkey.Value, 0, 3*len(writes))
	for _, w := range writes {
		expires := ""
		if w.expires != 0 {
			expires = strconv.FormatInt(w.expires, 10)
		}
		values = append(values, valkey.Text(w.was), valkey.Text(w.now), valkey.Text(expires))
	}
	n, err := change.Do(ctx, s.client, append([]valkey.Name{indexKey.Of(group)}, buckets...), values...)
	return n == 1, away(err)
}

// again does what reads and writes until nobody came between.
func again(ctx context.Context, do func() (done bool, err error)) error {
	for n := range tries {
		if done, err := do(); done || err != nil {
			return err
		}
		if n > 10 { // many at once: let the others finish
			select {
			case <-time.After(time.Duration(n%10) * time.Millisecond):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return errContended
}

// Reserve implements [throttle.Store]. When the server's answer is lost the places may have been taken: they count as failures.
func (s *Store) Reserve(ctx context.Context, now int64, asks []throttle.Ask) (answer throttle.Answer, err error) {
	keys := make([]throttle.Key, len(asks))
	for i := range asks {
		keys[i] = asks[i].Key
	}
	buckets := names(keys...)
	err = again(ctx, func() (bool, error) {
		kept, err := s.read(ctx, buckets)
		if err != nil {
			return false, err
		}
		var writes []write
		var at []valkey.Name
		if answer, writes, at, err = take(now, asks, buckets, kept); err != nil || len(writes) == 0 {
			return true, err
		}
		return s.write(ctx, at, writes)
	})
	if err != nil {
		return throttle.Answer{}, err
	}
	return answer, nil
}

// take decides about an attempt. It returns what is to be written, and to which buckets: of a refusal nothing, but for states that
// were mended.
func take(now int64, asks []throttle.Ask, buckets []valkey.Name, kept []string) (answer throttle.Answer, writes []write, at []valkey.Name, err error) {
	var granted, mended []write
	var where []valkey.Name
	places := make([]throttle.Place, len(asks))
	for i := range asks {
		ask := &asks[i]
		state, damaged := parse(kept[i], &ask.Limit, now)
		place, v := state.Take(&ask.Limit, now)
		b, err := state.AppendBinary(nil)
		if err != nil {
			return throttle.Answer{}, nil, nil, err
		}
		w := write{kept[i], string(b), state.Expires(&ask.Limit)}
		granted = append(granted, w)
		if v.Taken {
			place.Key = ask.Key
			places[i] = place
			continue
		}
		if v.Mended || damaged {
			mended, where = append(mended, w), append(where, buckets[i])
		}
		answer.Refused = append(answer.Refused, throttle.Refusal{Ask: i, Until: v.Until, Closed: v.Closed})
	}
	if len(answer.Refused) > 0 {
		return answer, mended, where, nil
	}
	return throttle.Answer{Granted: true, Places: places}, granted, buckets, nil
}

// parse reads a state. What cannot be read counts as full from now on.
func parse(kept string, l *throttle.Limit, now int64) (s throttle.State, damaged bool) {
	if kept == "" {
		return s, false
	}
	if s.UnmarshalBinary([]byte(kept)) != nil {
		s.Fill(l, now)
		return s, true
	}
	return s, false
}

// Settle implements [throttle.Store].
func (s *Store) Settle(ctx context.Context, now int64, places []throttle.Place, how throttle.Outcome) error {
	for i := range places {
		p := &places[i]
		if how == throttle.Succeeded && p.Limit.After == throttle.Keep {
			continue
		}
		bucket := names(p.Key)
		err := again(ctx, func() (bool, error) {
			kept, err := s.read(ctx, bucket)
			if err != nil || kept[0] == "" {
				return true, err
			}
			var state throttle.State
			if state.UnmarshalBinary([]byte(kept[0])) != nil {
				return true, nil
			}
			w := write{was: kept[0]}
			if !state.Settle(p, now, how) {
				b, err := state.AppendBinary(nil)
				if err != nil {
					return true, err
				}
				w.now = string(b)
			}
			return s.write(ctx, bucket, []write{w})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Release implements [throttle.Store].
func (s *Store) Release(ctx context.Context, keys []throttle.Key) error {
	for i := range keys {
		bucket := names(keys[i])
		err := again(ctx, func() (bool, error) {
			kept, err := s.read(ctx, bucket)
			if err != nil || kept[0] == "" {
				return true, err
			}
			return s.write(ctx, bucket, []write{{was: kept[0]}})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Inspect implements [throttle.Store].
func (s *Store) Inspect(ctx context.Context, key throttle.Key) (state throttle.State, err error) {
	kept, err := s.read(ctx, names(key))
	if err != nil || kept[0] == "" {
		return state, err
	}
	return state, state.UnmarshalBinary([]byte(kept[0]))
}

// Sweep implements [throttle.Store], 500 buckets at a step, so that no request waits for it. What the index holds and is the name of
// no bucket, the site has not written: it is taken out.
func (s *Store) Sweep(ctx context.Context, now int64) error {
	for {
		found, err := expired.Do(ctx, s.client, indexKey.Of(group), valkey.Int(now))
		if err != nil || len(found) == 0 {
			return away(err)
		}
		keys, foreign := []valkey.Name{indexKey.Of(group)}, []valkey.Arg{indexKey.Of(group)}
		for _, name := range found {
			if isName(name) {
				keys = append(keys, bucketKey.Of(group, name))
			} else {
				foreign = append(foreign, valkey.Text(name))
			}
		}
		var gone, out int64
		if len(foreign) > 1 {
			if out, err = forget.Do(ctx, s.client, foreign...); err != nil {
				return away(err)
			}
		}
		if len(keys) > 1 {
			gone, err = sweep.Do(ctx, s.client, keys, valkey.Int(now))
		}
		if err != nil || gone+out == 0 {
			return away(err)
		}
	}
}

// isName reports whether a member of the index is the name of a bucket: a key in lower hexadecimal digits.
func isName(s string) bool {
	return len(s) == 2*len(throttle.Key{}) && strings.Trim(s, "0123456789abcdef") == ""
}
