// A redirect to an address from the query.
package mistake

import "github.com/merlon-web/merlon"

type back struct {
	Next string `query:"next,max=500"`
}

func leave(r *merlon.Read[merlon.Visitor], in back) (*merlon.Response, error) {
	return merlon.Redirect(in.Next), nil // compile: as merlon.constant value in argument to merlon.Redirect
}
