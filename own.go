package merlon

import (
	"embed"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/static"
)

// What the site brings itself: its error pages, the report endpoint of its policies, and in development the mailbox.

//go:embed pages
var ownPageFiles embed.FS

//go:embed assets
var ownAssets embed.FS

var (
	ownPages  = page.From(ownPageFiles, "pages")
	ownStatic = static.From(ownAssets, "assets").Under("_merlon/static")
	errorPage = page.New[ErrorPage](ownPages, "error.html")
	stalePage = page.New[StalePage](ownPages, "stale.html")
	mailPage  = page.New[mailsShown](ownPages, "mail.html")
)

// ownRoutes are the routes that the site has of Merlon's own.
func (s *Site) ownRoutes() []Route {
	routes := []Route{Mount("/_merlon/csp", Public(), http.HandlerFunc(s.cspReport), InsecureNoToken("browsers send reports without a token; no cookie is read, 8 KiB at most"), MaxBody(maxReport))}
	if s.signIn != "" { // without a part that signs users in nobody is asked to sign in again
		routes = append(routes, Get(keptPath, ownSession, s.showKept))
	}
	if s.env.Mode == Development || s.env.Mode == Test {
		routes = append(routes, Get(devMailPath, ThisMachine(), s.devMail))
	}
	return routes
}

const devMailPath = "/_merlon/dev/mail"

// DevMail returns the path of the page on which the mails of the site are read in development, for a visitor of this machine;
// "" for everybody else, and in every other mode. A page that says that a mail was sent can lead there.
func (f *facts) DevMail() string {
	if f.w.site.env.Mode != Development || !f.w.client.Local() {
		return ""
	}
	return devMailPath
}

// ThisMachine hides a route from everybody but programs on this machine that came by no proxy.
func ThisMachine() Access[Visitor] { return thisMachine }

var thisMachine = NewAccess("this machine", func(v *Visit) (Visitor, error) {
	if !v.Local {
		return Visitor{}, ErrHidden
	}
	return Visitor{}, nil
})

const maxReport = 8 << 10

// cspReport takes what browsers say that a page's policy refused. It is written by whoever likes: bounded, counted as a
// refusal per network and minute, and escaped where it is shown.
func (s *Site) cspReport(rw http.ResponseWriter, r *http.Request) {
	w, ok := rw.(*walk)
	if !ok || r.Method != http.MethodPost {
		rw.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.fail(http.StatusRequestEntityTooLarge, nil)
		return
	}
	var report struct {
		Report struct {
			Document  string `json:"document-uri"`
			Directive string `json:"effective-directive"`
			Blocked   string `json:"blocked-uri"`
			Source    string `json:"source-file"`
		} `json:"csp-report"`
	}
	if json.Unmarshal(body, &report) != nil || report.Report.Directive == "" {
		w.fail(http.StatusBadRequest, nil)
		return
	}
	p := report.Report
	w.refused(RuleCSPReport, slog.String("page", w.site.pageOf(p.Document)), slog.String("directive", event.Clean(p.Directive[:min(len(p.Directive), 60)])),
		slog.String("blocked", originOnly(p.Blocked)), slog.String("source", originOnly(p.Source)))
	w.begun.Store(true)
	rw.WriteHeader(http.StatusNoContent)
}

// pageOf is the route of an address: its path may be a secret, that of a mailed link.
func (s *Site) pageOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if rt, _ := s.find(http.MethodGet, u); rt != nil {
		return rt.id()
	}
	return ""
}

// originOnly keeps what tells the fault and leaves out what may be private: paths and queries.
func originOnly(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return event.Clean(address)[:min(len(event.Clean(address)), 40)]
	}
	return event.Clean(u.Scheme + "://" + u.Host)
}

type mailsShown struct {
	Server string // that they are sent through; "": they stay here
	Mails  []mailShown
}

type mailShown struct {
	To, Subject, At, State string
	Text                   []mailPart
}

// A mailPart is a stretch of a mail's text: words, or a link to this site.
type mailPart struct{ Text, Link string }

// mailParts makes the addresses of this site in a text links, as a mail program does.
func mailParts(text, origin string) (parts []mailPart) {
	for {
		before, rest, found := strings.Cut(text, origin+"/")
		if !found {
			return append(parts, mailPart{Text: text})
		}
		end := strings.IndexFunc(rest, unicode.IsSpace)
		if end < 0 {
			end = len(rest)
		}
		path := "/" + rest[:end]
		parts, text = append(parts, mailPart{Text: before}, mailPart{origin + path, path}), rest[end:]
	}
}

// mailStates are the words for what became of a mail.
var mailStates = map[mailbox.State]string{mailbox.Queued: "mail.state.queued", mailbox.Held: "mail.state.held", mailbox.Sent: "mail.state.sent", mailbox.Failed: "mail.state.failed"}

// devMail shows what the site would send, in development, to this machine.
func (s *Site) devMail(r *Read[Visitor], _ None) (*Response, error) {
	mails, err := s.House().Mails.List(r.DB, 0, 50)
	if err != nil {
		return nil, err
	}
	shown := mailsShown{Server: s.MailServer()}
	for _, m := range mails {
		one := mailShown{To: m.To.String(), Subject: m.Subject, Text: mailParts(m.Text, s.Origin()), At: m.Created.UTC().Format("2006-01-02 15:04:05 UTC"), State: r.Words(mailStates[m.State])}
		shown.Mails = append(shown.Mails, one)
	}
	return Show(mailPage, shown), nil
}
