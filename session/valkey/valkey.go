// Package valkey keeps the rows of a [session.Manager] on a Valkey or Redis server, so that looking a session up costs the database
// nothing. What rests there is what the table would hold: hashes of tokens, and values sealed under keys that only the cookies have.
// That is against who reads it. Against who writes there each row is signed by a key of the site's: one that the site has not
// written, or not there, is nobody's session ([session.RuleRow]). Who can write to the server can still put a row back as it once
// was, until its deadline, and take one out of the lists by which all sessions of a user are ended; it was a session of that
// user's, and only the browser that has its cookie opens it.
//
// What a request writes waits until its transaction is about to be committed and is then written before it ([db.Companion]), each
// row only if it is as it was read. So a request that is rolled back leaves nothing, a session that has ended is never written
// again, and its end is seen by all processes from the moment on in which the request is answered. A process that dies between the
// two leaves its sessions ended or written although its rows are not; nobody's session is alive for it that was not.
//
// While the server is away no session is found or written: requests that bring a session's cookie are answered as when the
// database is busy, and may be tried again.
//
// How final an end is when the server itself fails, is as its log is: with appendfsync always it stays; with everysec the last
// second before a power failure is lost; a replica that takes over may lack what was not copied yet.
package valkey

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/session"
)

// A row is a hash of two fields, its values apart from the rest, so that lists do not read them. Its first value is its own, so a
// cluster spreads rows; the indexes of all sessions have one place.
var (
	rowKey  = valkey.NewKey("session:{}:row:{}")  // digest, generation
	userKey = valkey.NewKey("session:{}:user:{}") // number, generation: the digests of a user's sessions
	allKey  = valkey.NewKey("session:{}:all")     // generation: digests by id
	liveKey = valkey.NewKey("session:{}:live")    // generation: digests of users' sessions that have not ended, by deadline
	overKey = valkey.NewKey("session:{}:over")    // generation: digests by when they ended, else by deadline
	lastKey = valkey.NewKey("session:{}:last")    // generation: the last id

	getRow  = valkey.NewCommand[[]string]("HMGET {key} head data", rowKey)
	getHead = valkey.NewCommand[string]("HGET {key} head", rowKey)
	ofUser  = valkey.NewCommand[[]string]("SMEMBERS {key}", userKey)
	below   = valkey.NewCommand[[]string]("ZREVRANGEBYSCORE {key} {} -inf LIMIT {} {}", allKey)
	above   = valkey.NewCommand[[]string]("ZRANGEBYSCORE {key} {} +inf WITHSCORES LIMIT {} {}", allKey)
	past    = valkey.NewCommand[[]string]("ZRANGEBYSCORE {key} {} {} WITHSCORES LIMIT {} {}", overKey)
	drop    = valkey.NewCommand[int64]("DEL {key}", rowKey)
	living  = valkey.NewCommand[int64]("ZCOUNT {key} {} +inf", liveKey)

	// KEYS: a row. ARGV: the head that was read, '' for none; the one to be, '' for none; 'set', 'drop' or 'keep' for the data,
	// and the data; after how many milliseconds the row may be forgotten, '' as before.
	change = valkey.NewScript[int64](`
if (redis.call('HGET', KEYS[1], 'head') or '') ~= ARGV[1] then
	return 0
end
if ARGV[2] == '' then
	redis.call('DEL', KEYS[1])
	return 1
end
redis.call('HSET', KEYS[1], 'head', ARGV[2])
if ARGV[3] == 'set' then
	redis.call('HSET', KEYS[1], 'data', ARGV[4])
elseif ARGV[3] == 'drop' then
	redis.call('HDEL', KEYS[1], 'data')
end
if ARGV[5] ~= '' then
	redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
return 1`)

	// KEYS: the index of all, of those alive, of those that are over. ARGV: a digest, its id, its deadline if it is a user's and has
	// not ended, else '', and when it is or was over; after how many milliseconds an index that nobody adds to may be forgotten.
	index = valkey.NewScript[int64](`
for i = 1, 3 do
	if ARGV[i + 1] == '' then
		redis.call('ZREM', KEYS[i], ARGV[1])
	else
		redis.call('ZADD', KEYS[i], ARGV[i + 1], ARGV[1])
		redis.call('PEXPIRE', KEYS[i], ARGV[5])
	end
end
return 1`)

	// KEYS: the index of a user. ARGV: a digest; the time as above, '' to take it out.
	indexUser = valkey.NewScript[int64](`
if ARGV[2] == '' then
	return redis.call('SREM', KEYS[1], ARGV[1])
end
redis.call('SADD', KEYS[1], ARGV[1])
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

	// KEYS: the last id. ARGV: the least one to be. It returns one that was never given.
	nextID = valkey.NewScript[string](`
local id, last = tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[1]) or '0')
if last >= id then
	id = last + 1
