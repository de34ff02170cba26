// A site answers its own pages.
package fixed

import "github.com/merlon-web/merlon"

func prices(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	return merlon.JSON(map[string]int{"bread": 3}), nil
}

var route = merlon.Get("/prices", merlon.Public(), prices)
