// A form value is an argument of a declared query.
package fixed

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

var files embed.FS

var (
	schema   = db.From(files, "migrations")
	byAuthor = db.Query[note](schema, "SELECT author, text FROM note WHERE author = $1 ORDER BY id LIMIT 50")
)

type note struct{ Author, Text string }

type search struct {
	Author string `query:"author,max=80"`
}

func find(r *merlon.Read[merlon.Visitor], in search) (*merlon.Response, error) {
	list, err := byAuthor.All(r.DB, in.Author)
	return merlon.JSON(list), err
}
