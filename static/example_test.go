package static_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/merlon-web/merlon/static"
)

// In a site: //go:embed static, and var assets = static.From(files, "static").
var assets = static.From(files, "testdata/site").Under("static")

func ExampleFiles() {
	if faults := assets.Faults(); len(faults) > 0 {
		panic(faults)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+assets.Prefix(), assets)
	if icon, ok := assets.Root("favicon.ico"); ok {
		mux.Handle("GET /favicon.ico", icon)
	}
	address, integrity, _ := assets.Address("/static/robots.txt")
	fmt.Println(address)
	fmt.Println(integrity)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", address, nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"), w.Header().Get("Cache-Control"))
	// Output:
	// /static/robots.651cc03e8e1cd5c1.txt
	// sha256-ZRzAPo4c1cHpSjpQANNm3xmn5Fq6SsKMby/oRZcDxDc=
	// 200 text/plain; charset=utf-8 public, max-age=31536000, immutable
}
