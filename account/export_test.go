package account

import (
	"context"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// Sweep runs the part's sweep at once.
func Sweep(h *merlon.House) error {
	a, err := of(h)
	if err != nil {
		return err
	}
	return a.sweep(context.Background(), h)
}

// IssueReset makes a reset link, and returns its code.
func IssueReset(w *db.Writer, user int64, email string, now time.Time) (string, error) {
	return issue(w, resetTicket, user, email, now)
}

// Remember makes a remembered browser, trusted or not, and returns its id.
func Remember(w *db.Writer, user int64, label string, now, trusted time.Time) (int64, error) {
	done, err := insertDevice.Run(w, user, hashOf(newCode()), label, now.UnixMicro(), now.UnixMicro(), micros(trusted))
	return done.LastID, err
}

// Cell is what the file of the log does to each text.
var Cell = cell

// Words tells whether users read an event of a rule in their language.
func Words(id string) bool { return logWords[id].words != "" }
