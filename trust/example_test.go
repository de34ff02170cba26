package trust_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/merlon-web/merlon/trust"
)

func ExamplePolicy_Handler() {
	policy, err := trust.New(trust.Config{
		Hosts:        []string{"example.org"},
		Proxies:      []string{"10.0.3.7"},
		ClientHeader: "X-Forwarded-For",
	})
	if err != nil {
		panic(err)
	}
	site := policy.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client, _ := trust.From(r.Context())
		fmt.Println(client.Addr, client.Origin())
	}))
	ask := func(peer, host string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Host = peer, host
		r.Header.Set("X-Forwarded-For", "1.2.3.4, 198.51.100.7")
		r.Header.Set("X-Forwarded-Proto", "https")
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	ask("10.0.3.7:4711", "example.org")    // the proxy
	ask("203.0.113.9:4711", "example.org") // a stranger: the headers are not looked into
	ask("10.0.3.7:4711", "evil.example")
	// Output:
	// 198.51.100.7 https://example.org
	// 200
	// 203.0.113.9 http://example.org
	// 200
	// 421
}
