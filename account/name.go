package account

import (
	"log/slog"
	"strings"
	"unicode/utf8"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// ChangeName is the form with which users change what they are called, and the language in which they are spoken to.
type ChangeName struct {
	Name string `form:"required,max=80" label:"Your name" autocomplete:"name"`
	Lang string `form:"choices" label:"Language" help:"Of the pages while you are signed in, and of mails to you."`
}

// fitName reports whether a name that no form has read is one that the forms take: 80 characters, not bytes, none of them a control.
func fitName(name string) bool {
	return utf8.RuneCountInString(name) <= 80 && event.Clean(name) == name
}

// NamePage is the data of the page account-name.html.
type NamePage struct {
	Form  form.Form[ChangeName]
	Langs bool // there are several to choose from
}

var (
	namePage   = page.New[NamePage](pages, "account-name.html")
	updateLang = db.Exec(schema, "UPDATE merlon_user SET lang = $2 WHERE id = $1")
)

// byBrowser is the choice to have none: a choice that is not empty, since an empty one is no answer.
const byBrowser = "-"

// langNames are languages in their own words, in which each is found by whoever speaks it; they are no texts to be translated.
var langNames = map[string]string{"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "it": "Italiano", "nl": "Nederlands", "da": "Dansk", "pl": "Polski"}

// offerLangs gives the form the languages of the site, each in its own words.
func (a *part) offerLangs(r asked, f form.Form[ChangeName]) form.Form[ChangeName] {
	options := []form.Option{{Value: byBrowser, Label: say(r, "account.lang.browser")}}
	for _, lang := range a.house.Langs() {
		name, known := langNames[lang]
		if !known {
			name = lang
		}
		options = append(options, form.Option{Value: lang, Label: name})
	}
	return f.Offer("Lang", options...)
}

func (a *part) namePage(r asked, f form.Form[ChangeName]) NamePage {
	return NamePage{a.offerLangs(r, f), len(a.house.Langs()) > 1}
}

func (a *part) showName(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	chosen := r.User.Lang
	if chosen == "" {
		chosen = byBrowser
	}
	return merlon.Show(namePage, a.namePage(r, form.New(ChangeName{Name: r.User.Name, Lang: chosen}))), nil
}

func (a *part) changeName(w *merlon.Write[User], f form.Form[ChangeName]) (*merlon.Response, error) {
	in, ok := a.offerLangs(w, f).Value()
	if !ok {
		return merlon.ShowStatus(422, namePage, a.namePage(w, f)), nil
	}
	if err := Rename(w.DB, w.User.ID, in.Name); err != nil {
		return nil, err
	}
	if in.Lang != "" { // a site of one language does not ask
		if _, err := updateLang.Run(w.DB, w.User.ID, strings.TrimPrefix(in.Lang, byBrowser)); err != nil {
			return nil, err
		}
	}
	if in.Name == w.User.Name {
		return merlon.Redirect("/account").Notice("Your settings are saved."), nil
	}
	w.Record(RuleName, event.Done, slog.Int64("account", w.User.ID))
	return merlon.Redirect("/account").Notice("Your name is changed."), nil
}
