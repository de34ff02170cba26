package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
)

// maintenanceCommands close the site to visitors and open it again.
var maintenanceCommands = []merlon.Command{
	{Name: "maintenance on", Short: "tell visitors to come again later; administrators are let in", Run: maintain(true)},
	{Name: "maintenance status", Short: "whether the site is open to visitors", Run: maintenanceStatus},
	{Name: "maintenance off", Short: "open the site to visitors again", Run: maintain(false)},
}

func maintain(on bool) func(context.Context, *merlon.Call) error {
	return func(ctx context.Context, c *merlon.Call) error {
		h := c.House
		if err := h.SetMaintenance(ctx, on); err != nil {
			return fmt.Errorf("the mark of maintenance cannot be written: %w", err)
		}
		err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
			e := event.New(RuleMaintained, event.Done, slog.Bool("on", on), event.ByCommand())
			e.Time = h.Clock()
			return journal.Append(w, e)
		})
		if err != nil {
			h.Log.Error("maintenance was not recorded", "error", err.Error()) // a full disk is a reason for maintenance
		}
		return tellMaintenance(c, on)
	}
}

func maintenanceStatus(_ context.Context, c *merlon.Call) error {
	return tellMaintenance(c, c.House.InMaintenance())
}

func tellMaintenance(c *merlon.Call, on bool) error {
	return c.Answer("merlon/maintenance/v1", "on", on, func(out io.Writer) error {
		text := "visitors are let in"
		if on {
			text = "visitors are told to come again later; whoever signs in as an administrator, with a second factor that is set up already, is let in"
		}
		_, err := fmt.Fprintln(out, text)
		return err
	})
}
