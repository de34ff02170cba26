package account

import (
	"errors"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
)

// Invited is the sign-up form of somebody who was invited, or who opened the link of a sign-up in another browser: the address is
// the link's.
type Invited struct {
	Name     string        `form:"required,max=80" label:"Your name" autocomplete:"name"`
	Password secret.String `form:"password,required,max=1024" label:"Password" autocomplete:"new-password" help:"At least 15 characters: three or four words that do not belong together are good."`
	Show     bool          `form:"" label:"Show the password"`
	Link     string        `form:"max=600,hidden" label:"The mailed link"`
}

// InvitedPage is the data of the page sign-up-invited.html.
type InvitedPage struct {
	Form  form.Form[Invited]
	Email string
	Link  string
}

// Choose is the form of a password that takes the place of one, or is the first.
type Choose struct {
	Password secret.String `form:"password,required,max=1024" label:"Password" autocomplete:"new-password" help:"At least 15 characters: three or four words that do not belong together are good."`
	Show     bool          `form:"" label:"Show the password"`
	Link     string        `form:"max=600,hidden" label:"The mailed link"`
}

// EnrolPage is the data of the page enrol.html.
type EnrolPage struct {
	Form  form.Form[Choose]
	Email string // the account's
	Link  string
}

var (
	invitedPage = page.New[InvitedPage](pages, "sign-up-invited.html")
	enrolPage   = page.New[EnrolPage](pages, "enrol.html")
	voidInvites = db.Exec(schema, "UPDATE merlon_ticket SET ended = 2 WHERE \"user\" = 0 AND kind = 'invite' AND email = $1 AND ended = 0")
	chooseHash  = db.Exec(schema, "UPDATE merlon_user SET password = $2, chosen = $3 WHERE id = $1")
)

// invite mails an invitation: its link opens sign-up for this address, on a closed site too, and proves the address.
// Of several only the last one's link works. An address that has an account is [ErrExists].
func (a *part) invite(w *db.Writer, lang, email string, now time.Time) error {
	email = normal(email)
	row, err := userByEmail.One(w, email)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return err
	}
	if err == nil && !row.waiting() {
		return ErrExists
	}
	if _, err := voidInvites.Run(w, email); err != nil {
		return err
	}
	code, err := issue(w, inviteTicket, 0, email, now)
	if err != nil {
		return err
	}
	return a.mailTo(w, lang, email, "account.mail.invite", a.house.Title, a.link(inviteTicket, code))
}

// enrolment makes the link by which the owner of an account that was made for them chooses the first password.
func (a *part) enrolment(w *db.Writer, user int64, email string, now time.Time) (link string, err error) {
	code, err := reissue(w, enrolTicket, user, normal(email), now)
	return a.link(enrolTicket, code), err
}

// newHash checks and hashes a password that is chosen by the holder of a ticket. Without a valid ticket nothing is hashed.
func (a *part) newHash(r *merlon.Read[Guest], kind ticket, sent string, chosen secret.String, name string) (h hashed, err error) {
	t, fate, err := a.linkIn(r.DB, r.Now(), sent, kind)
	if err != nil || fate != linkWorks {
		return h, err
	}
	_ = r.DB.Close()
	h.email = t.Email
	if h.problems = a.problems(r, chosen, t.Email, name, a.house.Title); len(h.problems) > 0 {
		return h, nil
	}
	h, err = hashChosen(a, r, chosen, password.From{Network: networkFor(r), Known: true})
	h.email = t.Email
	return h, err
}

// hashNamed is newHash for a form with a name beside the password.
func (a *part) hashNamed(r *merlon.Read[Guest], kind ticket, f form.Form[Invited]) (hashed, error) {
	if showing(f) {
		return hashed{}, nil
	}
	in, ok := f.Value()
	if !ok {
		t, _, err := a.linkIn(r.DB, r.Now(), f.Raw("Link"), kind)
		return hashed{problems: a.problemsOf(r, f, t.Email, f.Raw("Name"))}, err
	}
	return a.newHash(r, kind, in.Link, in.Password, in.Name)
}

func (a *part) hashInvited(r *merlon.Read[Guest], f form.Form[Invited]) (hashed, error) {
	return a.hashNamed(r, inviteTicket, f)
}

