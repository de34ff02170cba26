package account

import (
	"errors"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/throttle"
)

// AskReset is the form of somebody who cannot sign in.
type AskReset struct {
	Email string `form:"email,required,max=254" label:"E-mail address" autocomplete:"username"`
}

// AskResetPage is the data of the page reset-ask.html.
type AskResetPage struct{ Form form.Form[AskReset] }

// ResetSentPage is the data of the page reset-sent.html: it is the same for everybody.
type ResetSentPage struct{ Mails string } // as in [SentPage]

// ResetPage is the data of the page reset.html.
type ResetPage struct {
	Form  form.Form[Choose]
	Email string // where the link went
	Link  string
}

var (
	askResetPage  = page.New[AskResetPage](pages, "reset-ask.html")
	resetSentPage = page.New[ResetSentPage](pages, "reset-sent.html")
	resetPage     = page.New[ResetPage](pages, "reset.html")
)

func (a *part) showAskReset(*merlon.Read[Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Show(askResetPage, AskResetPage{}), nil
}

func (a *part) showResetSent(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	return merlon.Show(resetSentPage, ResetSentPage{r.DevMail()}), nil
}

func (a *part) limitReset(r *merlon.Read[Guest], f form.Form[AskReset]) (quota, error) {
	in, ok := f.Value()
	if !ok {
		return quota{}, nil
	}
	_ = r.DB.Close()
	return a.mayAsk(r, throttle.ResetMail(normal(in.Email), r.Client()))
}

// askReset answers the same for every address. One mail goes out: with a link, or saying that there is no account, so that
// somebody with several addresses finds the right one.
func (a *part) askReset(w *merlon.Write[Guest], f form.Form[AskReset], q quota) (*merlon.Response, error) {
	in, ok := f.Value()
	if !q.until.IsZero() {
		return merlon.TooMany(q.until), nil
	}
	if !ok {
		return merlon.ShowStatus(422, askResetPage, AskResetPage{f}), nil
	}
	if _, err := mailbox.ParseAddress(in.Email); err != nil {
		return merlon.ShowStatus(422, askResetPage, AskResetPage{f.Reject("Email", say(w, "account.sign-up.unwritable"))}), nil
	}
	if !q.full {
		email := normal(in.Email)
		row, err := userByEmail.One(w.DB, email)
		switch {
		case err == nil && row.Disabled == 0:
			w.Record(RuleResetAsked, event.Done, slog.Int64("account", row.ID))
			err = a.sendReset(w.DB, w.Lang(), w.Now(), row, email)
		case err == nil, errors.Is(err, db.ErrNoRow):
			w.Record(RuleResetAsked, event.Done, slog.Int64("account", 0)) // nobody's: as many entries in the log's index
			err = a.sendNoReset(w.DB, w.Lang(), w.Now(), email)
		}
		if err != nil {
			return nil, err
		}
	}
	return merlon.Redirect("/account/reset/sent"), nil
}

// sendReset mails a link for a new password to an address of the account; earlier ones are void.
func (a *part) sendReset(w *db.Writer, lang string, now time.Time, row userRow, address string) error {
	code, err := reissue(w, resetTicket, row.ID, address, now)
	if err != nil {
		return err
	}
	return a.noticeTo(w, lang, now, row, address, "account.mail.reset", a.link(resetTicket, code))
}

// sendNoReset is sendReset for an address without an account that can be opened: as many statements and rows, no link.
func (a *part) sendNoReset(w *db.Writer, lang string, now time.Time, address string) error {
	if err := decoy(w, address, now); err != nil {
		return err
	}
	if _, err := countNotices.One(w, nobody(address), now.Add(-noticeTime).UnixMicro()); err != nil { // as mayNotice does
		return err
	}
	if _, err := issue(w, noNotMe, nobody(address), address, now); err != nil {
		return err
	}
	return a.mailTo(w, lang, address, "account.mail.no-reset", a.house.Title)
}

func (a *part) showReset(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	l, fate, err := linkHere(a, r, resetTicket)
	if err != nil || fate != linkWorks {
		return a.over(r, l, fate, err)
	}
	return merlon.Show(resetPage, ResetPage{Email: l.Email, Link: l.text}), nil
}

// hashReset hashes for the holder of a link, and opens the limits of the account that strangers have filled: whoever reads
// the owner's mail may try again.
func (a *part) hashReset(r *merlon.Read[Guest], f form.Form[Choose]) (hashed, error) {
	in, ok := f.Value()
	if !ok || in.Show {
		return hashed{}, nil
	}
	h, err := a.newHash(r, resetTicket, in.Link, in.Password, "")
	if err != nil || h.hash == "" {
		return h, err
	}
	return h, a.house.Limits.Release(r.Context(), "the owner chose a new password by a mailed link", throttle.Account(h.email))
}

// reset stores the new password, in the transaction that uses the link up: of fifty at once one succeeds. It signs nobody
// in; a second factor is asked for at the sign-in that follows.
func (a *part) reset(w *merlon.Write[Guest], f form.Form[Choose], h hashed) (*merlon.Response, error) {
	t, fate, err := spend(a, w, f.Raw("Link"), resetTicket)
	if err != nil || fate != linkWorks {
		return a.over(w, t, fate, err)
	}
	if showing(f) {
		return merlon.ShowStatus(422, resetPage, ResetPage{f.Reveal("Password"), t.Email, t.text}), nil
	}
	f, ok := rejected(f, "Password", h.problems)
	if !ok || h.hash == "" {
		return merlon.ShowStatus(422, resetPage, ResetPage{f, t.Email, t.text}), nil // the ticket is not used: this rolls back
	}
	row, ok, err := ticketUser(w.DB, t.ticketRow)
	if err != nil || !ok || row.Verified == 0 && row.Email != t.Email { // the password would prove an address that this mailbox is not
		return a.over(w, t, linkVoid, err)
	}
	if err := a.choose(w, row, h.hash); err != nil {
		return nil, err
	}
	if _, _, err := remember(w, row.ID, false); err != nil { // a limit of its own: strangers fill the account's again at once
		return nil, err
	}
	if err := a.noticeTo(w.DB, w.Lang(), w.Now(), row, t.Email, "account.mail.reset-done"); err != nil {
		return nil, err
	}
	w.Record(RuleReset, event.Done, slog.Int64("account", row.ID))
	return arrive(w, t, row).Notice("Your password is set. You can sign in now."), nil
}
