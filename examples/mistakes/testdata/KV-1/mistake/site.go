// A script and a command built from input.
package mistake

import (
	"context"

	"github.com/merlon-web/merlon/outbound/valkey"
)

var cart = valkey.NewKey("shop:cart:{}")

func add(ctx context.Context, c *valkey.Client, user, item string) (int64, error) {
	script := valkey.NewScript[int64]("return redis.call('SADD', KEYS[1], '" + item + "')") // compile: constant value in argument to valkey.NewScript
	return script.Do(ctx, c, []valkey.Name{cart.Of(user)})
}

func run(ctx context.Context, c *valkey.Client, user, verb string) (string, error) {
	return valkey.NewCommand[string](verb+" {key}", cart).Do(ctx, c, cart.Of(user)) // compile: constant value in argument to valkey.NewCommand
}
