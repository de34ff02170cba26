// Every route says who may enter, also when all may.
package fixed

import (
	"github.com/merlon-web/merlon"
)

type member struct{ ID int64 }

var onlyMembers = merlon.NewAccess("members", func(v *merlon.Visit) (member, error) {
	return member{}, merlon.ErrSignIn
})

func home(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	return merlon.Text("welcome"), nil
}

func members(r *merlon.Read[member], _ merlon.None) (*merlon.Response, error) {
	return merlon.Text("the members"), nil
}

var routes = []merlon.Route{
	merlon.Get("/{$}", merlon.Public(), home),
	merlon.Get("/members", onlyMembers, members),
}
