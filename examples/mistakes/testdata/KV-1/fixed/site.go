// What is added is a value of a declared script or command.
package fixed

import (
	"context"

	"github.com/merlon-web/merlon/outbound/valkey"
)

var (
	cart  = valkey.NewKey("shop:cart:{}")
	added = valkey.NewScript[int64](`return redis.call('SADD', KEYS[1], ARGV[1])`)
	items = valkey.NewCommand[[]string]("SMEMBERS {key}", cart)
)

func add(ctx context.Context, c *valkey.Client, user, item string) (int64, error) {
	return added.Do(ctx, c, []valkey.Name{cart.Of(user)}, valkey.Text(item))
}

func list(ctx context.Context, c *valkey.Client, user string) ([]string, error) {
	return items.Do(ctx, c, cart.Of(user))
}
