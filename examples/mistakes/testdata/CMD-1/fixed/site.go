// Program and options are declared; what a visitor chose is an argument behind "--".
package fixed

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/outbound/command"
)

var drawer = command.New("qrencode", "-o", "-", "--")

type code struct {
	Text string `form:"required,max=80"`
}

func draw(r *merlon.Read[merlon.Visitor], f form.Form[code]) ([]byte, error) {
	in, _ := f.Value()
	out, err := drawer.Run(r.Context(), nil, in.Text)
	return out.Out, err
}
