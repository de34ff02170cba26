package commands_test

import (
	"context"
	"errors"
	"io"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

var later = merlon.Job("later/fail", func(context.Context, *merlon.Work, string) error { return errors.New("it fails") })

// openLater is a site whose command enqueues a job: no command runs one.
func openLater(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Engine: sqlite.Engine("later.db"), Parts: []merlon.Part{{Name: "later", Jobs: []merlon.AnyKind{later},
		Commands: []merlon.Command{{Use: "queue TEXT", Short: "enqueue a job", Example: "  later queue x", Args: 1,
			Run: func(ctx context.Context, h *merlon.House, args []string, _ io.Writer) error {
				return h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error { return later.Enqueue(w, args[0]) })
			}}}}}})
}
