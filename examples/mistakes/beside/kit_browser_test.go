package beside_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	_ "net/http/pprof" // SECR-2: as its documentation says
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The browser believed, the server exposed.
var kitBrowser = map[string]func(*kit) outcome{
	"TRUST-1": func(k *kit) outcome {
		k.handle("GET /trust-1", func(w http.ResponseWriter, r *http.Request) {
			address := r.Header.Get("X-Forwarded-For")
			if address == "" {
				address, _, _ = net.SplitHostPort(r.RemoteAddr)
			}
			if address != "10.0.0.1" {
				w.WriteHeader(http.StatusForbidden)
			}
		})
		if got := k.browser().get("/trust-1").status; got != http.StatusForbidden {
			k.t.Errorf("TRUST-1: %d", got)
		}
		return stopped(k.browser().get("/trust-1", "X-Forwarded-For", "10.0.0.1").status == http.StatusForbidden, "r.Header gives the header to whoever asks for it")
	},
	"TRUST-2": func(k *kit) outcome {
		k.handle("GET /trust-2", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "Your link: https://%s/confirm/1", r.Host)
		})
		if got := k.browser().get("/trust-2").body; !strings.Contains(got, origin) {
			k.t.Errorf("TRUST-2: %s", got)
		}
		for _, name := range []string{"Host", "X-Forwarded-Host"} {
			if strings.Contains(k.browser().get("/trust-2", name, "evil.example").body, "evil.example") {
				return outcome{notStopped, "the address is that of the attacker's " + name}
			}
		}
		return outcome{atRun, "unrolled/secure: AllowedHosts refuses another host"}
	},
	"TRUST-3": func(k *kit) outcome {
		k.handle("GET /trust-3", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.FormValue("next"), http.StatusSeeOther)
		})
		return stopped(k.browser().ask("/trust-3", "next", "https://evil.example/").header.Get("Location") != "https://evil.example/", "http.Redirect(input) leads there")
	},
	"TRUST-4": func(k *kit) outcome {
		k.handle("GET /trust-4", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Method) })
		k.handle("POST /trust-4", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Method) })
		k.handle("DELETE /trust-4", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Method) })
		b := k.browser()
		trace := b.do(http.MethodTrace, "/trust-4", nil, "Cookie", "a=secret")
		connect := b.do(http.MethodConnect, "/trust-4", nil)
		return passed(
			part{"TRACE that gives cookies back", strings.Contains(trace.body, "secret")},
			part{"a tunnel by CONNECT", connect.status == http.StatusOK},
			part{"X-HTTP-Method-Override", b.get("/trust-4", "X-HTTP-Method-Override", "DELETE").body != "GET"},
			part{"_method", b.post("/trust-4", values("_method", "DELETE")).body != "POST"})
	},
	"TRUST-5": func(k *kit) outcome {
		k.handle("GET /trust-5", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
			w.Header().Set("Access-Control-Allow-Credentials", "true")
			_, _ = io.WriteString(w, `{"balance": 12}`)
		})
		got := k.browser().get("/trust-5", "Origin", "https://evil.example").header
		given := got.Get("Access-Control-Allow-Origin") == "https://evil.example" && got.Get("Access-Control-Allow-Credentials") == "true"
		return stopped(!given, "the headers that were written by hand are sent")
	},
	"TRUST-6": func(k *kit) outcome {
		k.handle("POST /trust-6", func(w http.ResponseWriter, r *http.Request) {
			if _, head, err := r.FormFile("file"); err != nil || !strings.HasPrefix(head.Header.Get("Content-Type"), "image/") {
				http.Error(w, "an image, please", http.StatusBadRequest)
				return
			}
			k.upload(w, r)
		})
		got := k.browser().sendFile("/trust-6", "../../a.html", "image/png", []byte("<script>alert(1)</script>"))
		return passed(
			part{"Content-Type", got.status == http.StatusOK},
			part{"../ in a name", strings.Contains(got.body, "..")})
	},
	"SECR-1": noPart("no key: sessions and tokens are random"),
	"SECR-2": func(k *kit) outcome {
		k.mux.Handle("GET /debug/", http.DefaultServeMux)
		k.handle("GET /secr-2", func(http.ResponseWriter, *http.Request) { panic("the inside of the shop") })
		return passed(
			part{"a page of net/http/pprof", strings.Contains(k.browser().get("/debug/pprof/").body, "goroutine")},
			part{"a stack trace", strings.Contains(k.browser().get("/secr-2").body, "the inside")})
	},
	"AVAIL-1": func(k *kit) outcome {
		k.handle("POST /avail-1", func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseForm(); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		})
		k.handle("POST /avail-1-files", func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseMultipartForm(32 << 20); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		})
		k.handle("POST /avail-1-json", func(w http.ResponseWriter, r *http.Request) {
			var in any
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		})
		b := k.browser()
		ok := func(a answer) bool { return a.status == http.StatusOK }
		json := func(body string) bool {
			return ok(b.send("/avail-1-json", "application/json", strings.NewReader(body)))
		}
		if !ok(b.post("/avail-1", values("a", "1"))) || !json("[1, 2]") || !ok(b.files("/avail-1-files", 2)) {
			k.t.Error("AVAIL-1: an honest body is refused")
		}
		fields := url.Values{}
		for n := range 11_000 {
			fields.Set(fmt.Sprint("f", n), "1")
		}
		return passed(
			part{"a form of 11 MB", ok(b.post("/avail-1", values("a", strings.Repeat("x", 11_000_000))))},
			part{"11000 fields", ok(b.post("/avail-1", fields))},
			part{"1100 files", ok(b.files("/avail-1-files", 1100))},
			part{"JSON of 11 MB", json(`"` + strings.Repeat("x", 11_000_000) + `"`)},
			part{"JSON 100000 deep", json(strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000))},
			part{"a file of 20 MB", ok(b.sendFile("/avail-1-files", "a", "image/png", make([]byte, 20_000_000)))})
	},
	"AVAIL-2": func(k *kit) outcome {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			k.t.Fatal(err)
		}
		s := &http.Server{Handler: k.handler} // what http.ListenAndServe makes
		go func() { _ = s.Serve(l) }()
		defer s.Close()
		if limits := s.ReadHeaderTimeout + s.ReadTimeout + s.WriteTimeout + s.IdleTimeout; limits > 0 {
			return outcome{atRun, fmt.Sprint("the server has limits: ", limits)}
		}
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			k.t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: "+host+"\r\nX-Slow: ")
		_ = conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		_, err = conn.Read(make([]byte, 1))
		var waits net.Error
		return stopped(!errors.As(err, &waits) || !waits.Timeout(), "http.ListenAndServe has no time limits")
	},
	"AVAIL-3": func(k *kit) outcome {
		const many = 8
		var together sync.WaitGroup
		var inside atomic.Int32
		together.Add(many)
		all := make(chan struct{})
		go func() { together.Wait(); close(all) }()
		var unbounded atomic.Bool
		k.hashing = func() {
			if inside.Add(1) <= many {
				together.Done()
			}
			select {
			case <-all:
				unbounded.Store(true)
			case <-time.After(time.Minute):
			}
		}
		defer func() { k.hashing = func() {} }()
		var done sync.WaitGroup
		for range many {
			b := k.browser()
			done.Go(func() { b.post("/sign-in", values("name", "ann", "password", "wrong")) })
		}
		done.Wait()
		return stopped(!unbounded.Load(), "eight sign-ins hash at one moment: as many as come")
	},
	"BACK-1": noPart("no backups"),
	"BACK-2": noPart("no backups, no drill"),
	"BACK-3": noPart("no backups"),
}

