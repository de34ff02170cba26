package account

import (
	"context"
	"errors"
	"log/slog"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
)

// SetupPage is the data of the page setup.html.
type SetupPage struct {
	Form form.Form[SignUp]
	Back bool // the site can be got back from a backup instead
}

// SetupGonePage is the data of the page setup-gone.html: the link does not work any more.
type SetupGonePage struct {
	Has bool // the site has an administrator
}

var (
	setupPage     = page.New[SetupPage](pages, "setup.html")
	setupGonePage = page.New[SetupGonePage](pages, "setup-gone.html")
)

// setupGone answers a link that is used up, or too old, with the command that helps.
func setupGone(from db.Querier) (*merlon.Response, error) {
	n, err := countAdmins.One(from)
	return merlon.ShowStatus(410, setupGonePage, SetupGonePage{Has: n.N > 0}), err
}

// ready makes a new link as long as there is no administrator. One who leaves is one: they may come back, and the last one does when
// the time is over.
func (a *part) ready(ctx context.Context, h *merlon.House) ([][2]string, error) {
	code, made := "", false
	err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		n, err := countAdmins.One(w)
		if err != nil || n.N > 0 {
			return err
		}
		code, err = reissue(w, setupTicket, 0, "", h.Clock())
		made = err == nil
		return err
	})
	if err != nil || !made {
		return nil, err
	}
	lines := [][2]string{{"first administrator", h.URL("/_merlon/setup/"+code) + "   (this machine only, 15 minutes)"}}
	if h.Mode == merlon.Production { // behind a proxy, or from elsewhere, the link is not there
		lines = append(lines, [2]string{"or from elsewhere", "user add EMAIL --role " + Admin + " prints a link for any browser; an account that is there: user roles EMAIL --add " + Admin})
	}
	return lines, nil
}

// SetupCode is the last part of the first administrator's link.
type SetupCode struct {
	Code string `path:"code,max=64"`
}

// openSetup trades the link for a step at once: the code leaves the address bar.
func (a *part) openSetup(r *merlon.Read[merlon.Visitor], in SetupCode) (*merlon.Response, error) {
	row, fate, err := peek(r.DB, setupTicket, hashOf(in.Code), r.Now())
	if err != nil {
		return nil, err
	}
	if fate != linkWorks {
		r.Record(RuleSetupLink, event.Refused)
		return setupGone(r.DB)
	}
	return merlon.Trade(ticketStep, held{Kind: setupTicket, Hash: row.Hash}, "/_merlon/setup"), nil
}

func (a *part) showSetup(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	step, has := ticketStep.Get(r)
	ok, err := setupHeld(r.DB, step, has, r.Now())
	if err != nil {
		return nil, err
	}
	if !ok {
		return setupGone(r.DB)
	}
	return merlon.Show(setupPage, SetupPage{Back: a.rescuer() != nil}), nil
}

func (a *part) hashSetup(r *merlon.Read[merlon.Visitor], f form.Form[SignUp]) (hashed, error) {
	in, ok := f.Value()
	step, has := ticketStep.Get(r)
	if showing(f) {
		return hashed{}, nil
	}
	if !ok {
		return hashed{problems: a.problemsOf(r, f, f.Raw("Email"), f.Raw("Name"))}, nil
	}
	if ok, err := setupHeld(r.DB, step, has, r.Now()); err != nil || !ok {
		return hashed{}, err
	}
	_ = r.DB.Close()
	if p := a.problems(r, in.Password, in.Email, in.Name, a.house.Title); len(p) > 0 {
		return hashed{problems: p}, nil
	}
	return hashChosen(a, r, in.Password, password.From{Network: networkFor(r), Known: true})
}

// setup makes the administrator and uses the link up, in one transaction.
func (a *part) setup(w *merlon.Write[merlon.Visitor], f form.Form[SignUp], h hashed) (*merlon.Response, error) {
	in, _ := f.Value()
	step, has := ticketStep.Get(w)
	if !has || step.Kind != setupTicket {
		return setupGone(w.DB)
	}
	if showing(f) {
		return merlon.ShowStatus(422, setupPage, SetupPage{f.Reveal("Password"), a.rescuer() != nil}), nil
	}
	f, ok := rejected(f, "Password", h.problems)
	if !ok {
		return merlon.ShowStatus(422, setupPage, SetupPage{f, a.rescuer() != nil}), nil
	}
	n, err := countAdmins.One(w.DB)
	if err != nil {
		return nil, err
	}
	if n.N > 0 {
		return setupGone(w.DB)
	}
	_, fate, err := use(w.DB, setupTicket, step.Hash, w.Now())
	if err != nil {
		return nil, err
	}
	if fate != linkWorks || h.hash == "" {
		return setupGone(w.DB)
	}
	if _, err := a.vacate(w.DB, normal(in.Email)); err != nil {
		return nil, err
	}
	id, err := Create(w.DB, in.Email, in.Name, h.hash, w.Now(), Admin)
	if errors.Is(err, ErrExists) {
		return merlon.ShowStatus(422, setupPage, SetupPage{f.Reject("Email", say(w, "account.setup.taken")), a.rescuer() != nil}), nil
	}
	if err != nil {
		return nil, err
	}
	ticketStep.End(w)
	if _, err := chooseHash.Run(w.DB, id, h.hash, w.Now().UnixMicro()); err != nil {
		return nil, err
	}
	row, err := userByID.One(w.DB, id)
	if err != nil {
		return nil, err
	}
	for _, hook := range []func(context.Context, *db.Writer, User) error{a.cfg.Hooks.SignedUp, a.cfg.Hooks.Verified} {
		if err := run(hook, w.DB, row.user()); err != nil {
			return nil, err
		}
	}
	if err := enter(a, w, row, proof{factors: 1, first: true}); err != nil {
		return nil, err
	}
	w.Record(RuleFirstAdmin, event.Done, slog.Int64("account", row.ID))
	beginApp(w, a.home().String()) // an administrator has no way in without a second factor
	return merlon.Redirect("/account/app"), nil
}
