// Package merlon is the room in which a site is put together: its routes, who may enter by them, what a handler may read
// and write, what it may answer, and the walk that every request takes through the guards of the lower rooms.
//
// A site is an [http.Handler]: any handler mounts in it, any middleware wraps its routes, and the lower rooms work alone
// in a program that is not Merlon's. What it does not protect from is listed in the README.
package merlon

import (
	"log/slog"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/static"
	"github.com/merlon-web/merlon/trust/cert"
)

// Mode says what a site is opened for.
type Mode uint8

// The modes. The zero value is the strictest.
const (
	Production  Mode = iota // the world: no detail to visitors, hosts and origin configured
	Development             // plain http on loopback, faults shown in the browser, pages read again when saved
	Test                    // as Development without reading pages again; opened by merlontest
	Drill                   // on a copy of the data: no mail leaves, no job and no part's task runs
)

// String returns the mode's name.
func (m Mode) String() string {
	return [...]string{"production", "development", "test", "drill"}[min(m, Drill)]
}

// An Env is where and how a site is opened. One open function is called with different ones by its own commands, by tests,
// by the attacker and by the drill.
type Env struct {
	Data     string           // the folder of the database and the keys; made with mode 0700
	Mode     Mode             //
	Clock    func() time.Time // nil: the system's clock
	Settings Settings
	Log      *slog.Logger // nil: slog's default
	NoJobs   bool         // opened for one command: jobs wait for the process that serves the site
	// Again puts the same site together for data in another folder. A program that serves a site gives it if it also starts the
	// site anew when it is told to ([Site.Replaced]).
	Again func(data string, mode Mode) (*Site, error)
	// Certificates are those that this process, or the one that serves, shows to visitors: their ages are checked, and told
	// by mail to Settings.Owner. Nil: somebody else ends TLS.
	Certificates cert.Source
	// Watch is told of each request and each event, as a part's [Part.Watch] is. Nil: nobody. The site's own attacker counts by
	// it whether what was refused was noticed.
	Watch Watcher
	// Requests is told of each request with its path, escaped and without query, under development alone: a path may hold a
	// visitor's words, and a mailed link's token. Nil: nobody. It is called by several requests at once.
	Requests func(a Answered, path string)
}

// Settings are what the owner sets and a program's source does not know.
type Settings struct {
	// Origin is the site's own address as visitors see it, "https://example.org". It is what the CSRF check compares
	// with and what links in mails begin with; never the request's Host header. In development it may be empty: then it
	// is http://NAME.localhost, localhost or 127.0.0.1 with the port of the request.
	Origin string
	// Hosts are the names that the site answers to; another gets 421. Empty: the host of Origin, and in development the
	// three names above.
	Hosts []string
	// Proxies are addresses or prefixes (192.0.2.1, 10.0.0.0/8) whose forwarding headers are believed; nobody's by default.
	Proxies []string
	// ClientHeader is the one header in which those proxies name the client: "X-Forwarded-For".
	ClientHeader string
	// Mail is the server that mails are sent through; without one they wait.
	Mail MailSettings
	// Database is the server that holds the site's rows, for programs that can use one; the zero value is none, and the rows
	// are in a file of the data folder.
	Database DatabaseSettings
	// Valkey is the server that holds sessions and counted attempts, for programs that can use one; the zero value is none, and
	// they are in the database.
	Valkey ValkeySettings
	// Uploads are how much room uploads may take; what is zero there is as [file.Default] has it.
	Uploads file.Limits
	// Owner is whom the site writes to about itself, a mail address: certificates that are not renewed. Empty: nobody; what
	// there is to tell is an event all the same.
	Owner string
	// AccessLog has one line in the log for each request: see [Answered].
	AccessLog bool
}

// Config is what a site is made of.
type Config struct {
	Name   constant      // a-z, 0-9, -, at most 32: the site's short name, part of its cookies' names; may be empty
	Title  string        // what pages call it ($site.Site); empty: Name
	Engine db.Engine     // sqlite.Engine("shop.db")
	Stores Stores        // of sessions and counted attempts, if not the engine's database: valkey.Or(env); nil: that
	Pages  *page.Files   // the templates; a file named as a part's replaces it
	Static *static.Files // the files of its own: style, script, images; nil: none
	Schema *db.Schema    // its migrations and statements; nil: none
	Parts  []Part
	Routes []Route
	Jobs   []AnyKind // what is done later: see Job
	Texts  Texts     // its own texts: see TextsFrom; none: pages are in one language
	Lang   string    // of pages: en or de; with Texts, one of theirs, for visitors who ask for none of them; empty: en
}

// Faults are all findings of [New] at once, each with its place and the remedy.
type Faults = check.Faults

// clock is the environment's clock.
func (e Env) clock() func() time.Time {
	if e.Clock != nil {
		return e.Clock
	}
	return time.Now
}

func (e Env) log() *slog.Logger {
	if e.Log != nil {
		return e.Log
	}
	return slog.Default()
}
