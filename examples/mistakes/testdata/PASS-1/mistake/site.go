// A password compared with == or turned into a string.
package mistake

import (
	"fmt"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

type signIn struct {
	Password secret.String `form:"required,password,max=128"`
}

func enter(w *merlon.Write[merlon.Visitor], f form.Form[signIn], stored secret.String) (*merlon.Response, error) {
	in, _ := f.Value()
	if in.Password == stored { // compile: cannot be compared
		return merlon.Redirect("/"), nil
	}
	if in.Password == "sesame" { // compile: mismatched types
		return merlon.Redirect("/"), nil
	}
	return nil, fmt.Errorf("wrong password: %s", string(in.Password)) // compile: cannot convert in.Password
}
