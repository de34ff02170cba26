// The reason is a constant of the program; check lists it.
package fixed

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
)

type paid struct {
	Order string `form:"required,max=40"`
}

func hook(w *merlon.Write[merlon.Visitor], f form.Form[paid]) (*merlon.Response, error) {
	return merlon.Text("ok"), nil
}

var route = merlon.Post("/paid", merlon.Public(), hook,
	merlon.InsecureNoToken("webhook of the payment provider, which signs its body"))
