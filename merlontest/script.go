package merlontest

import (
	"net/http"
	"strings"

	"golang.org/x/net/html"
)

// ScriptToken returns the token that the last page hands to its script, the first of them; "" if it hands out none. After
// [Visitor.PostJSON] it is the one that the answer brought.
func (v *Visitor) ScriptToken() string {
	if v.doc == nil {
		return v.Header.Get("Merlon-Token")
	}
	token := ""
	for n := range v.doc.Descendants() {
		if n.Type == html.ElementNode && token == "" {
			token = attr(n, "data-merlon-token")
		}
	}
	return token
}

// PostJSON posts a JSON body with a token, "" for none, as a script of the site's own pages would. It follows no redirect.
func (v *Visitor) PostJSON(path, token, body string) *Visitor {
	v.t.Helper()
	r, err := http.NewRequest(http.MethodPost, v.s.URL(path), strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "Origin": v.s.Site.Origin(), "Sec-Fetch-Site": "same-origin",
		"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "User-Agent": "merlontest", "Merlon-Token": token} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return v.Do(r)
}
