// A shell line built from input.
package mistake

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/outbound/command"
)

type picture struct {
	Name string `form:"required,max=80"`
}

func shrink(w *merlon.Write[merlon.Visitor], f form.Form[picture]) (*merlon.Response, error) {
	in, _ := f.Value()
	line := command.New("sh", "-c", "convert "+in.Name+" -resize 200x200 out.png") // compile: as command.constant value in argument to command.New
	_, err := line.Run(w.Context(), nil)
	return merlon.Redirect("/pictures"), err
}
