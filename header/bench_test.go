package header_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/merlon-web/merlon/header"
)

func BenchmarkStrict(b *testing.B) {
	b.ReportAllocs()
	h := make(http.Header, 16)
	for b.Loop() {
		header.Strict.Apply(h)
	}
}

func BenchmarkStrictInAFreshMap(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		header.Strict.Apply(http.Header{})
	}
}

func BenchmarkOver(b *testing.B) {
	b.ReportAllocs()
	f, _ := header.New(header.Options{Policy: header.Policy{Style: header.Sources{Self: true}}}, "")
	f = f.Over(header.Strict)
	h := make(http.Header, 16)
	for b.Loop() {
		f.Apply(h)
	}
}

func BenchmarkFind(b *testing.B) {
	b.ReportAllocs()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "__Host-shop-device="+secondToken+"; __Host-shop-session="+liveToken+"; theme=dark")
	for b.Loop() {
		if _, ok := header.Find(r, "__Host-shop-session"); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkSetCookie(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		h := http.Header{}
		if err := header.SetCookie(h, header.Cookie{Name: "__Host-shop-session", Value: liveToken, MaxAge: time.Hour}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSet(b *testing.B) {
	b.ReportAllocs()
	h := http.Header{}
	for b.Loop() {
		if err := header.Set(h, "X-Note", "hello"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	h := make(http.Header, 32)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "a=b; __Host-session="+liveToken)
	header.Strict.Apply(h)
	for name, f := range map[string]func(){
		"Strict.Apply": func() { header.Strict.Apply(h) },
		"Find":         func() { header.Find(r, "__Host-session") },
		"SetHSTS":      func() { header.SetHSTS(h, "example.org", true) },
		"SetCache":     func() { header.SetCache(h, header.NoCache) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times, want 0", name, n)
		}
	}
}
