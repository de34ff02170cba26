package valkey

import (
	"context"

	"github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/throttle"
)

var (
	damage = valkey.NewCommand[valkey.Done]("SET {key} damaged", bucketKey)
	count  = valkey.NewCommand[int64]("ZCARD {key}", indexKey)
)

// Damage writes over the state of a bucket.
func Damage(ctx context.Context, c *valkey.Client, key throttle.Key) error {
	_, err := damage.Do(ctx, c, names(key)[0])
	return err
}

// Count returns how many buckets the index has.
func Count(ctx context.Context, c *valkey.Client) (int64, error) {
	return count.Do(ctx, c, indexKey.Of(group))
}

// Forget empties all buckets.
func Forget(ctx context.Context, c *valkey.Client) error { return NewStore(c).Sweep(ctx, 1<<53) }
