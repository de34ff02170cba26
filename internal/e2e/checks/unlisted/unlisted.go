// Package unlisted has a handler, and beside it a job that no list of a site names.
package unlisted

import (
	"context"

	"github.com/merlon-web/merlon"
)

// Later is a job that a handler would enqueue.
var Later = merlon.Job("unlisted/later", func(context.Context, *merlon.Work, struct{}) error { return nil })

// Route is what a site takes without the job.
var Route = merlon.Get("/later", merlon.Public(), show)

func show(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Text("later"), nil
}
