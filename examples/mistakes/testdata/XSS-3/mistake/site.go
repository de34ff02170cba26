// Bytes written by the handler itself.
package mistake

import (
	"fmt"

	"github.com/merlon-web/merlon"
)

type who struct {
	Name string `query:"name,max=80"`
}

func write(r *merlon.Read[merlon.Visitor], in who) (*merlon.Response, error) {
	_, err := fmt.Fprintf(r, "<h1>Hello %s</h1>", in.Name) // compile: *merlon.Read[merlon.Visitor] does not implement io.Writer
	return nil, err
}

func compose(r *merlon.Read[merlon.Visitor], in who) (*merlon.Response, error) {
	html := "<h1>Hello " + in.Name + "</h1>"
	if in.Name == "" {
		return merlon.HTML(html), nil // compile: undefined: merlon.HTML
	}
	return &merlon.Response{Body: []byte(html)}, nil // compile: unknown field Body
}
