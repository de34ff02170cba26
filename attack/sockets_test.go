package attack_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/merlon-web/merlon/attack"
)

// TestSocketsThatAreNoHole: one that is opened with a cookie which browsers do not send along, and one that is for all, are not told.
// What holds the other way round is planted by the hole "socket".
func TestSocketsThatAreNoHole(t *testing.T) {
	k := newKit(t, "socket", "socketlax")
	probed(t, k, k.profile(), nil, "forgery")
}

// taker takes connections over, and does with them what its path says.
type taker struct{ t *testing.T }

// ServeHTTP implements [http.Handler].
func (h taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<title>x</title><a href="/page?q=a">page</a><a href="/panics?q=a">panics</a><a href="/late?q=a">late</a><a href="/twice?q=a">twice</a>`)
		return
	}
	c, out, err := w.(http.Hijacker).Hijack()
	if err != nil {
		h.t.Error(err)
		return
	}
	answer := func(out *bufio.ReadWriter) {
		defer c.Close()
		_, _ = io.WriteString(out, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<p>"+r.FormValue("q"))
		_ = out.Flush()
	}
	switch r.URL.Path {
	case "/page":
		answer(out)
	case "/late": // it goes on after it has returned
		go answer(out)
	case "/panics":
		panic("after it took over")
	case "/twice":
		if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrHijacked) {
			h.t.Errorf("writing to a connection that is taken over: %v", err)
		}
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrHijacked) {
			h.t.Errorf("taking it over once more: %v", err)
		}
		w.WriteHeader(http.StatusTeapot)
		answer(out)
	default:
		_ = c.Close()
	}
}

// TestTakenOver: what a handler writes on a connection that it took over is its answer.
func TestTakenOver(t *testing.T) {
	var want []string
	for _, path := range []string{"/late", "/page", "/twice"} {
		want = append(want, attack.RuleMarkup.ID+" GET "+path)
	}
	probed(t, taker{t}, attack.Profile{}, want, "injection")
}
