// Package journal keeps the events of a site in its database, linked by hash, so that what was edited, deleted, inserted or
// reordered afterwards is found.
//
// Events of a request are rows of its transaction ([Append]); one chainer links them within a second ([Chain]), so that no
// post waits for another; [Verify] names the first broken link. The chain protects from who changes rows and does not
// rebuild all that follows. Who can write every row can rebuild it to the end: keep the [Head] elsewhere now and then (the
// log, a backup's manifest) and give it to Verify. Rows not linked yet, and counted refusals, are not protected.
package journal

import (
	"embed"
	"fmt"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
)

//go:embed migrations
var files embed.FS

var schema = db.From(files, "migrations").Named("journal")

// Schema returns the schema of the room's tables, for the engine to be opened with.
func Schema() *db.Schema { return schema }

var insertEvent = db.Exec(schema, `
	INSERT INTO merlon_event (at, id, property, outcome, title, request, method, route, client, user_id, detail)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`)

// maxField bounds one text of an event, in bytes; details have a bound of their own.
const maxField = 512

// Append adds events to the transaction, unlinked. Every text is cleaned by [event.Clean] and bounded; secrets in the
// details print as [redacted], and values of types that the journal does not know are kept as the type's name only. An
// event without a time is refused: the clock is the caller's.
func Append(w *db.Writer, events ...event.Event) error {
	for i := range events {
		e := &events[i]
		if e.Time.IsZero() || e.ID == "" {
			return fmt.Errorf("journal: an event has no time or no id: it could not be found again; make it with event.New and set its Time from the site's clock")
		}
		client := ""
		if e.Client.IsValid() {
			client = e.Client.Unmap().String()
		}
		_, err := insertEvent.Run(w, e.Time.UnixMicro(), text(e.ID), e.Property.String(), e.Outcome.String(), text(e.Title),
			text(e.Request), text(e.Method), text(e.Route), text(client), e.User, string(appendDetail(nil, e.Detail)))
		if err != nil {
			return fmt.Errorf("journal: an event could not be kept: %w", err)
		}
	}
	return nil
}

func text(s string) string {
	if len(s) > maxField {
		s = s[:maxField]
	}
	return event.Clean(s)
}
