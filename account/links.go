package account

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/throttle"
)

// linkRoutes are sign-up and what mailed links lead to. Those of sign-up are there on a closed site too: an invitation opens
// them.
func (a *part) linkRoutes() []merlon.Route {
	mine := SignedIn()
	return []merlon.Route{
		merlon.Get("/account/link/{kind}/{code}", Anyone(), a.openLink),
		merlon.Get("/sign-up", Anyone(), a.showSignUp),
		merlon.PostAfter("/sign-up", Anyone(), a.hashSignUp, a.signUp),
		merlon.PostAfter("/sign-up/invited", Anyone(), a.hashInvited, a.signUpInvited),
		merlon.Get("/sign-up/sent", Anyone(), a.showSent),
		merlon.PostAfter("/sign-up/sent", Anyone(), a.askAgain, a.sendAgain),
		merlon.Get("/sign-up/change", Anyone(), a.showChange),
		merlon.PostAfter("/sign-up/change", Anyone(), a.askChange, a.change),
		merlon.Get("/account/verify", Anyone(), a.showVerify),
		merlon.Post("/account/verify", Anyone(), a.verify),
		merlon.PostAfter("/account/verify/anew", Anyone(), a.hashVerify, a.verifyAnew),
		merlon.Get("/account/enrol", Anyone(), a.showEnrol),
		merlon.PostAfter("/account/enrol", Anyone(), a.hashEnrol, a.enrol),
		merlon.Get("/account/reset/ask", Anyone(), a.showAskReset),
		merlon.PostAfter("/account/reset/ask", Anyone(), a.limitReset, a.askReset),
		merlon.Get("/account/reset/sent", Anyone(), a.showResetSent),
		merlon.Get("/account/reset", Anyone(), a.showReset),
		merlon.PostAfter("/account/reset", Anyone(), a.hashReset, a.reset),
		merlon.Get("/account/not-me", Anyone(), a.showNotMe),
		merlon.Post("/account/not-me", Anyone(), a.notMe),
		merlon.Get("/account/address", mine.With(NeedRecentAll()), a.showMove),
		merlon.PostAfter("/account/address", mine.With(NeedRecentAll()), a.limitMove, a.askMove),
		merlon.Get("/account/address/confirm", mine, a.showMoved),
		merlon.Post("/account/address/confirm", mine, a.move),
		merlon.Get("/account/address/undo", Anyone(), a.showUndo),
		merlon.Post("/account/address/undo", Anyone(), a.undo),
	}
}

// OneButton is the form of a page that has a button and no fields.
type OneButton struct{}

// a quota is what the limits say of a mail that a visitor asks for.
type quota struct {
	full  bool      // this address had its mails: the answer is the same, and nothing is sent
	until time.Time // the network asked for too many
}

// asking is a request in which a mail is asked for.
type asking interface {
	Context() context.Context
	Record(check.Rule, event.Outcome, ...slog.Attr)
}

// mayAsk counts that a mail is asked for. An address has three an hour, whether it has an account or not, and the fourth is
// answered as the third: nobody learns who else asked. A network with too many is told so, since a page that says "we sent
// a mail" to somebody who never had one would be a lie.
func (a *part) mayAsk(r asking, buckets []throttle.Bucket) (quota, error) {
	q, permit, err := a.holdAsk(r, buckets)
	if err != nil || permit == nil {
		return q, err
	}
	return q, permit.Spend(buckets[0].Purpose()) // it counts whatever comes of it
}

// holdAsk is mayAsk before something that may fail yet: it counts until the permit is returned. Without one no mail is sent.
func (a *part) holdAsk(r asking, buckets []throttle.Bucket) (quota, *throttle.Permit, error) {
	permit, err := a.house.Limits.Reserve(r.Context(), buckets...)
	var limited *throttle.Limited
	if errors.As(err, &limited) {
		r.Record(RuleLimited, event.Refused)
		if limited.Bucket.Kind() == throttle.KindAskAccount {
			return quota{full: true}, nil, nil
		}
		return quota{until: limited.Until}, nil, nil
	}
	return quota{}, permit, err
}

// decoy writes what a link would have written, for an address that gets a mail without one: the two ways through a form
// take the same statements and leave the same rows, and nobody learns from their time who has an account (AUTH-6).
func decoy(w *db.Writer, address string, now time.Time) error {
	_, err := reissue(w, noTicket, nobody(address), address, now)
	return err
}

// nobody is the number under which tickets of an address without an account lie, below all accounts: like those of an
// account, an address's earlier ones make room, and those of others are elsewhere in the index.
func nobody(address string) int64 {
	sum := sha256.Sum256([]byte(address))
	return -1 - int64(binary.BigEndian.Uint64(sum[:])>>1)
}

// shutOut ends every session of a user, this browser's too, and forgets all devices.
func shutOut[U any](a *part, w *merlon.Write[U], user int64) error {
	if w.Session.User() == user {
		if err := w.Session.End("shut out by the owner"); err != nil {
			return err
		}
	}
	if _, err := a.house.Sessions.EndUser(w.DB, user, "shut out by the owner"); err != nil {
		return err
	}
	_, err := forgetDevices.Run(w.DB, user) // with their limits: one that a thief got would go on guessing in its own
	return err
}

// ticketUser finds whose ticket it is: nobody, when the account is gone or disabled meanwhile.
func ticketUser(from db.Querier, t ticketRow) (userRow, bool, error) {
	row, err := userByID.One(from, t.User)
	if errors.Is(err, db.ErrNoRow) {
		return row, false, nil
	}
	return row, err == nil && row.Disabled == 0, err
}
