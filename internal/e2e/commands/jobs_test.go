package commands_test

import (
	"context"
	"errors"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

var later = merlon.Job("later/fail", func(context.Context, *merlon.Work, string) error { return errors.New("it fails") })

// openLater is a site whose command enqueues a job: no command runs one.
func openLater(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Engine: sqlite.Engine("later.db"), Parts: []merlon.Part{{Name: "later", Jobs: []merlon.AnyKind{later},
		Commands: []merlon.Command{{Name: "queue", Args: "TEXT", Short: "enqueue a job", Example: "x",
			Run: func(ctx context.Context, c *merlon.Call) error {
				return c.House.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error { return later.Enqueue(w, c.Arg(0)) })
			}}}}}})
}
