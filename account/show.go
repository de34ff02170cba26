package account

import (
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

// showing reports whether the button "show the password" was pressed: the page comes again with the password in the clear,
// and nothing is done. It is how a visitor without scripts sees what was typed.
func showing[T any](f form.Form[T]) bool { return f.Has("Show", "on") }

// problemsOf says what is wrong with the new password of a form that has other problems already, so that the visitor learns
// of all of them at once.
func (a *part) problemsOf(r asked, f interface{ Secret(string) secret.String }, email, name string) []string {
	chosen := f.Secret("Password")
	if chosen.Empty() {
		return nil // that there is none is said already
	}
	return a.problems(r, chosen, email, name, a.house.Title)
}
