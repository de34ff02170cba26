// Package site is the example of a members' club: news with comments, outings with limited places, the list of members,
// profiles, a board area and a contact form. Programs open it with an engine; tests, benchmarks and attacks import it.
//
// Each file is one topic of the site: its rows, its forms, its pages, its statements and its handlers.
package site

import (
	"embed"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/passkey"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/static"
)

//go:embed pages migrations static texts
var files embed.FS

var (
	pages  = page.From(files, "pages")
	assets = static.From(files, "static")
	schema = db.From(files, "migrations")
	texts  = merlon.TextsFrom(files, "texts")
)

// Open opens the club on SQLite.
func Open(env merlon.Env) (*merlon.Site, error) {
	return OpenOn(env, sqlite.Engine("club.db"))
}

// OpenOn opens the club on any engine. Its backups may lie in a folder, and in places of these schemes.
func OpenOn(env merlon.Env, engine db.Engine, places ...backup.Scheme) (*merlon.Site, error) {
	return OpenBeside(env, engine, nil, places...)
}

// OpenBeside opens the club as OpenOn does, its sessions and counted attempts in stores; nil: in the engine's database.
func OpenBeside(env merlon.Env, engine db.Engine, stores merlon.Stores, places ...backup.Scheme) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Name: "club", Title: "Harbour Rowing Club", Engine: engine, Stores: stores, Pages: pages, Static: assets, Schema: schema, Texts: texts,
		Parts: []merlon.Part{
			account.New(account.Config{SecurityContact: "mailto:security@club.example", Hooks: hooks}),
			passkey.New(passkey.Config{}),
			backup.New(backup.Config{Schemes: places}),
			{Name: "club", Demo: demo},
		},
		Routes: []merlon.Route{
			merlon.Get("/", account.Anyone(), home),
			merlon.Get("/news", account.Anyone(), listOfNews),
			merlon.Get("/news/{id}", account.Anyone(), oneNews),
			merlon.Post("/news/{id}/comments", account.SignedIn(), addComment),
			merlon.Get("/outings", account.Anyone(), listOfOutings),
			merlon.Get("/outings/{id}", account.Anyone(), oneOuting),
			merlon.Post("/outings/{id}/join", account.SignedIn(), join),
			merlon.Post("/outings/{id}/leave", account.SignedIn(), leave),
			merlon.Get("/members", account.SignedIn(), listOfMembers),
			merlon.Get("/members/{id}", account.SignedIn(), oneMember),
			merlon.Get("/profile", account.SignedIn(), showProfile),
			merlon.Post("/profile", account.SignedIn(), saveProfile),
			merlon.Post("/profile/photo", account.SignedIn(), addPhoto),
			merlon.Post("/profile/photo/remove", account.SignedIn(), removePhoto),
			merlon.Get("/members/{id}/photo", account.SignedIn(), showPhoto, merlon.Primary()),
			merlon.Get("/contact", account.Anyone(), showContact),
			merlon.Post("/contact", account.Anyone(), sendContact),
			merlon.Get("/board", board, showBoard),
			merlon.Get("/board/news/new", board, newNews),
			merlon.Post("/board/news", board, addNews),
			merlon.Get("/board/news/{id}/delete", board, askDeleteNews),
			merlon.Post("/board/news/{id}/delete", board, deleteNews),
			merlon.Get("/board/outings/new", board, newOuting),
			merlon.Post("/board/outings", board, addOuting),
			merlon.Post("/board/messages/{id}/done", board, doneMessage),
			merlon.Get("/board/log", board, showLog, merlon.Primary()),
		},
	})
}

// board is who runs the club.
var board = account.HasRole("board")

// ByID is the input of every page about one thing.
type ByID struct {
	ID int64 `path:"id"`
}

// Button is a form of one button about one thing.
type Button struct {
	ID int64 `path:"id"`
}

// day is how the club writes dates: as the pages of the account do, in the visitor's language.
func day(lang string, t time.Time) string { return account.Date(lang, t).Words }
