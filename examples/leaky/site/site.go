// Package site is the club's broken twin: the same small site as examples/club, written with net/http, database/sql and
// html/template by somebody in a hurry. Its holes are the ones that real sites have; package holes lists them. It exists to
// be attacked by tests. Never serve it to anybody.
package site

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed pages
var pageFiles embed.FS

//go:embed static
var staticFiles embed.FS

// Config is what a site needs of its surroundings.
type Config struct {
	Folder string                                // an existing folder for the database and the files
	Log    io.Writer                             // where the log goes; nil: nowhere
	Mail   func(to string, message []byte) error // sends a mail, headers and text as they are; nil: mails are dropped
	Client *http.Client                          // fetches pictures; nil: the default client
}

// A Site is the broken club; it is safe for concurrent use.
type Site struct {
	db     *sql.DB
	log    *log.Logger
	mail   func(to string, message []byte) error
	client *http.Client
	folder string
	mux    *http.ServeMux
	pages  map[string]*template.Template

	mu    sync.Mutex
	tries map[string]int // failed sign-ins by address
}

// New opens a site over a folder. A fresh folder gets the demo's data.
func New(c Config) (*Site, error) {
	if c.Log == nil {
		c.Log = io.Discard
	}
	if c.Mail == nil {
		c.Mail = func(string, []byte) error { return nil }
	}
	if c.Client == nil {
		c.Client = http.DefaultClient
	}
	s := &Site{log: log.New(c.Log, "", 0), mail: c.Mail, client: c.Client, folder: c.Folder, tries: make(map[string]int)}
	var err error
	file := filepath.Join(c.Folder, "club.db")
	if s.db, err = sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=busy_timeout(5000)&_txlock=immediate"); err != nil {
		return nil, err
	}
	if err := s.fill(); err != nil {
		s.db.Close()
		return nil, err
	}
	for _, dir := range []string{"uploads", "gallery", "handbook", "backups"} {
		if err := os.MkdirAll(filepath.Join(c.Folder, dir), 0o755); err != nil {
			return nil, err
		}
	}
	for name, text := range handbook {
		if err := os.WriteFile(filepath.Join(c.Folder, "handbook", name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(c.Folder, "settings.conf"), []byte("smtp_password = tulip-garden-42\nbackup_key = 3b1f0c9d77e24a58\n"), 0o600); err != nil {
		return nil, err
	}
	if err := s.parse(); err != nil {
		return nil, err
	}
	s.routes()
	return s, nil
}

// Close closes the database.
func (s *Site) Close() error { return s.db.Close() }

// DB is the site's database, for tests that look at what a request did.
func (s *Site) DB() *sql.DB { return s.db }

// ServeHTTP answers a request.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Printf("panic: %v", v)
			http.Error(w, fmt.Sprint("panic: ", v), http.StatusInternalServerError)
		}
	}()
	s.log.Printf("%s %s", r.Method, r.URL.RequestURI())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	s.mux.ServeHTTP(w, r)
}

