package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/merlon-web/merlon/session"
)

// postgresSide is a server with its sessions.
func (b *bench) postgresSide(ctx context.Context, few, rows int) (_ *lookupSide, err error) {
	server, err := startPostgres(ctx)
	if err != nil {
		return nil, err
	}
	end := func(context.Context) error { server.stop(); return nil }
	defer func() {
		if err != nil {
			err = errors.Join(err, end(context.WithoutCancel(ctx)))
		}
	}()
	dir, err := b.sub(fmt.Sprintf("postgres-%d", rows))
	if err != nil {
		return nil, err
	}
	site, err := openOnServers(ctx, dir, fmt.Sprint(server.port), "", "")
	if err != nil {
		return nil, err
	}
	end = func(ctx context.Context) error { defer server.stop(); return site.Close(ctx) }
	house := site.House()
	manager, err := session.New(session.Config{Shared: true, Clock: house.Clock, Secret: func(string) []byte { return make([]byte, 32) }})
	if err != nil {
		return nil, err
	}
	cookies, err := fillSessions(ctx, house.Engine, manager, few, few)
	if err == nil {
		err = server.say(ctx, "site", strangersOnPostgres(rows-few))
	}
	if err == nil {
		err = server.say(ctx, "site", "VACUUM (ANALYZE) merlon_session")
	}
	if err != nil {
		return nil, err
	}
	return &lookupSide{lookups(house.Engine, manager, cookies), end}, nil
}

// strangersOnPostgres puts in rows of the shape and size that the store's have, under keys that nobody asks for, and those lie
// between the others: the slot is the beginning of a hash.
func strangersOnPostgres(rows int) string {
	return fmt.Sprintf(`INSERT INTO merlon_session (slot, id, key, user_id, class, factors, how, remember, recent, created, last_seen, idle_deadline, absolute_deadline, device, network, version, data)
SELECT ('x' || encode(substr(key, 1, 8), 'hex'))::bit(64)::bigint & 9223372036854775807, 1000000000000 + n, key, n, 0, 1, '', 0, 0, now, now, now + 3600000000, now + 86400000000,
	'Firefox on Linux', '192.0.2.0/24', 1, decode(repeat('00', 80), 'hex')
FROM (SELECT n, sha256(n::text::bytea) AS key, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now FROM generate_series(1, %d) AS n) AS strangers
ON CONFLICT DO NOTHING`, rows)
}
