// The user stands in a place of a declared pattern.
package fixed

import (
	"context"

	"github.com/merlon-web/merlon/outbound/valkey"
)

var (
	cart = valkey.NewKey("shop:cart:{}")
	read = valkey.NewCommand[string]("GET {key}", cart)
)

func find(ctx context.Context, c *valkey.Client, user string) (string, error) {
	return read.Do(ctx, c, cart.Of(user))
}
