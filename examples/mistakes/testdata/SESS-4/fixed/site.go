// A POST has the session's writer.
package fixed

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/session"
)

var theme = session.NewKey[string]("theme")

type choice struct {
	Theme string `form:"required,max=20"`
}

func choose(w *merlon.Write[merlon.Visitor], f form.Form[choice]) (*merlon.Response, error) {
	in, _ := f.Value()
	theme.Set(w.Session, in.Theme)
	return merlon.Redirect("/"), nil
}
