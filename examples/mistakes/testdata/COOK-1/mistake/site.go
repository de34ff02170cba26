// A cookie without HttpOnly, Secure, SameSite, or with a Domain or a wide path.
package mistake

import (
	"net/http"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/header"
)

type choice struct {
	Theme string `form:"required,max=20"`
}

func plain(w *merlon.Write[merlon.Visitor], f form.Form[choice]) (*merlon.Response, error) {
	in, _ := f.Value()
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: in.Theme}) // compile: does not implement http.ResponseWriter
	return merlon.Redirect("/"), nil
}

func alone(w http.ResponseWriter, r *http.Request) {
	err := header.SetCookie(w.Header(), header.Cookie{
		Name:     "theme",
		Value:    "dark",
		Domain:   "example.org", // compile: unknown field Domain
		Path:     "/shop",       // compile: unknown field Path
		Secure:   false,         // compile: unknown field Secure
		HttpOnly: false,         // compile: unknown field HttpOnly
	})
	if err != nil {
		panic(err)
	}
}
