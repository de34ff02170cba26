package account

import (
	"log/slog"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// ChangeName is the form with which users change what they are called.
type ChangeName struct {
	Name string `form:"required,max=80" label:"Your name" autocomplete:"name"`
}

// NamePage is the data of the page account-name.html.
type NamePage struct{ Form form.Form[ChangeName] }

var namePage = page.New[NamePage](pages, "account-name.html")

func (a *part) showName(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	return merlon.Show(namePage, NamePage{form.New(ChangeName{Name: r.User.Name})}), nil
}

func (a *part) changeName(w *merlon.Write[User], f form.Form[ChangeName]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, namePage, NamePage{f}), nil
	}
	if err := Rename(w.DB, w.User.ID, in.Name); err != nil {
		return nil, err
	}
	w.Record(RuleName, event.Done, slog.Int64("account", w.User.ID))
	return merlon.Redirect("/account").Notice("Your name is changed."), nil
}
