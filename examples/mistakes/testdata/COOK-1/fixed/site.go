// Every cookie is __Host-, Secure, HttpOnly and SameSite; what a site keeps in one is sealed.
package fixed

import (
	"net/http"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/header"
)

var theme = merlon.NewCookie[string]("theme", 90*24*time.Hour)

type choice struct {
	Theme string `form:"required,max=20"`
}

func keep(w *merlon.Write[merlon.Visitor], f form.Form[choice]) (*merlon.Response, error) {
	in, _ := f.Value()
	return merlon.Redirect("/"), theme.Set(w, in.Theme)
}

func alone(w http.ResponseWriter, r *http.Request) {
	if err := header.SetCookie(w.Header(), header.Cookie{Name: "__Host-theme", Value: "dark", MaxAge: time.Hour}); err != nil {
		panic(err)
	}
}
