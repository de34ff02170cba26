package account

import (
	"errors"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/secret"
)

// FromBackup is the form that gets an old site back in the place of a new one. It is the one form of a site that may take the
// owner's recovery key: it is shown to this machine only, to the holder of the setup link, while there is no site yet that
// somebody could have broken into.
type FromBackup struct {
	Address  string        `form:"max=500" label:"Address of the backups" help:"It stands in the kit: file:///… or s3://…" autocomplete:"off"`
	Settings string        `form:"max=2000" label:"Settings of the place" help:"Only if the kit has some: name=value, with commas between. Files that they name must be on this machine." autocomplete:"off"`
	Site     string        `form:"max=40" label:"Identifier of the site" help:"Only if several sites have their backups at this address. This page then tells which." autocomplete:"off"`
	Key      secret.String `form:"password,required,max=4096" label:"Recovery key, or point key" help:"Or the whole text of the kit: address and settings come with it then." autocomplete:"off"`
}

// FromBackupPage is the data of the page setup-restore.html.
type FromBackupPage struct {
	Form    form.Form[FromBackup]
	Running bool
	Step    string
	Problem string
	Lines   []string // of the problem: what can be chosen from
	Detail  string   // of the problem, in the words of a system or a store

	Warnings []string // what is wrong with the backups beside the point that is restored
	Notes    []string // what the owner should know or compare, and is no fault
	Done     []string // what came of it, when it is done
}

var fromBackupPage = page.New[FromBackupPage](pages, "setup-restore.html")

// rescuer is what another part offers to get a site back; nil without one.
func (a *part) rescuer() *merlon.Rescue {
	for _, r := range merlon.Offers[*merlon.Rescue](a.house) {
		return r
	}
	return nil
}

func (a *part) showFromBackup(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	rescue := a.rescuer()
	if rescue == nil {
		return merlon.NotFound(), nil
	}
	state := rescue.State()
	switch n, err := countAdmins.One(r.DB); {
	case err != nil:
		return nil, err
	case n.N > 0 && len(state.Done) > 0: // the site that is back has an owner
		return merlon.Show(fromBackupPage, FromBackupPage{Done: allInWords(r, state.Done)}), nil
	case n.N > 0:
		return merlon.Redirect("/sign-in"), nil
	}
	step, has := ticketStep.Get(r)
	if ok, err := setupHeld(r.DB, step, has, r.Now()); err != nil {
		return nil, err
	} else if !ok && !state.Running {
		return setupGone(r.DB)
	}
	shown := FromBackupPage{Running: state.Running, Step: inWords(r, state.Step), Problem: inWords(r, state.Problem), Lines: allInWords(r, state.Problem.Lines), Detail: state.Problem.Detail, Warnings: allInWords(r, state.Warnings), Notes: allInWords(r, state.Notes)}
	return merlon.Show(fromBackupPage, shown), nil
}

// wording is a request as far as it knows its visitor's language.
type wording interface {
	Words(id string, args ...any) string
}

func allInWords(r wording, all []merlon.Said) (lines []string) {
	for _, s := range all {
		lines = append(lines, inWords(r, s))
	}
	return lines
}

// inWords says something in the visitor's language; "" for nothing.
func inWords(r wording, s merlon.Said) string {
	if s.ID == "" {
		return ""
	}
	return r.Words(s.ID, s.Args...)
}

// tryFromBackup begins, with no transaction open: the place of the backups is asked.
func (a *part) tryFromBackup(r *merlon.Read[merlon.Visitor], f form.Form[FromBackup]) (problem merlon.Said, err error) {
	in, ok := f.Value()
	rescue := a.rescuer()
	step, has := ticketStep.Get(r)
	if !ok || rescue == nil {
		return problem, nil
	}
	if ok, err := setupHeld(r.DB, step, has, r.Now()); err != nil || !ok {
		return problem, err
	}
	if n, err := countAdmins.One(r.DB); err != nil || n.N > 0 {
		return problem, err
	}
	_ = r.DB.Close()
	if err := rescue.Begin(r.Context(), a.house, merlon.RescueWish{Address: strings.TrimSpace(in.Address), Settings: strings.TrimSpace(in.Settings), Site: strings.ToLower(strings.TrimSpace(in.Site)), Key: in.Key}); err != nil {
		if !errors.As(err, &problem) {
			return problem, err
		}
	}
	return problem, nil
}

func (a *part) fromBackup(w *merlon.Write[merlon.Visitor], f form.Form[FromBackup], problem merlon.Said) (*merlon.Response, error) {
	step, has := ticketStep.Get(w)
	if ok, err := setupHeld(w.DB, step, has, w.Now()); err != nil {
		return nil, err
	} else if !ok {
		return setupGone(w.DB)
	}
	if problem.ID != "" || f.Failed() {
		return merlon.ShowStatus(422, fromBackupPage, FromBackupPage{Form: f, Problem: inWords(w, problem), Lines: allInWords(w, problem.Lines), Detail: problem.Detail}), nil
	}
	return merlon.Redirect("/_merlon/setup/from-backup"), nil
}
