package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5/pgxpool"
	vk "github.com/valkey-io/valkey-go"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/postgres"
	"github.com/merlon-web/merlon/valkey"
)

// The reference page on servers: rows on PostgreSQL, sessions there or on Valkey, against the same page written by hand with pgx, scs and
// valkey-go. A child is told where they are by its environment.
const (
	postgresVariable = "MERLON_BENCH_POSTGRES" // the port
	valkeyVariable   = "MERLON_BENCH_VALKEY"   // the address; empty: sessions are in the database
)

// maxConns is how many connections read, on both sides: those that Merlon's engine takes.
const maxConns = 8

func openOnServers(ctx context.Context, dir, port, store, replicas string) (*merlon.Site, error) {
	env := siteEnv(dir)
	var stores merlon.Stores
	if store != "" {
		env.Settings.Valkey.URL = "valkey://" + store
		stores = valkey.Or(env)
	}
	at := func(role, port string) string {
		return fmt.Sprintf("postgres://%s@127.0.0.1:%s/site?sslmode=disable", role, port)
	}
	c := postgres.Config{URL: at("site", port), Reader: at("site_reader", port)}
	for one := range strings.SplitSeq(replicas, ",") {
		if one != "" {
			c.Replicas = append(c.Replicas, at("site_reader", one))
		}
	}
	site, err := newSiteOn(env, postgres.Engine(c), stores)
	if err != nil {
		return nil, err
	}
	return site, site.Start(ctx)
}

// serveSiteOnServers is the handler of a child.
func serveSiteOnServers(dir string) (http.Handler, error) {
	return openOnServers(context.Background(), dir, os.Getenv(postgresVariable), os.Getenv(valkeyVariable), os.Getenv(replicasVariable))
}

