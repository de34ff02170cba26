// A page escapes what it prints; a text is answered as text.
package fixed

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/page"
)

var files embed.FS

var hello = page.New[who](page.From(files, "pages"), "hello.html")

type who struct {
	Name string `query:"name,max=80"`
}

func show(r *merlon.Read[merlon.Visitor], in who) (*merlon.Response, error) {
	return merlon.Show(hello, in), nil
}

func text(r *merlon.Read[merlon.Visitor], in who) (*merlon.Response, error) {
	return merlon.Text("Hello " + in.Name), nil
}