// files posts so many small files.
func (b *browser) files(path string, many int) answer {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for n := range many {
		part, err := w.CreateFormFile(fmt.Sprint("f", n), "a")
		if err != nil {
			b.k.t.Fatal(err)
		}
		_, _ = part.Write([]byte("a"))
	}
	_ = w.Close()
	return b.send(path, w.FormDataContentType(), &body)
}

// A post is a mail server that takes what it is given.
type post struct {
	addr  string
	mails chan string
}

func newPost(t *testing.T) *post {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &post{l.Addr().String(), make(chan string, 16)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.serve(conn)
		}
	}()
	return p
}

func (p *post) serve(conn net.Conn) {
	defer conn.Close()
	text := textproto.NewReader(bufio.NewReader(conn))
	fmt.Fprint(conn, "220 here\r\n")
	for {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		switch {
		case line == "DATA":
			fmt.Fprint(conn, "354 go on\r\n")
			var mail strings.Builder
			for line, err := text.ReadLine(); err == nil && line != "."; line, err = text.ReadLine() {
				mail.WriteString(line + "\r\n")
			}
			p.mails <- mail.String()
			fmt.Fprint(conn, "250 taken\r\n")
		case line == "QUIT":
			fmt.Fprint(conn, "221 gone\r\n")
			return
		default:
			fmt.Fprint(conn, "250 well\r\n")
		}
	}
}

// taken returns the mail that was sent; "" when there is none: it is taken before the sender is answered.
func (p *post) taken() string {
	select {
	case mail := <-p.mails:
		return mail
	default:
		return ""
	}
}
