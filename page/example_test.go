package page_test

import (
	"fmt"
	"os"

	"github.com/merlon-web/merlon/page"
)

type greeting struct {
	Name string
	Site string
}

// In a site: //go:embed pages, and var pages = page.From(files, "pages").
func ExampleNewFragment() {
	pages := page.FilesOf(map[string]string{"hello.html": `<p title="{{.Name}}">Hello <a href="{{.Site}}">{{.Name}}</a></p>`})
	hello := page.NewFragmentNamed[greeting](pages, "hello.html")

	_ = hello.Execute(os.Stdout, greeting{Name: `Ann "<b>"`, Site: "javascript:alert(1)"})
	// Output: <p title="Ann &#34;&lt;b&gt;&#34;">Hello <a href="#refused">Ann &#34;&lt;b&gt;&#34;</a></p>
}

// A page that cannot be proven does not start, and says what to do.
func ExampleCompile() {
	pages := page.FilesOf(map[string]string{"hello.html": `<p>Hello {{.Nmae}}</p><button onclick="greet('{{.Name}}')">x</button>`})
	page.NewFragmentNamed[greeting](pages, "hello.html")

	_, faults := page.Compile(page.Options{}, pages)
	for _, f := range faults {
		fmt.Print(f.Text())
	}
	// Output:
	// pages/hello.html:1:12: .Nmae: type greeting has no such field or method
	//   names are resolved against the data's type when the site starts
	//   did you mean Name?  MRL-PAGE-003
	// pages/hello.html:1:31: onclick on <button>
	//   an event handler is script, which the page's policy blocks, and data in it is script of the visitor's
	//   give the element a class or data-… and listen in a file under static: element.addEventListener(…)  MRL-PAGE-034
}
