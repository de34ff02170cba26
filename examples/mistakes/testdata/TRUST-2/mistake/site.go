// The Host header used to build an address.
package mistake

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
)

type forgot struct {
	Email string `form:"required,email,max=254"`
}

func reset(w *merlon.Write[merlon.Visitor], f form.Form[forgot]) (*merlon.Response, error) {
	link := "https://" + w.Host + "/reset?token=…" // compile: w.Host undefined
	return merlon.Text(link), nil
}
