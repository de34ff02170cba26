package merlon_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

type reminder struct{ Author, Text string }

var (
	remind = merlon.Job("example/remind", sendReminder)
	tidy   = merlon.Job("example/tidy", tidyUp).Every(24 * time.Hour).Tries(3) // at midnight, UTC
)

func sendReminder(_ context.Context, w *merlon.Work, a reminder) error {
	// here what is slow, with no transaction open: an outgoing call
	return w.Write(func(dw *db.Writer) error {
		_, err := insertNote.Run(dw, a.Author, "reminded of "+a.Text)
		return err
	})
}

func tidyUp(_ context.Context, w *merlon.Work, _ struct{}) error {
	return w.Write(func(dw *db.Writer) error {
		_, err := removeNote.Run(dw, 0)
		return err
	})
}

// A handler enqueues in its own transaction by remind.Enqueue(w.DB, …): what is rolled back enqueues nothing.
func ExampleJob() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	site, err := merlon.New(merlon.Env{Data: dir, Mode: merlon.Test, Log: slog.New(slog.DiscardHandler)}, merlon.Config{
		Engine: sqlite.Engine("example.db"), Schema: siteSchema, Jobs: []merlon.AnyKind{remind, tidy}})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if err := site.Start(ctx); err != nil {
		panic(err)
	}
	defer site.Close(ctx)
	h := site.House()
	if err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		return remind.Enqueue(w, reminder{"ann", "the regatta"})
	}); err != nil {
		panic(err)
	}
	if err := h.WaitJobs(ctx); err != nil {
		panic(err)
	}
	r := h.Engine.Read(ctx)
	defer r.Close()
	notes, err := allNotes.All(r, 10)
	if err != nil {
		panic(err)
	}
	fmt.Println(notes[0].Text)
	// Output: reminded of the regatta
}
