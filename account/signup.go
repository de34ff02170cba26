package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/throttle"
)

// SignUp is what the sign-up form binds.
type SignUp struct {
	Name     string        `form:"required,max=80" label:"Your name" autocomplete:"name"`
	Email    string        `form:"email,required,max=254" label:"E-mail address" autocomplete:"username"`
	Password secret.String `form:"password,required,max=1024" label:"Password" autocomplete:"new-password" help:"At least 15 characters: three or four words that do not belong together are good."`
	Show     bool          `form:"" label:"Show the password"` // the button: see [showing]
}

// SignUpPage is the data of the page sign-up.html.
type SignUpPage struct{ Form form.Form[SignUp] }

var signUpPage = page.New[SignUpPage](pages, "sign-up.html")

// unverifiedLife is how long an account waits for its address to be proven.
const unverifiedLife = 7 * 24 * time.Hour

var (
	insertSignUp = db.Returning[int64](schema, "INSERT INTO merlon_user (email, name, password, created, chosen, verified) VALUES ($1, $2, $3, $4, $4, $5) RETURNING id")
	// a number is used up also where the address has an account, and nothing is made: both engines draw it before they look
	claimSignUp = db.Returning[int64](schema, "INSERT INTO merlon_user (email, name, password, created, chosen, verified) VALUES ($1, $2, $3, $4, $4, 0) ON CONFLICT (email) DO NOTHING RETURNING id")
	// an account that nobody has proven is free to whoever signs up next, so that nobody can keep an address that belongs
	// to somebody else; one that was made with a role, or for somebody to enrol, is not
	renewSignUp = db.Exec(schema, "UPDATE merlon_user SET name = $2, password = $3, created = $4, chosen = $4 WHERE id = $1 AND verified = 0 AND disabled = 0 AND roles = '' AND substr(password, 1, 1) <> '!'")
	oldSignUps  = db.Query[userRow](schema, "SELECT "+userColumns+" FROM merlon_user WHERE verified = 0 AND created < $1 AND disabled = 0 AND roles = '' AND substr(password, 1, 1) <> '!' AND id > $2 ORDER BY id LIMIT $3")
)

// waiting reports whether the account was made by a sign-up whose address is not proven yet.
func (r userRow) waiting() bool {
	return r.Verified == 0 && r.Disabled == 0 && r.Roles == "" && !strings.HasPrefix(r.Password, NoPassword)
}

// vacate deletes a sign-up that waits at an address, so that nobody keeps one that is not theirs: from who moves an account
// there, or has one made by an administrator. It tells whether the address has an account.
func (a *part) vacate(w *db.Writer, email string) (taken bool, err error) {
	row, err := userByEmail.One(w, email)
	switch {
	case errors.Is(err, db.ErrNoRow):
		return false, nil
	case err != nil || !row.waiting():
		return err == nil, err
	}
	return false, a.erase(w, row)
}

func (a *part) showSignUp(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	l, fate, err := linkHere(a, r, inviteTicket)
	switch {
	case err != nil:
		return nil, err
	case fate == linkWorks:
		return merlon.Show(invitedPage, InvitedPage{Email: l.Email, Link: l.text}), nil
	case a.cfg.Closed && fate == linkAway: // nobody was invited here
		return merlon.NotFound(), nil
	case a.cfg.Closed:
		return a.over(r, l, fate, nil)
	}
	return merlon.Show(signUpPage, SignUpPage{}), nil
}

// hashed is what the slow part of a form with a new password found.
type hashed struct {
	hash     string
	problems []string // in the visitor's language
	email    string   // of the ticket, where one is asked for
	quota
}

// hashSignUp hashes for known and unknown addresses alike.
func (a *part) hashSignUp(r *merlon.Read[Guest], f form.Form[SignUp]) (h hashed, err error) {
	if a.cfg.Closed {
		return h, merlon.ErrHidden
	}
	if showing(f) {
		return h, nil
	}
	in, ok := f.Value()
	if !ok {
		h.problems = a.problemsOf(r, f, f.Raw("Email"), f.Raw("Name"))
		return h, nil
	}
	_ = r.DB.Close()
	if h.problems = a.problems(r, in.Password, in.Email, in.Name, a.house.Title); len(h.problems) > 0 {
		return h, nil
	}
	if a.breached(r, in.Password) { // before the limit: three of these in an hour would leave no mail for the fourth
		h.problems = []string{say(r, "password.breached")}
		return h, nil
	}
	q, permit, err := a.holdAsk(r, throttle.SignUp(normal(in.Email), r.Client()))
	if h.quota = q; err != nil || !h.until.IsZero() {
		return h, err
	}
	h.hash, err = a.hasher.Hash(r.Context(), in.Password, password.From{Network: networkFor(r)})
	switch {
	case permit == nil: // this address had its mails
		return h, err
	case err != nil: // the line of hashes is full, the visitor has gone: no mail is sent, so none is counted
		_ = permit.Return(context.WithoutCancel(r.Context()))
		return h, err
	}
	return h, permit.Spend(throttle.ForSignUp)
}

// problems says why a password may not be chosen.
func (a *part) problems(r asked, chosen secret.String, email, name, site string) (sentences []string) {
	words := []string{site}
	words = append(words, strings.FieldsFunc(email, func(r rune) bool { return r == '@' || r == '.' })...)
	words = append(words, strings.Fields(name)...)
	for _, p := range a.policy.Problems(chosen, words...) {
		sentences = append(sentences, say(r, p.Key, places(p.Key, chosen)...))
	}
	return sentences
}

