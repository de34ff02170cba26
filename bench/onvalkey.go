package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	vk "github.com/valkey-io/valkey-go"

	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/session"
	sessions "github.com/merlon-web/merlon/session/valkey"
)

// valkeySide is a server with its sessions.
func (b *bench) valkeySide(ctx context.Context, few, rows int) (_ *lookupSide, err error) {
	server, err := startValkey(ctx)
	if err != nil {
		return nil, err
	}
	end := func(context.Context) error { server.stop(); return nil }
	defer func() {
		if err != nil {
			_ = end(ctx)
		}
	}()
	dir, err := b.sub(fmt.Sprintf("valkey-%d", rows))
	if err != nil {
		return nil, err
	}
	site, err := openSite(ctx, dir) // for its transactions alone
	if err != nil {
		return nil, err
	}
	end = func(ctx context.Context) error { server.stop(); return site.Close(ctx) }
	client, err := valkey.New(valkey.Config{Address: "valkey://" + server.address()})
	if err != nil {
		return nil, err
	}
	end = func(ctx context.Context) error { client.Close(); server.stop(); return site.Close(ctx) }
	store, err := sessions.NewStore(client, "bench", keyring.Memory("bench").For("merlon/session/row/v1"))
	if err != nil {
		return nil, err
	}
	house := site.House()
	manager, err := session.New(session.Config{Shared: true, Clock: house.Clock, Store: store, Secret: func(string) []byte { return make([]byte, 32) }})
	if err != nil {
		return nil, err
	}
	cookies, err := fillSessions(ctx, house.Engine, manager, few, few)
	if err == nil {
		err = strangersOnValkey(ctx, server.address(), rows-few)
	}
	if err != nil {
		return nil, err
	}
	return &lookupSide{lookups(house.Engine, manager, cookies), end}, nil
}

// strangersOnValkey puts in rows of the shape and size that the store's have, under keys that nobody asks for.
func strangersOnValkey(ctx context.Context, address string, rows int) error {
	const portion, fill = 10_000, `
for i = 1, tonumber(ARGV[2]) do
	redis.call('HSET', 'merlon:session:{' .. string.format('%064x', ARGV[1] * 100000 + i) .. '}:row:{bench}', 'head', ARGV[3], 'data', ARGV[4])
end
return redis.call('DBSIZE')`
	client, err := vk.NewClient(vk.ClientOption{InitAddress: []string{address}, DisableCache: true, ForceSingleClient: true})
	if err != nil {
		return err
	}
	defer client.Close()
	head, data := strings.Repeat("h", 200), strings.Repeat("d", 90)
	for done := 0; done < rows; done += portion {
		n := min(portion, rows-done)
		size, err := client.Do(ctx, client.B().Eval().Script(fill).Numkeys(0).Arg(fmt.Sprint(done/portion+1), fmt.Sprint(n), head, data).Build()).AsInt64()
		if err != nil {
			return err
		}
		if size < int64(done+n) {
			return errors.New("the strangers' rows have one key")
		}
	}
	return nil
}
