// A template whose source comes from a visitor, or from a folder that the program does not hold.
package mistake

import (
	"embed"
	"os"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

var files embed.FS

var (
	pages   = page.From(files, "pages")
	uploads = page.From(os.DirFS("uploads"), ".") // compile: as embed.FS value in argument to page.From
)

type greeting struct {
	Template string `form:"required,max=500"`
}

func greet(w *merlon.Write[merlon.Visitor], f form.Form[greeting]) (*merlon.Response, error) {
	in, _ := f.Value()
	hello := page.New[greeting](pages, in.Template) // compile: as page.constant value in argument to page.New
	return merlon.Show(hello, in), nil
}