// rejected is a form with what is wrong with the chosen password beside its field, and whether the form may go on.
func rejected[T any](f form.Form[T], field string, problems []string) (form.Form[T], bool) {
	_, ok := f.Value()
	for _, p := range problems {
		f, ok = f.Reject(field, p), false
	}
	return f, ok
}

// signUp answers the same for an address that has an account and one that has none; the mail tells the truth.
func (a *part) signUp(w *merlon.Write[Guest], f form.Form[SignUp], h hashed) (*merlon.Response, error) {
	if showing(f) {
		return merlon.ShowStatus(422, signUpPage, SignUpPage{f.Reveal("Password")}), nil
	}
	in, _ := f.Value()
	if !h.until.IsZero() {
		return merlon.TooMany(h.until), nil
	}
	f, ok := rejected(f, "Password", h.problems)
	if !ok {
		return merlon.ShowStatus(422, signUpPage, SignUpPage{f}), nil
	}
	if _, err := mailbox.ParseAddress(in.Email); err != nil {
		return merlon.ShowStatus(422, signUpPage, SignUpPage{f.Reject("Email", say(w, "account.sign-up.unwritable"))}), nil
	}
	email := normal(in.Email)
	if err := a.registerIf(w, !h.full, email, in.Name, h.hash); err != nil {
		return nil, err
	}
	return merlon.Trade(signUpStep, signedUp{email, hashOf(h.hash), in.Name, h.hash}, "/sign-up/sent"), nil
}

// registerIf is register, or for an address that had its mails what takes as long and leaves the account as it is: whoever
// signs up with somebody else's address learns from the time of the answer no more than from the answer.
func (a *part) registerIf(w *merlon.Write[Guest], may bool, email, name, hash string) error {
	if may {
		return a.register(w, email, name, hash)
	}
	if _, err := userByEmail.One(w.DB, email); err != nil && !errors.Is(err, db.ErrNoRow) {
		return err
	}
	if err := spareNumber(w.DB, w.Now()); err != nil {
		return err
	}
	if err := void(w.DB, nobody(email)); err != nil {
		return err
	}
	return decoy(w.DB, email, w.Now())
}

// register makes the account, or takes over one that was never proven, or writes to the one that is there: as many
// statements and mails each, and one number of an account. Users see their own numbers: with an account made before this and one
// made after it, the gap between them would tell whether this made one. (AUTH-6)
func (a *part) register(w *merlon.Write[Guest], email, name, hash string) error {
	if _, err := claimSignUp.Run(w.DB, email, name, hash, w.Now().UnixMicro()); err != nil && !errors.Is(err, db.ErrNoRow) {
		return err
	}
	row, err := userByEmail.One(w.DB, email)
	if err != nil {
		return err
	}
	mine, err := a.takeOver(w, row, name, hash) // of what was made just now nothing changes: as many statements
	if mine {
		w.Record(RuleSignedUp, event.Done, slog.Int64("account", row.ID))
	} else {
		w.Record(RuleExists, event.Done, slog.Int64("account", row.ID))
	}
	return err
}

// spareNumber uses up a number of an account for nobody.
func spareNumber(w *db.Writer, now time.Time) error {
	id, err := claimSignUp.Run(w, newCode(), "", NoPassword, now.UnixMicro())
	if err != nil {
		return err
	}
	_, err = deleteUser.Run(w, id)
	return err
}

// takeOver gives an account that was never proven to who signs up now; any other one stays as it is, and its owner is told.
func (a *part) takeOver(w *merlon.Write[Guest], row userRow, name, hash string) (mine bool, err error) {
	done, err := renewSignUp.Run(w.DB, row.ID, name, hash, w.Now().UnixMicro())
	if err != nil {
		return false, err
	}
	mine, of := done.Rows == 1, nobody(row.Email)
	if mine {
		of = row.ID
	}
	if err := void(w.DB, of); err != nil { // the account changes hands: what was mailed about it is over
		return false, err
	}
	if mine {
		return true, a.sendVerify(w, row)
	}
	return false, a.sendExists(w, row.Email)
}

// sendVerify mails the link that proves the address. The mail has no name in it: whoever signs up types it, and would have
// the site carry a message to anybody.
func (a *part) sendVerify(w *merlon.Write[Guest], row userRow) error {
	code, err := reissue(w.DB, verifyTicket, row.ID, row.Email, w.Now())
	if err != nil {
		return err
	}
	return a.mailTo(w.DB, w.Lang(), row.Email, "account.mail.welcome", a.house.Title, a.link(verifyTicket, code))
}

// sendExists tells an address that it has an account.
func (a *part) sendExists(w *merlon.Write[Guest], email string) error {
	if err := decoy(w.DB, email, w.Now()); err != nil {
		return err
	}
	return a.mailTo(w.DB, w.Lang(), email, "account.mail.exists", a.house.URL("/sign-in"), a.house.URL("/account/reset/ask"))
}

// sweepSignUps deletes accounts whose address was not proven in time, each in a transaction of its own: one that cannot be deleted
// keeps no other waiting, and is tried again.
func (a *part) sweepSignUps(ctx context.Context, h *merlon.House) error {
	var faults []error
	for last, more := int64(0), true; more && ctx.Err() == nil; {
		more = false
		err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
			rows, err := oldSignUps.All(w, h.Clock().Add(-unverifiedLife).UnixMicro(), last, 1)
			if err != nil || len(rows) == 0 {
				return err
			}
			more, last = true, rows[0].ID
			return a.erase(w, rows[0])
		})
		if err != nil {
			faults = append(faults, fmt.Errorf("account: sign-up %d could not be deleted: it is tried again in ten minutes; correct what failed: %w", last, err))
		}
	}
	return errors.Join(faults...)
}
