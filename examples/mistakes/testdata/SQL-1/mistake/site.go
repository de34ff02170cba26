// A form value joined to a query with +.
package mistake

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

var files embed.FS

var schema = db.From(files, "migrations")

type note struct{ Author, Text string }

type search struct {
	Author string `query:"author,max=80"`
}

func find(r *merlon.Read[merlon.Visitor], in search) (*merlon.Response, error) {
	byAuthor := db.Query[note](schema, "SELECT author, text FROM note WHERE author = '"+in.Author+"' LIMIT 50") // compile: as db.constant value in argument to db.Query
	list, err := byAuthor.All(r.DB)
	return merlon.JSON(list), err
}