func (s *Site) routes() {
	m := http.NewServeMux()
	s.mux = m
	m.HandleFunc("GET /{$}", s.home)
	m.HandleFunc("/", s.notFound)

	m.HandleFunc("GET /news", s.newsList)
	m.HandleFunc("GET /news/{id}", s.newsShow)
	m.HandleFunc("POST /news/{id}/comment", s.signedIn(s.commentAdd))
	m.HandleFunc("/news/{id}/delete", s.only("editor", s.newsDelete))
	m.HandleFunc("POST /news/preview", s.signedIn(s.newsPreview))
	m.HandleFunc("POST /comments/{id}/edit", s.signedIn(s.guarded(s.commentEdit)))
	m.HandleFunc("GET /comments/{id}/raw", s.commentRaw)

	m.HandleFunc("GET /members", s.signedIn(s.memberList))
	m.HandleFunc("GET /members/{id}", s.signedIn(s.memberShow))

	m.HandleFunc("GET /events", s.eventList)
	m.HandleFunc("GET /events.csv", s.signedIn(s.eventExport))
	m.HandleFunc("/events/{id}", s.eventShow)
	m.HandleFunc("GET /events/{id}/print", s.eventPrint)
	m.HandleFunc("GET /events/{id}/calendar.ics", s.eventCalendar)
	m.HandleFunc("POST /events/{id}/book", s.signedIn(s.eventBook))
	m.HandleFunc("GET /events/new", s.signedIn(s.eventForm))
	m.HandleFunc("POST /events/new", s.signedIn(s.guarded(s.eventCreate)))

	m.HandleFunc("GET /profile/", s.signedIn(s.profile))
	m.HandleFunc("GET /profile/posts", s.signedIn(s.profilePosts))
	m.HandleFunc("POST /profile/edit", s.signedIn(s.profileEdit))
	m.HandleFunc("POST /profile/email", s.signedIn(s.guarded(s.profileEmail)))
	m.HandleFunc("POST /profile/password", s.signedIn(s.guarded(s.profilePassword)))
	m.HandleFunc("POST /profile/picture", s.signedIn(s.guarded(s.profilePicture)))
	m.HandleFunc("GET /pictures/{id}", s.picture)

	m.HandleFunc("GET /messages", s.signedIn(s.messageList))
	m.HandleFunc("GET /messages/{id}", s.signedIn(s.messageShow))
	m.HandleFunc("POST /messages", s.signedIn(s.messageSend))

	m.HandleFunc("GET /search", s.search)
	m.HandleFunc("GET /contact", s.contactForm)
	m.HandleFunc("POST /contact", s.guarded(s.contactSend))
	m.HandleFunc("POST /language", s.language)
	m.HandleFunc("GET /out", s.out)
	m.HandleFunc("GET /sponsors/{n}", s.sponsor)
	m.HandleFunc("GET /unsubscribe", s.unsubscribeAsk)
	m.HandleFunc("POST /unsubscribe", s.unsubscribe)

	m.HandleFunc("GET /login", s.loginForm)
	m.HandleFunc("POST /login", s.login)
	m.HandleFunc("/logout", s.logout)
	m.HandleFunc("GET /signup", s.signupForm)
	m.HandleFunc("POST /signup", s.guarded(s.signup))
	m.HandleFunc("GET /forgot", s.forgotForm)
	m.HandleFunc("POST /forgot", s.guarded(s.forgot))
	m.HandleFunc("GET /reset", s.resetForm)
	m.HandleFunc("POST /reset", s.guarded(s.reset))

	m.HandleFunc("GET /files", s.signedIn(s.fileList))
	m.HandleFunc("POST /files", s.signedIn(s.guarded(s.fileUpload)))
	m.HandleFunc("GET /files/{name}", s.fileShow)
	m.HandleFunc("GET /files/info", s.signedIn(s.fileInfo))
	m.HandleFunc("GET /download", s.signedIn(s.download))
	m.HandleFunc("GET /handbook", s.handbookPage)
	m.HandleFunc("GET /handbook/find", s.handbookFind)
	m.HandleFunc("GET /handbook/count", s.handbookCount)

	m.HandleFunc("GET /admin", s.only("admin", s.admin))
	m.HandleFunc("POST /admin/users/{id}/block", s.only("admin", s.guarded(s.adminBlock)))
	m.HandleFunc("POST /admin/users/{id}/role", s.only("admin", s.guarded(s.adminRole)))
	m.HandleFunc("POST /admin/bookings/remove", s.only("admin", s.guarded(s.adminRemove)))
	m.HandleFunc("GET /admin/members.csv", s.signedIn(s.adminExport))
	m.HandleFunc("GET /admin/news/new", s.only("editor", s.newsForm))
	m.HandleFunc("POST /admin/news/new", s.signedIn(s.guarded(s.newsCreate)))
	m.HandleFunc("POST /admin/newsletter", s.only("editor", s.guarded(s.newsletter)))
	m.HandleFunc("POST /admin/gallery", s.only("editor", s.guarded(s.galleryUpload)))

	m.HandleFunc("POST /api/login", s.apiLogin)
	m.HandleFunc("GET /api/me", s.apiMe)
	m.HandleFunc("PUT /api/me", s.signedIn(s.apiMeSave))
	m.HandleFunc("GET /api/members", s.signedIn(s.apiMembers))
	m.HandleFunc("POST /api/news/{id}/like", s.signedIn(s.apiLike))
	m.HandleFunc("GET /api/suggest", s.apiSuggest)
	m.HandleFunc("GET /api/events", s.apiEvents)

	files, err := fs.Sub(staticFiles, "static")
	if err != nil {
		panic(err)
	}
	static := http.StripPrefix("/static/", http.FileServerFS(files))
	m.HandleFunc("GET /static/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Del("Content-Type")
		static.ServeHTTP(w, r)
	})

	m.HandleFunc("/debug/request", s.debugRequest)
	m.HandleFunc("GET /debug/stats", s.debugStats)
	m.HandleFunc("GET /debug/pprof/", pprof.Index)
	m.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	m.HandleFunc("GET /version", s.version)
	m.HandleFunc("GET /backups/{name}", s.backupFetch)
	m.HandleFunc("GET /handbook.zip", s.handbookZip)
}

func (s *Site) parse() error {
	s.pages = make(map[string]*template.Template)
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return err
	}
	for _, name := range names {
		base := strings.TrimSuffix(filepath.Base(name), ".html")
		if base == "layout" {
			continue
		}
		t, err := template.ParseFS(pageFiles, "pages/layout.html", name)
		if err != nil {
			return err
		}
		s.pages[base] = t
	}
	return nil
}

// view is what the layout and the page are given.
type view struct {
	Title string
	User  *User
	Token string
	Error string
	Data  any
}

func (s *Site) show(w http.ResponseWriter, r *http.Request, page, title string, data any) {
	s.render(w, page, view{Title: title, User: s.user(r), Token: s.token(r), Data: data})
}

func (s *Site) render(w http.ResponseWriter, page string, v view) {
	if (v.User != nil || v.Token != "") && w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	if err := s.pages[page].ExecuteTemplate(w, "layout.html", v); err != nil {
		s.log.Printf("page %s: %v", page, err)
	}
}

// fail answers with an error.
func (s *Site) fail(w http.ResponseWriter, err error) {
	s.log.Printf("error: %v", err)
	if errors.Is(err, sql.ErrNoRows) {
		http.Error(w, "There is nothing here.", http.StatusNotFound)
		return
	}
	http.Error(w, "Something went wrong: "+err.Error(), http.StatusInternalServerError)
}

func (s *Site) notFound(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprintf(w, "<!DOCTYPE html><title>Not found</title><h1>Not found</h1><p>There is no page %s here. <a href=\"/\">Home</a></p>", r.URL.Path)
}

func id(r *http.Request) int64 {
	n, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	return n
}

func (s *Site) home(w http.ResponseWriter, r *http.Request) { s.show(w, r, "home", "Welcome", nil) }

func (s *Site) version(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "club 3")
}
