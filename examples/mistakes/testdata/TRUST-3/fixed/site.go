// An address that a visitor sent must first be proven to be a page of this site; otherwise it is the front page.
package fixed

import "github.com/merlon-web/merlon"

type back struct {
	Next string `query:"next,max=500"`
}

func leave(r *merlon.Read[merlon.Visitor], in back) (*merlon.Response, error) {
	to, _ := r.Local(in.Next)
	return merlon.RedirectLocal(to), nil
}
