package account

import (
	"errors"
	"log/slog"
	"strings"

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
}

// SignUpPage is the data of the page sign-up.html.
type SignUpPage struct{ Form form.Form[SignUp] }

// SentPage is the data of the page sign-up-sent.html.
type SentPage struct{}

var (
	signUpPage = page.New[SignUpPage](pages, "sign-up.html")
	sentPage   = page.New[SentPage](pages, "sign-up-sent.html")
)

func (a *part) showSignUp(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	return merlon.Show(signUpPage, SignUpPage{}), nil
}

func (a *part) showSent(*merlon.Read[Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Show(sentPage, SentPage{}), nil
}

// hashed is what the slow part of a sign-up found.
type hashed struct {
	hash     string
	problems []string // in the visitor's language
	limited  *throttle.Limited
}

// hashSignUp hashes for known and unknown addresses alike.
func (a *part) hashSignUp(r *merlon.Read[Guest], f form.Form[SignUp]) (hashed, error) {
	in, ok := f.Value()
	if !ok {
		return hashed{}, nil
	}
	_ = r.DB.Close()
	if p := a.problems(r, in.Password, in.Email, in.Name, a.house.Title); len(p) > 0 {
		return hashed{problems: p}, nil
	}
	h := a.house
	permit, err := h.Limits.Reserve(r.Context(), throttle.SignUp(normal(in.Email), r.Client())...)
	var limited *throttle.Limited
	if errors.As(err, &limited) {
		r.Record(RuleLimited, event.Refused)
		return hashed{limited: limited}, nil
	}
	if err != nil {
		return hashed{}, err
	}
	if err := permit.Spend(throttle.ForSignUp); err != nil { // it counts whatever comes of it
		return hashed{}, err
	}
	hash, err := a.hasher.Hash(r.Context(), in.Password, password.From{Network: network(r)})
	return hashed{hash: hash}, err
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

// signUp answers the same for an address that has an account and one that has none; the mail tells the truth.
func (a *part) signUp(w *merlon.Write[Guest], f form.Form[SignUp], h hashed) (*merlon.Response, error) {
	in, ok := f.Value()
	if h.limited != nil {
		return merlon.TooMany(h.limited.Until), nil
	}
	for _, p := range h.problems {
		f, ok = f.Reject("Password", p), false
	}
	if !ok {
		return merlon.ShowStatus(422, signUpPage, SignUpPage{f}), nil
	}
	house := a.house
	to, err := mailbox.ParseAddress(in.Email)
	if err != nil {
		return merlon.ShowStatus(422, signUpPage, SignUpPage{f.Reject("Email", say(w, "account.sign-up.unwritable"))}), nil
	}
	mail := mailbox.Mail{To: to, Kind: "welcome", Subject: say(w, "account.mail.welcome.subject", house.Title), Text: say(w, "account.mail.welcome.text", in.Name, house.URL("/sign-in"))}
	_, err = userByEmail.One(w.DB, normal(in.Email))
	switch {
	case errors.Is(err, db.ErrNoRow):
		id, err := Create(w.DB, in.Email, in.Name, h.hash, w.Now())
		if err != nil {
			return nil, err
		}
		w.Record(RuleSignedUp, event.Done, slog.Int64("account", id))
	case err != nil:
		return nil, err
	default:
		mail.Subject = say(w, "account.mail.exists.subject", house.Title)
		mail.Text = say(w, "account.mail.exists.text", house.URL("/sign-in"))
	}
	if err := house.Mails.Queue(w.DB, mail); err != nil {
		return nil, err
	}
	return merlon.Redirect("/sign-up/sent"), nil
}
