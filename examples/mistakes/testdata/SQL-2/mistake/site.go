// ORDER BY from a query parameter through fmt.Sprintf.
package mistake

import (
	"embed"
	"fmt"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

var files embed.FS

var schema = db.From(files, "migrations")

type note struct{ Author, Text string }

type sorted struct {
	By string `query:"by,max=20"`
}

func list(r *merlon.Read[merlon.Visitor], in sorted) (*merlon.Response, error) {
	query := db.Query[note](schema, fmt.Sprintf("SELECT author, text FROM note ORDER BY %s LIMIT 50", in.By)) // compile: as db.constant value in argument to db.Query
	all, err := query.All(r.DB)
	return merlon.JSON(all), err
}
