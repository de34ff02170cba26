// Data trusted because it is in a cookie.
package mistake

import "github.com/merlon-web/merlon"

func members(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	if role, err := r.Cookie("role"); err != nil || role.Value != "board" { // compile: r.Cookie undefined
		return merlon.Forbidden(), nil
	}
	return merlon.Text("the board's minutes"), nil
}
