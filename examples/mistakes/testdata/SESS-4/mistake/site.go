// Session changed in a GET handler.
package mistake

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/session"
)

var theme = session.NewKey[string]("theme")

type choice struct {
	Theme string `query:"theme,max=20"`
}

func choose(r *merlon.Read[merlon.Visitor], in choice) (*merlon.Response, error) {
	theme.Set(r.Session, in.Theme) // compile: cannot use r.Session (variable of type *session.Reader) as *session.Writer value
	return merlon.Redirect("/"), nil
}
