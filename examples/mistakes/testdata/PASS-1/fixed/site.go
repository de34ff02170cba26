// A password is compared by the room that demands a permit first; two secrets are compared in constant time.
package fixed

import (
	"fmt"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

type change struct {
	New   secret.String `form:"required,password,max=128"`
	Again secret.String `form:"required,password,max=128"`
}

func set(w *merlon.Write[merlon.Visitor], f form.Form[change]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok || !in.New.Equal(in.Again) {
		return nil, fmt.Errorf("not set: %v", in.New) // prints [redacted]
	}
	return merlon.Redirect("/"), nil
}
