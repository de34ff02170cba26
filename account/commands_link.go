package account

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/mailbox"
)

var enteredAt = db.Query[count](schema, "SELECT entered AS n FROM merlon_user WHERE id = $1 LIMIT 1")

// unused reports whether an account was made for somebody who has never chosen a password and never signed in. Only then is
// a printed link no way round an owner.
func (r userRow) unused(from db.Querier) (bool, error) {
	if r.Password != NoPassword || r.Chosen != 0 {
		return false, nil
	}
	entered, err := enteredAt.One(from, r.ID)
	return err == nil && entered.N == 0, err
}

// userLink prints the link for a first password again; the older one opens nothing any more.
func (a *part) userLink(ctx context.Context, c *merlon.Call) error {
	row, err := a.named(ctx, c)
	if err != nil {
		if address, bad := mailbox.ParseAddress(c.Arg(0)); bad == nil {
			return fmt.Errorf("%w; user add %s makes one and prints its link, user invite %[2]s mails an invitation again", err, address)
		}
		return err
	}
	link := ""
	err = a.act(ctx, c, RuleLinkPrinted, row, func(w *db.Writer) error {
		var err error
		if row, err = userByID.One(w, row.ID); err != nil { // as it is now
			return err
		}
		if err := a.mayBeGivenLink(w, row); err != nil {
			return err
		}
		link, err = a.enrolment(w, row.ID, row.Email, c.House.Clock())
		return err
	})
	if errors.Is(err, db.ErrNoRow) {
		return fmt.Errorf("the account of %s is gone: see user list", event.Clean(c.Arg(0)))
	}
	if err != nil {
		return err
	}
	data, say := printed(row.ID, row.Email, link, "the older link opens nothing any more; the user of account %d chooses a password here, once, within %d hours:\n\n  %s\n")
	return c.Answer("merlon/user-link/v1", "user", data, say)
}

// mayBeGivenLink refuses a link into what is somebody's already, and says what there is instead.
func (a *part) mayBeGivenLink(from db.Querier, row userRow) error {
	unused, err := row.unused(from)
	switch {
	case err != nil:
		return err
	case row.Disabled != 0:
		return merlon.Refuse("no link was printed: %s is shut out, and the link would open nothing: first let the user in again (user enable %[1]s --reason WHY)", row.Email)
	case row.waiting():
		return merlon.Refuse("no link was printed: somebody signed up with %s and has not proven the address: its mail is sent again from the page on which they signed up; user add %[1]s makes an account in the place of that sign-up", row.Email)
	case row.Leaving != 0:
		return merlon.Refuse("no link was printed: the owner of %s is about to delete the account, and calls it back by signing in", row.Email)
	case !unused:
		return merlon.Refuse("no link was printed: the account of %s is its owner's already, and whoever has the link would be the owner: a new password is asked for at %s and mailed to the address; a second factor that is lost is taken away by user reset-2fa %[1]s --reason WHY", row.Email, a.house.URL("/account/reset/ask"))
	}
	return nil
}

// printed is a link for a first password as commands answer it: for programs, and in words.
func printed(id int64, email, link, words string) (map[string]any, func(io.Writer) error) {
	hours := int(ticketLives[enrolTicket].Hours())
	return map[string]any{"id": id, "email": email, "link": link, "hours": hours}, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, words, id, hours, link)
		return err
	}
}
