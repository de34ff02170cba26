package header_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/merlon-web/merlon/header"
)

func ExampleNew() {
	own, faults := header.New(header.Options{
		Policy: header.Policy{Style: header.Sources{Self: true}, Img: header.Sources{Self: true}, Report: header.ReportPath},
		Cache:  header.NoCache,
	}, "GET /")
	if len(faults) > 0 {
		panic(faults)
	}
	site := own.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header.SetType(w.Header(), "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><link rel="stylesheet" href="/static/site.css">`)
	}))
	w := httptest.NewRecorder()
	site.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Header().Get("Content-Security-Policy"))
	fmt.Println(w.Header().Get("X-Frame-Options"), w.Header().Get("Cache-Control"))
	// Output:
	// default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'; report-uri /_merlon/csp
	// DENY no-cache
}

func ExampleSet() {
	h := http.Header{}
	fmt.Println(header.Set(h, "X-Note", "a\r\nSet-Cookie: id=evil"))
	fmt.Println(header.Set(h, "X-Note", "hello"), h.Get("X-Note"))
	// Output:
	// header "X-Note": byte 0x0d at 1 of its value: a line break in a header lets a visitor write headers and a body of their own; send text of visitors in the body, or percent-encode it; a file name goes through SetAttachment [MRL-HDR-001]
	// <nil> hello
}
