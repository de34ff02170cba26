package main

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"sync"

	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	"github.com/justinas/nosurf"
	"github.com/unrolled/secure"
)

//go:embed peer
var peerFiles embed.FS

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// send answers with a page that was rendered whole: with its length, and no half page when the template fails.
func send(w http.ResponseWriter, page []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	w.Write(page)
}

func fail(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

// notesTemplate is the reference page for html/template.
func notesTemplate() (*template.Template, error) {
	return template.ParseFS(peerFiles, "peer/notes.html")
}

// newFloor is net/http, html/template and database/sql: no session, no token, no header. Everybody is visitor 0.
func newFloor(dir string) (http.Handler, error) {
	db, err := peerDB(dir)
	if err != nil {
		return nil, err
	}
	list, err := newNoteLister(db)
	if err != nil {
		return nil, err
	}
	tmpl, err := notesTemplate()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes", func(w http.ResponseWriter, r *http.Request) {
		rows, err := list.all(r.Context())
		if err != nil {
			fail(w, err)
			return
		}
		b := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(b)
		b.Reset()
		if err := tmpl.Execute(b, NotesPage{User: visitor(0), Notes: rows}); err != nil {
			fail(w, err)
			return
		}
		send(w, b.Bytes())
	})
	return mux, nil
}

// newKit is what a Go site is put together from today: scs with its SQLite store, nosurf, unrolled/secure, html/template.
func newKit(dir string) (http.Handler, error) {
	tmpl, err := notesTemplate()
	if err != nil {
		return nil, err
	}
	return kit(dir, func(b *bytes.Buffer, p *NotesPage) error { return tmpl.Execute(b, p) })
}

// newHand is the kit with the page written by hand.
func newHand(dir string) (http.Handler, error) {
	return kit(dir, renderByHand)
}

func renderByHand(b *bytes.Buffer, p *NotesPage) error {
	b.Write(appendPage(b.AvailableBuffer(), p))
	return nil
}

func kit(dir string, render func(*bytes.Buffer, *NotesPage) error) (http.Handler, error) {
	db, err := peerDB(dir)
	if err != nil {
		return nil, err
	}
	list, err := newNoteLister(db)
	if err != nil {
		return nil, err
	}
	return kitOn(list.all, sqlite3store.New(db), render), nil
}

// kitOn is the kit over any rows and any store of sessions.
func kitOn(list func(context.Context) ([]Note, error), store scs.Store, render func(*bytes.Buffer, *NotesPage) error) http.Handler {
	sessions := scs.New()
	sessions.Store = store
	sessions.Cookie.Name = "__Host-session"
	sessions.Cookie.Secure = true
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes", func(w http.ResponseWriter, r *http.Request) {
		name := sessions.GetString(r.Context(), "name")
		if name == "" {
			http.Error(w, "sign in first", http.StatusForbidden)
			return
		}
		rows, err := list(r.Context())
		if err != nil {
			fail(w, err)
			return
		}
		b := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(b)
		b.Reset()
		if err := render(b, &NotesPage{User: name, Token: nosurf.Token(r), Notes: rows}); err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		send(w, b.Bytes())
	})
	csrf := nosurf.New(mux)
	csrf.SetBaseCookie(http.Cookie{Name: kitTokenCookie, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	headers := secure.New(secure.Options{
		AllowedHosts:              []string{siteHost},
		STSSeconds:                63072000,
		STSIncludeSubdomains:      true,
		SSLRedirect:               true,
		SSLProxyHeaders:           map[string]string{"X-Forwarded-Proto": "https"},
		FrameDeny:                 true,
		ContentTypeNosniff:        true,
		ContentSecurityPolicy:     "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		ReferrerPolicy:            "same-origin",
		CrossOriginOpenerPolicy:   "same-origin",
		CrossOriginResourcePolicy: "same-origin",
		PermissionsPolicy:         "camera=(), microphone=(), geolocation=()",
	})
	return headers.Handler(sessions.LoadAndSave(csrf))
}

const (
	siteHost       = "site.test" // the name in every request's Host; TLS is taken to end at a proxy on loopback
	kitTokenCookie = "__Host-csrf"
)

// newHello is the smallest program of net/http.
func newHello(string) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(helloPage))
	})
	return mux, nil
}

const helloPage = `<!doctype html>
<html lang="en">
<head>
<title>Hello</title>
</head>
<body>
<h1>Hello</h1>
</body>
</html>
`