// peerPool opens the peer's database as pgx has it: its statements are prepared once a connection.
func peerPool(ctx context.Context, port string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(fmt.Sprintf("postgres://site@127.0.0.1:%s/peer?sslmode=disable&pool_max_conns=%d", port, maxConns))
	if err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

// newHandOnServers is the handler of the other child: the kit, its page written by hand.
func newHandOnServers(string) (http.Handler, error) {
	pool, err := peerPool(context.Background(), os.Getenv(postgresVariable))
	if err != nil {
		return nil, err
	}
	store, err := peerStore(pool, os.Getenv(valkeyVariable))
	if err != nil {
		return nil, err
	}
	return kitOn(func(ctx context.Context) ([]Note, error) { return pgNotes(ctx, pool) }, store, renderByHand), nil
}

func pgNotes(ctx context.Context, pool *pgxpool.Pool) ([]Note, error) {
	rows, err := pool.Query(ctx, listNotes)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make([]Note, 0, rowCount)
	for rows.Next() {
		var n Note
		if err := rows.Scan(&n.ID, &n.Author, &n.Title, &n.Text, &n.Votes, &n.Replies, &n.Done, &n.Pinned); err != nil {
			return nil, err
		}
		found = append(found, n)
	}
	return found, rows.Err()
}

func peerStore(pool *pgxpool.Pool, address string) (scs.Store, error) {
	if address == "" {
		return pgStore{pool}, nil
	}
	client, err := vk.NewClient(vk.ClientOption{InitAddress: []string{address}, DisableCache: true, ForceSingleClient: true})
	return valkeyStore{client}, err
}

// pgStore keeps scs's sessions in a table, as its own store for pgx does.
type pgStore struct{ pool *pgxpool.Pool }

// Find implements [scs.Store].
func (s pgStore) Find(token string) (data []byte, found bool, err error) {
	rows, err := s.pool.Query(context.Background(), "SELECT data FROM sessions WHERE token = $1 AND current_timestamp < expiry", token)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	if found = rows.Next(); found {
		err = rows.Scan(&data)
	}
	return data, found, errors.Join(err, rows.Err())
}

// Commit implements [scs.Store].
func (s pgStore) Commit(token string, data []byte, expiry time.Time) error {
	_, err := s.pool.Exec(context.Background(), "INSERT INTO sessions (token, data, expiry) VALUES ($1, $2, $3) ON CONFLICT (token) DO UPDATE SET data = EXCLUDED.data, expiry = EXCLUDED.expiry", token, data, expiry)
	return err
}

// Delete implements [scs.Store].
func (s pgStore) Delete(token string) error {
	_, err := s.pool.Exec(context.Background(), "DELETE FROM sessions WHERE token = $1", token)
	return err
}

// valkeyStore keeps scs's sessions on a server, one value each, as its own store for Redis does.
type valkeyStore struct{ client vk.Client }

func (valkeyStore) key(token string) string { return "scs:session:" + token }

// Find implements [scs.Store].
func (s valkeyStore) Find(token string) ([]byte, bool, error) {
	data, err := s.client.Do(context.Background(), s.client.B().Get().Key(s.key(token)).Build()).AsBytes()
	if vk.IsValkeyNil(err) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// Commit implements [scs.Store].
func (s valkeyStore) Commit(token string, data []byte, expiry time.Time) error {
	return s.client.Do(context.Background(), s.client.B().Set().Key(s.key(token)).Value(vk.BinaryString(data)).PxatMillisecondsTimestamp(expiry.UnixMilli()).Build()).Error()
}

// Delete implements [scs.Store].
func (s valkeyStore) Delete(token string) error {
	return s.client.Do(context.Background(), s.client.B().Del().Key(s.key(token)).Build()).Error()
}

// seedHandOnServers makes the peer's rows and sessions, and returns the tokens in the order of visitor.
func seedHandOnServers(ctx context.Context, port, address string, sessions int) ([]string, error) {
	pool, err := peerPool(ctx, port)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	for _, create := range []string{`CREATE TABLE note (id bigint PRIMARY KEY, author text NOT NULL, title text NOT NULL, text text NOT NULL, votes bigint NOT NULL, replies bigint NOT NULL,
		done boolean NOT NULL, pinned boolean NOT NULL)`, "CREATE TABLE sessions (token text PRIMARY KEY, data bytea NOT NULL, expiry timestamptz NOT NULL)", "CREATE INDEX sessions_expiry_idx ON sessions (expiry)"} {
		if _, err := pool.Exec(ctx, create); err != nil {
			return nil, err
		}
	}
	for _, n := range notes(rowCount) {
		if _, err := pool.Exec(ctx, insertNote, n.ID, n.Author, n.Title, n.Text, n.Votes, n.Replies, n.Done, n.Pinned); err != nil {
			return nil, err
		}
	}
	store, err := peerStore(pool, address)
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, "SET synchronous_commit = off"); err != nil { // of the seeding alone
		return nil, err
	}
	deadline := time.Now().Add(30 * 24 * time.Hour)
	tokens := make([]string, sessions)
	for i := range tokens {
		tokens[i] = randomToken()
		data, err := scs.GobCodec{}.Encode(deadline, map[string]any{"name": visitor(i)})
		if err == nil {
			err = store.Commit(tokens[i], data, deadline)
		}
		if err != nil {
			return nil, err
		}
	}
	_, err = pool.Exec(ctx, "ANALYZE")
	return tokens, err
}

// onServers compares both sides by what a page costs their processes: with few cores the servers behind them share theirs with the
// client, so requests in a second say less.
func onServers(withValkey bool) func(context.Context, *bench) (outcome, error) {
	return func(ctx context.Context, b *bench) (o outcome, err error) {
		pg, err := startPostgres(ctx)
		if err != nil {
			return o, err
		}
		defer pg.stop()
		behind := []*backend{pg}
		port, address := fmt.Sprint(pg.port), ""
		if withValkey {
			store, err := startValkey(ctx)
			if err != nil {
				return o, err
			}
			defer store.stop()
			behind, address = append(behind, store), store.address()
		}
		dir, err := b.sub("servers" + address)
		if err != nil {
			return o, err
		}
		site, err := openOnServers(ctx, dir, port, address, "")
		if err != nil {
			return o, err
		}
		cookies, err := fillSite(ctx, site, sessionCount)
		if err = errors.Join(err, site.Close(ctx)); err != nil {
			return o, err
		}
		tokens, err := seedHandOnServers(ctx, port, address, sessionCount)
		if err != nil {
			return o, err
		}
		env := []string{"GOMAXPROCS=1", postgresVariable + "=" + port, valkeyVariable + "=" + address}
		start := func(name string, all [][]byte) (side, error) {
			s, err := startAs(ctx, name, dir, all[0], onFirstCore, env...)
			return side{s, all, false}, err
		}
		x, err := start("merlon-servers", siteRequests("/notes", cookies))
		if err != nil {
			return o, err
		}
		defer x.stop()
		y, err := start("hand-servers", kitRequests(tokens))
		if err != nil {
			return o, err
		}
		defer y.stop()
		if err := equalSides(ctx, x, y, 2); err != nil {
			return o, err
		}
		defer leaveFirstCore()()
		var spent [2][2]time.Duration // of the servers behind, by side and server
		counting := func(side int, s side, t turn) turn {
			t = s.counting(t)
			return func(ctx context.Context, length time.Duration) (sample, error) {
				var before [2]time.Duration
				for i, one := range behind {
					before[i] = one.cpu()
				}
				result, err := t(ctx, length)
				for i, one := range behind {
					spent[side][i] += one.cpu() - before[i]
				}
				return result, err
			}
		}
		as, bs, err := b.compare(ctx, counting(0, x, load(x.addr, connections, everybody(x.requests))), counting(1, y, load(y.addr, connections, everybody(y.requests))))
		if err != nil {
			return o, err
		}
		o.spread = ratios(as, bs, func(mine, theirs sample) float64 { return byCPU(theirs, mine) })
		o.note = fmt.Sprintf("CPU a page %s against %s; %.0f against %.0f requests/s; p99 %.2f against %.2f ms", short(median(as, cpuOf)), short(median(bs, cpuOf)),
			median(as, rateOf), median(bs, rateOf), median(as, p99Of)/1e6, median(bs, p99Of)/1e6)
		for i, name := range []string{"PostgreSQL", "Valkey"}[:len(behind)] {
			o.note += fmt.Sprintf("; of %s %s against %s", name, short(perPage(spent[0][i], as)), short(perPage(spent[1][i], bs)))
		}
		return o, nil
	}
}

// perPage is what a server behind spent on one page. The short turn before the rounds is in it, and its pages are not: that is some 3 %.
func perPage(spent time.Duration, all []sample) float64 {
	pages := 0
	for _, s := range all {
		pages += s.ops
	}
	return float64(spent) / float64(max(pages, 1))
}
