// ORDER BY is a choice of constants; the parameter only picks one, and an unknown one is the default.
package fixed

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

var files embed.FS

var (
	schema = db.From(files, "migrations")
	notes  = db.Query[note](schema, "SELECT author, text FROM note ORDER BY {0} LIMIT 50",
		db.Choice{"": "id DESC", "author": "author, id"})
)

type note struct{ Author, Text string }

type sorted struct {
	By string `query:"by,max=20"`
}

func list(r *merlon.Read[merlon.Visitor], in sorted) (*merlon.Response, error) {
	all, err := notes.Choose(in.By).All(r.DB)
	return merlon.JSON(all), err
}
