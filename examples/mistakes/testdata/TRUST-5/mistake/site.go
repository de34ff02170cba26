// CORS with * and credentials.
package mistake

import "github.com/merlon-web/merlon"

func prices(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	answer := merlon.JSON(map[string]int{"bread": 3})
	answer.Header().Set("Access-Control-Allow-Origin", "*")         // compile: answer.Header undefined
	answer.Header().Set("Access-Control-Allow-Credentials", "true") // compile: answer.Header undefined
	return answer, nil
}

var route = merlon.Get("/prices", merlon.Public(), prices, merlon.CORS("*")) // compile: undefined: merlon.CORS
