// Program and options are declared; what a visitor chose is an argument behind "--".
package fixed

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/outbound/command"
)

var shrinker = command.New("convert", "-resize", "200x200", "--")

type picture struct {
	Name string `form:"required,max=80"`
}

func shrink(r *merlon.Read[merlon.Visitor], f form.Form[picture]) ([]byte, error) {
	in, _ := f.Value()
	out, err := shrinker.Run(r.Context(), nil, in.Name, "png:-")
	return out.Out, err
}
