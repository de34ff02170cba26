// What a visitor sends is the data of a page that the program holds.
package fixed

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

var files embed.FS

var (
	pages = page.From(files, "pages")
	hello = page.New[greeting](pages, "hello.html")
)

type greeting struct {
	Text string `form:"required,max=500"`
}

func greet(w *merlon.Write[merlon.Visitor], f form.Form[greeting]) (*merlon.Response, error) {
	in, _ := f.Value()
	return merlon.Show(hello, in), nil
}