// signUpInvited makes the account of the invitation.
func (a *part) signUpInvited(w *merlon.Write[Guest], f form.Form[Invited], h hashed) (*merlon.Response, error) {
	t, fate, err := spend(a, w, f.Raw("Link"), inviteTicket)
	if err == nil && fate == linkAway && a.cfg.Closed { // nobody was invited here
		return merlon.NotFound(), nil
	}
	if err != nil || fate != linkWorks {
		return a.over(w, t, fate, err)
	}
	if showing(f) { // the ticket is not used: this rolls back
		return merlon.ShowStatus(422, invitedPage, InvitedPage{f.Reveal("Password"), t.Email, t.text}), nil
	}
	in, _ := f.Value()
	f, ok := rejected(f, "Password", h.problems)
	if !ok || h.hash == "" {
		return merlon.ShowStatus(422, invitedPage, InvitedPage{f, t.Email, t.text}), nil // the ticket is not used: this rolls back
	}
	row, err := userByEmail.One(w.DB, t.Email)
	switch {
	case errors.Is(err, db.ErrNoRow):
		id, err := insertSignUp.Run(w.DB, t.Email, in.Name, h.hash, w.Now().UnixMicro(), 0)
		if err != nil {
			return nil, err
		}
		row = userRow{ID: id, Email: t.Email, Name: in.Name}
	case err != nil:
		return nil, err
	case !row.waiting():
		return merlon.Redirect("/sign-in").Notice("You have an account already. Please sign in."), nil
	default:
		if _, err := renewSignUp.Run(w.DB, row.ID, in.Name, h.hash, w.Now().UnixMicro()); err != nil {
			return nil, err
		}
		if err := void(w.DB, row.ID); err != nil { // the account changes hands
			return nil, err
		}
		row.Name = in.Name
	}
	if err := a.prove(w.DB, row, w.Now().UnixMicro()); err != nil {
		return nil, err
	}
	w.Record(RuleSignedUp, event.Done, slog.Int64("account", row.ID), slog.Bool("invited", true))
	return arrive(w, t, row).Notice("Your account is ready. You can sign in now."), nil
}

func (a *part) showEnrol(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	l, fate, err := linkHere(a, r, enrolTicket)
	if err != nil || fate != linkWorks {
		return a.over(r, l, fate, err)
	}
	return merlon.Show(enrolPage, EnrolPage{Email: l.Email, Link: l.text}), nil
}

func (a *part) hashEnrol(r *merlon.Read[Guest], f form.Form[Choose]) (hashed, error) {
	in, ok := f.Value()
	if !ok || in.Show {
		return hashed{}, nil
	}
	return a.newHash(r, enrolTicket, in.Link, in.Password, "")
}

// enrol sets the first password; who has the link is whom the account was made for.
func (a *part) enrol(w *merlon.Write[Guest], f form.Form[Choose], h hashed) (*merlon.Response, error) {
	t, fate, err := spend(a, w, f.Raw("Link"), enrolTicket)
	if err != nil || fate != linkWorks {
		return a.over(w, t, fate, err)
	}
	if showing(f) {
		return merlon.ShowStatus(422, enrolPage, EnrolPage{f.Reveal("Password"), t.Email, t.text}), nil
	}
	f, ok := rejected(f, "Password", h.problems)
	if !ok || h.hash == "" {
		return merlon.ShowStatus(422, enrolPage, EnrolPage{f, t.Email, t.text}), nil
	}
	row, ok, err := ticketUser(w.DB, t.ticketRow)
	if err != nil || !ok || row.Email != t.Email {
		return a.over(w, t, linkVoid, err)
	}
	if err := a.choose(w, row, h.hash); err != nil {
		return nil, err
	}
	if _, _, err := remember(w, row.ID, false); err != nil { // as after a reset
		return nil, err
	}
	w.Record(RuleEnrolled, event.Done, slog.Int64("account", row.ID))
	return arrive(w, t, row).Notice("Your password is set. You can sign in now."), nil
}

// choose stores a password that the holder of a link chose: the address is proven by it, and whoever came in by the old
// one is out.
func (a *part) choose(w *merlon.Write[Guest], row userRow, hash string) error {
	if _, err := chooseHash.Run(w.DB, row.ID, hash, w.Now().UnixMicro()); err != nil {
		return err
	}
	if err := a.prove(w.DB, row, w.Now().UnixMicro()); err != nil {
		return err
	}
	if err := endAsked(w.DB, row.ID); err != nil {
		return err
	}
	return shutOut(a, w, row.ID)
}
