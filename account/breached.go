package account

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
)

// A list of breached passwords on another site is asked after what costs nothing, before a password is hashed, and with no
// transaction open.
const (
	// breachWait is how long an answer is waited for: nobody gives up on a form for it.
	breachWait = 2 * time.Second
	// breachMute is how long nobody is asked after a list did not answer, so that not everybody waits for it.
	breachMute = time.Minute
)

// hashChosen hashes a password that somebody has chosen, or says why it may not be chosen. The request's reader is closed.
func hashChosen[U any](a *part, r *merlon.Read[U], chosen secret.String, from password.From) (h hashed, err error) {
	_ = r.DB.Close()
	if a.breached(r, chosen) {
		h.problems = []string{say(r, "password.breached")}
		return h, nil
	}
	h.hash, err = a.hasher.Hash(r.Context(), chosen, from)
	return h, err
}

// breached reports whether the site's list has the password. One that does not answer keeps nobody from choosing.
func (a *part) breached(r interface {
	Context() context.Context
	Record(check.Rule, event.Outcome, ...slog.Attr)
}, chosen secret.String) bool {
	if a.cfg.Breaches == nil || a.house.Clock().UnixMicro() < a.mute.Load() {
		return false
	}
	ctx, done := context.WithTimeout(r.Context(), breachWait)
	defer done()
	has, err := a.cfg.Breaches.Has(ctx, chosen.Reveal())
	switch {
	case err == nil:
		a.mute.Store(0)
	case r.Context().Err() == nil: // else the visitor left, which says nothing of the list
		a.mute.Store(a.house.Clock().Add(breachMute).UnixMicro())
		r.Record(RuleBreaches, event.Failed)
	}
	return has
}

// checkBreaches says that the list did not answer when it was last asked: nobody else would notice.
func (a *part) checkBreaches(context.Context) []check.Finding {
	if a.mute.Load() == 0 {
		return nil
	}
	at := time.UnixMicro(a.mute.Load()).Add(-breachMute).UTC().Format(time.DateTime)
	return []check.Finding{RuleBreaches.Finding("account.Config.Breaches", fmt.Sprintf("the list did not answer at %s UTC, and was not asked with success since", at),
		"let this machine reach its host, or take the line out; meanwhile the program's own list is looked into")}
}
