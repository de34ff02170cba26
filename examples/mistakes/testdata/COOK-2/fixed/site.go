// A cookie is sealed by the site, has a name and a type, and cannot be made by a visitor.
package fixed

import (
	"time"

	"github.com/merlon-web/merlon"
)

type seen struct{ Tour bool }

var tour = merlon.NewCookie[seen]("tour", 30*24*time.Hour)

func home(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	if s, ok := tour.Get(r); ok && s.Tour {
		return merlon.Text("welcome back"), nil
	}
	return merlon.Text("welcome"), nil
}
