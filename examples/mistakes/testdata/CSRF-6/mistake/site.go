// A handler that "exempts" itself without saying why.
package mistake

import (
	"os"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
)

type paid struct {
	Order string `form:"required,max=40"`
}

func hook(w *merlon.Write[merlon.Visitor], f form.Form[paid]) (*merlon.Response, error) {
	return merlon.Text("ok"), nil
}

var routes = []merlon.Route{
	merlon.Post("/paid", merlon.Public(), hook, merlon.InsecureNoToken()),                    // compile: not enough arguments in call to merlon.InsecureNoToken
	merlon.Post("/sent", merlon.Public(), hook, merlon.InsecureNoToken(os.Getenv("REASON"))), // compile: as merlon.constant value
}
