// An address comes from the settings.
package fixed

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
)

type forgot struct {
	Email string `form:"required,email,max=254"`
}

func reset(w *merlon.Write[merlon.Visitor], f form.Form[forgot]) (*merlon.Response, error) {
	link := w.House().URL("/reset?token=…")
	return merlon.Text(link), nil
}
