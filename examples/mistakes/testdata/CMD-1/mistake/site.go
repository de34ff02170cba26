// A shell line built from input.
package mistake

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/outbound/command"
)

type code struct {
	Text string `form:"required,max=80"`
}

func draw(w *merlon.Write[merlon.Visitor], f form.Form[code]) (*merlon.Response, error) {
	in, _ := f.Value()
	line := command.New("sh", "-c", "qrencode -o code.png "+in.Text) // compile: as command.constant value in argument to command.New
	_, err := line.Run(w.Context(), nil)
	return merlon.Redirect("/codes"), err
}