end
local text = string.format('%.0f', id)
redis.call('SET', KEYS[1], text)
return text`)
)

// longest is how long an index may lie without an addition: longer than any session.
const longest = 440 * 24 * time.Hour

// maxNumber bounds ids and times: the server counts by floating point numbers, which are exact up to there.
const maxNumber = 1 << 53

// A Store is a [session.Store] on a server. It is safe for concurrent use, also by several processes, whose transactions come one
// after the other, as those of one database do.
type Store struct {
	client     *valkey.Client
	generation string
	keys       *keyring.Subkeys
	outage     db.Outage
}

var _ session.Store = (*Store)(nil)

// NewStore returns the store on the server of a client. Sessions of another generation are nobody's: a site that was restored from
// a backup, whose users may be others, has another one than before. It is 1 to 64 letters and digits. Rows are signed by the newest
// of the keys, which have a purpose of their own; those that an older one signed are read.
func NewStore(client *valkey.Client, generation string, keys *keyring.Subkeys) (*Store, error) {
	if len(generation) == 0 || len(generation) > 64 {
		return nil, fmt.Errorf("session/valkey: a generation of %d bytes: sessions of before a restore would be those of after it; give 1 to 64", len(generation))
	}
	if keys == nil || keys.Newest() == 0 {
		return nil, errors.New("session/valkey: no key signs the rows: who writes to the server could begin a session of any user; give the site's key ring: keys.For(\"merlon/session/row/v1\")")
	}
	return &Store{client: client, generation: generation, keys: keys}, nil
}

// Checks are those of the client.
func (s *Store) Checks() []check.Check { return s.client.Checks() }

// Schema implements [session.Store]: there are no tables.
func (s *Store) Schema() *db.Schema { return nil }

func (s *Store) rowName(key session.Digest) valkey.Name {
	return rowKey.Of(hex.EncodeToString(key[:]), s.generation)
}

func (s *Store) userName(user int64) valkey.Name {
	return userKey.Of(strconv.FormatInt(user, 10), s.generation)
}

// outside is a context for a question to the server from within a transaction: it ends with that one, and is not marked as one. The
// server is asked then with a deadline of its own, as the database is.
func outside(ctx context.Context) (context.Context, func()) {
	out, stop := context.WithCancelCause(context.Background())
	end := context.AfterFunc(ctx, func() { stop(context.Cause(ctx)) })
	return out, func() { end(); stop(nil) }
}

// away says of an error of the server that the next request may succeed, which answers it as a busy database is.
func away(err error) error {
	switch {
	case !errors.Is(err, valkey.ErrCannot):
		return err
	case errors.Is(err, context.DeadlineExceeded): // waited for long enough
		return fmt.Errorf("%w: %w", db.ErrBusy, err)
	}
	return fmt.Errorf("%w: %w", db.ErrAway, err)
}

// patient is load for a request that has begun nothing yet: a server that is being started anew is waited for.
func (s *Store) patient(ctx context.Context, key session.Digest) (stored, error) {
	for {
		was, err := s.load(ctx, key, true)
		if err == nil {
			s.outage.Over()
			return was, nil
		}
		if !errors.Is(err, db.ErrAway) || !s.outage.Wait(ctx) {
			return was, err
		}
	}
}

// A stored row is one as the server has it.
type stored struct {
	row     session.Row
	text    string // its head as it rests; "": it is not there, or damaged
	damaged bool   // what is there was not written by the site, or not for this place: it is nobody's session
}

// load reads one row from the server.
func (s *Store) load(ctx context.Context, key session.Digest, data bool) (stored, error) {
	var texts []string
	var err error
	if data {
		texts, err = getRow.Do(ctx, s.client, s.rowName(key))
	} else {
		var text string
		if text, err = getHead.Do(ctx, s.client, s.rowName(key)); errors.Is(err, valkey.ErrNone) {
			err = nil
		}
		texts = []string{text, ""}
	}
	none := stored{row: session.Row{Key: key}}
	if refused, ok := errors.AsType[*valkey.Error](err); ok && refused.Code == "WRONGTYPE" {
		none.damaged = true
		return none, nil
	}
	if err != nil {
		return none, away(err)
	}
	if len(texts) != 2 || texts[0] == "" {
		return none, nil
	}
	row, sum, ok := s.rowOf(key, texts[0])
	if !ok || data && sum != sha256.Sum256([]byte(texts[1])) {
		none.damaged = true
		return none, nil
	}
	if data && texts[1] != "" {
		row.Data = []byte(texts[1])
	}
	return stored{row: row, text: texts[0]}, nil
}

// loadAll reads many rows without their values, some at a time; those that are gone or damaged are empty. What an index names and
// is no digest is damaged too.
func (s *Store) loadAll(ctx context.Context, digests []string) ([]stored, error) {
	all := make([]stored, len(digests))
	return all, each(len(digests), func(i int) (err error) {
		key, ok := digestOf(digests[i])
		if !ok {
			all[i].damaged = true
			return nil
		}
		all[i], err = s.load(ctx, key, false)
		return err
	})
}

// tell records rows that are damaged, those of one question in one event.
func tell(ctx context.Context, rows []stored) {
	n := 0
	for i := range rows {
		if rows[i].damaged {
			n++
		}
	}
	if n > 0 {
		event.Record(ctx, session.RuleRow, event.Refused, slog.Int("rows", n))
	}
}

func digestOf(text string) (key session.Digest, ok bool) {
	return key, copy(key[:], text) == len(key) && len(text) == len(key)
}

// width is how many rows are asked for at a time: the client sends what comes together over one connection.
const width = 16

// each does something for each of n, some at a time, and returns the first error.
func each(n int, do func(i int) error) error {
	if n == 1 {
		return do(0)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	next := 0
	for range min(n, width) {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				stop := first != nil
				mu.Unlock()
				if i >= n || stop {
					return
				}
				if err := do(i); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return first
}
