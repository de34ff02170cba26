// A key built from input: the user "ann:admin" has the keys of another.
package mistake

import (
	"context"

	"github.com/merlon-web/merlon/outbound/valkey"
)

var read = valkey.NewCommand[string]("GET {key}", valkey.NewKey("shop:cart:{}"))

func find(ctx context.Context, c *valkey.Client, user string) (string, error) {
	return read.Do(ctx, c, "shop:cart:"+user) // compile: missing method arg
}

func own(ctx context.Context, c *valkey.Client, user string) (string, error) {
	return read.Do(ctx, c, valkey.NewKey("shop:cart:"+user).Of()) // compile: constant value in argument to valkey.NewKey
}
