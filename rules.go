package merlon

import (
	"slices"

	"github.com/merlon-web/merlon/check"
)

// The rules of the walk and of the site as a whole.
var (
	RuleName = check.Rule{ID: "MRL-SITE-001", Property: check.Integrity, Severity: check.High,
		Title:  "the site's name cannot stand in a cookie's name",
		Why:    "cookies carry it so that two sites on one host do not sign each other out",
		Attack: "A name with other characters makes a cookie that browsers drop or read differently: sessions mix or are lost.",
		Wrong:  `merlon.Config{Name: "My Shop"}`, Right: `merlon.Config{Name: "shop"}   // a-z, 0-9, -, at most 32`,
		Source: "RFC 6265bis 4.1.1, 4.1.3.2 (__Host- prefix)"}
	RuleRoute = check.Rule{ID: "MRL-ROUTE-001", Property: check.Integrity, Severity: check.High,
		Title:  "a route that cannot be served",
		Why:    "which handler answers an address must be certain",
		Attack: "Two routes for one address: the one with the weaker access rule may answer.",
		Wrong:  `merlon.Get("notes", …), or two routes that match the same path`,
		Right:  `merlon.Get("/notes", …), each address once, the more specific pattern wins`,
		Source: "net/http ServeMux patterns; OWASP ASVS 8.3.1"}
	RuleAccess = check.Rule{ID: "MRL-ROUTE-002", Property: check.Confidentiality, Severity: check.High,
		Title:  "a route without an access rule",
		Why:    "nobody has said who may come in, and there is no default; or it asks for the users of a part that Config.Parts lacks, and lets nobody in",
		Attack: "A page forgotten in the open is found by guessing addresses.",
		Wrong:  "merlon.Get(\"/members\", merlon.Access[account.User]{}, members)\n// and merlon.Get(\"/members\", members), which the compiler refuses: not enough arguments in call to merlon.Get",
		Right:  `merlon.Get("/members", account.SignedIn(), members), or merlon.Public() where all may come`,
		Source: "OWASP ASVS 8.2.1, 8.3.1; OWASP Top 10 A01"}
	RuleInline = check.Rule{ID: "MRL-ROUTE-003", Property: check.Integrity, Severity: check.Medium,
		Title:  "a handler written as a function literal",
		Why:    "it has no name for the access table, events and attacks, and may hold state that outlives a request",
		Attack: "A captured variable is shared by all visitors: one sees another's data.",
		Wrong:  `merlon.Get("/", merlon.Public(), func(r *merlon.Read[merlon.Visitor], _ merlon.None) …)`,
		Right:  "func home(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) { … }\nmerlon.Get(\"/\", merlon.Public(), home)",
		Source: "CWE-488 (exposure of data element to wrong session)"}
	RuleReason = check.Rule{ID: "MRL-ROUTE-004", Property: check.Integrity, Severity: check.High,
		Title:  "a guard opened without a reason",
		Why:    "whoever reads the access table must see why it is open",
		Attack: "An exemption that nobody remembers is the first thing an attacker tries.",
		Wrong:  `merlon.InsecureNoToken("")`, Right: `merlon.InsecureNoToken("payment provider's webhook, signed by it")`,
		Source: "OWASP ASVS 15.2.1"}
	RuleOption = check.Rule{ID: "MRL-ROUTE-005", Property: check.Integrity, Severity: check.High,
		Title:  "an option that changes nothing on its route",
		Why:    "whoever wrote it believes that the route is guarded, bounded or opened by it, and it is not",
		Attack: "A page that was meant to be reached by the site's own links only is reached by any, because the option stands at another kind of route.",
		Wrong:  `merlon.Post("/notes", who, add, merlon.OwnLinksOnly())`,
		Right:  `merlon.Get("/notes/export", who, export, merlon.OwnLinksOnly())`,
		Source: "OWASP Top 10 A05:2021 (security misconfiguration); CWE-358"}
	RuleRowForm = check.Rule{ID: "MRL-ROUTE-010", Property: check.Integrity, Severity: check.High,
		Title:  "a form bound straight to a row",
		Why:    "every column could be set by whoever posts it",
		Attack: "is_admin=1 is added to the post and written (mass assignment).",
		Wrong:  `merlon.Post("/profile", who, func(w, f form.Form[User]) …)   // User is a row type`,
		Right:  "type EditProfile struct{ Name string `form:\"required,max=80\"` }\nmerlon.Post(\"/profile\", who, func(w, f form.Form[EditProfile]) …)",
		Source: "CWE-915; OWASP ASVS 15.3.3"}
	RulePageForm = check.Rule{ID: "MRL-ROUTE-011", Property: check.Integrity, Severity: check.High,
		Title:  "a page's form that its route does not take",
		Why:    "what is typed would be thrown away, or the post would not arrive",
		Attack: "A control that nobody binds hides a check that was meant to be there.",
		Wrong:  `<form method="post" action="/nots"><input name="Txet">`,
		Right:  `<form method="post" action="/notes">{{fields .Form}}</form>   with merlon.Post("/notes", …)`,
		Source: "OWASP ASVS 2.2.1"}
	RuleLink = check.Rule{ID: "MRL-ROUTE-013", Property: check.Integrity, Severity: check.High,
		Title:  "a link that leads to an act",
		Why:    "a link is a GET, and a GET does not change anything",
		Attack: "State changed by a link is changed by any page that shows the link as an image.",
		Wrong:  `<a href="/notes/7/delete">delete</a>`,
		Right:  `<form method="post" action="/notes/7/delete"><button>Delete</button></form>`,
		Source: "RFC 9110 9.2.1; OWASP CSRF cheat sheet"}
	RuleDeadLink = check.Rule{ID: "MRL-ROUTE-015", Property: check.Availability, Severity: check.High,
		Title:  "a link that leads to nothing",
		Why:    "whoever follows it gets the page of an unknown address",
		Attack: "None: but whatever answers there one day is what the site's own page leads its visitors to.",
		Wrong:  `<a href="/nots">Notes</a>   with merlon.Get("/notes", …)`,
		Right:  `<a href="/notes">Notes</a>`,
		Source: "RFC 9110 15.5.5; WCAG 2.2 2.4.4"}
	RuleLoad = check.Rule{ID: "MRL-ROUTE-014", Property: check.Availability, Severity: check.High,
		Title:  "a page that loads what is not there",
		Why:    "its style sheet, script or image would be missing for every visitor",
		Attack: "None: but a page without its script or style may lack what was meant to guard or to explain it.",
		Wrong:  `<link rel="stylesheet" href="/static/site.css">   with Config.Static empty`,
		Right:  "//go:embed pages static\nvar assets = static.From(files, \"static\")   and Config.Static: assets",
		Source: "WHATWG HTML 4.2.4 (link), 4.8.3 (img)"}
	RuleSettings = check.Rule{ID: "MRL-SITE-002", Property: check.Integrity, Severity: check.High,
		Title:  "a setting that cannot be used",
		Why:    "the site would trust or allow something else than was meant",
		Attack: "A wrong host or proxy list lets a visitor choose the address in links and in limits.",
		Wrong:  `site.origin = "example.org"`, Right: `site.host = "example.org"   # in merlon.toml, or MERLON_SITE_HOST=example.org`,
		Source: "OWASP ASVS 13.4.1; CWE-348; RFC 9110 7.2"}
	RuleForgotten = check.Rule{ID: "MRL-SITE-004", Property: check.Availability, Severity: check.High,
		Title:  "pages, statements or static files that the configuration does not name",
		Why:    "they are proven only when the site knows them; what it does not know fails for the first visitor",
		Attack: "None: but a page that was never proven may print what it should not, and fails on each visit.",
		Wrong:  `merlon.Config{Name: "shop", Routes: routes}   // beside: var pages = page.From(files, "pages")`,
		Right:  `merlon.Config{Name: "shop", Pages: pages, Routes: routes}`,
		Source: "OWASP ASVS 5.0 15.1.5; CWE-1188 (insecure default of a resource)"}
	RulePart = check.Rule{ID: "MRL-SITE-005", Property: check.Integrity, Severity: check.High,
		Title:  "two parts that take each other's place",
		Why:    "one of the two would win without anybody having said which",
		Attack: "A part that brings a sign-in page of its own takes the place of the one that has the limits and the second step.",
		Wrong:  `Parts: []merlon.Part{account.New(account.Config{}), account.New(account.Config{Closed: true})}`,
		Right:  `Parts: []merlon.Part{account.New(account.Config{Closed: true}), passkey.New(passkey.Config{})}`,
		Source: "OWASP ASVS 5.0 6.3.4 (no undocumented way to sign in)"}
	RuleLacking = check.Rule{ID: "MRL-SITE-007", Property: check.Availability, Severity: check.High,
		Title:  "a part lacks one that it cannot be without",
		Why:    "what it asks of the other one (who is signed in, how an account comes back) nobody would answer",
		Attack: "None: the site does not start.",
		Wrong:  `Parts: []merlon.Part{passkey.New(passkey.Config{})}`,
		Right:  `Parts: []merlon.Part{account.New(account.Config{}), passkey.New(passkey.Config{})}`,
		Source: "CWE-665"}
	RuleMigration = check.Rule{ID: "MRL-SITE-003", Property: check.Availability, Severity: check.High,
		Title:  "a migration that has not run",
		Why:    "the program expects another schema than the database has",
		Attack: "No attack: half of the pages would fail, and rows could be written that nobody reads.",
		Wrong:  `serve with a new file in migrations/`, Right: `go run . migrate up   # then serve`,
		Source: "12factor.net, XII (admin processes); OWASP ASVS 5.0 15.1.2"}
	RuleMethod = check.Rule{ID: "MRL-HTTP-001", Property: check.Integrity, Severity: check.Medium,
		Title:  "a method that no route answers",
		Why:    "only methods with a route answer; TRACE, TRACK, CONNECT and unknown ones never do",
		Attack: "TRACE echoes cookies; an unknown method slips past a rule written for POST.",
		Wrong:  `TRACE / HTTP/1.1`, Right: `GET or POST to a route that has it`,
		Source: "RFC 9110 9.3.8, 15.5.6; OWASP ASVS 13.4.4, 4.1.4"}
	RuleToken = check.Rule{ID: "MRL-CSRF-020", Property: check.Integrity, Severity: check.Medium,
		Title:  "a form whose token is not this session's",
		Why:    "the form was shown to another session, to another form, or long ago; nothing was changed",
		Attack: "A page of another site posts a form in the visitor's name.",
		Wrong:  `a form kept open while signing out and in again`, Right: `send the form again from the page that is shown: it keeps what was typed`,
		Source: "OWASP CSRF cheat sheet (synchronizer token); OWASP ASVS 3.5.1"}
	RuleNoToken = check.Rule{ID: "MRL-CSRF-022", Property: check.Integrity, Severity: check.Medium,
		Title:  "a form that was sent without a token",
		Why:    "a token shows that this session was shown this form; without one anybody may have made it; nothing was changed",
		Attack: "A page of another site posts a form in the visitor's name.",
		Wrong:  `curl -d Text=hello https://example.org/notes`,
		Right:  `a form on a page of this site, which gets its field merlon_token by itself; from a script the header Merlon-Token with what {{token "/notes"}} handed to its page; for programs a route with JSONBody and InsecureNoToken`,
		Source: "OWASP CSRF cheat sheet (synchronizer token); OWASP ASVS 3.5.1"}
	RuleEdited = check.Rule{ID: "MRL-CSRF-021", Property: check.Integrity, Severity: check.Low,
		Title:  "a form sent twice with different texts",
		Why:    "each form shown can be used once; this one was used with another text",
		Attack: "No attack: back, edit, send again would overwrite or double what was stored.",
		Wrong:  `back button, edit, send`, Right: `the form is shown again with the new text and one button`,
		Source: "RFC 9110 9.2.2 (POST is not idempotent)"}
	RuleUndeclared = check.Rule{ID: "MRL-ROUTE-012", Property: check.Integrity, Severity: check.Medium,
		Title:  "fields in a post that the form does not have",
		Why:    "only the fields of the form's struct are bound; these were left out",
		Attack: "is_admin=1 is added to a post, hoping that it is bound.",
		Wrong:  `POST /profile with Name=Ann&is_admin=1`, Right: `a field of the struct, where it is really meant`,
		Source: "CWE-915; OWASP ASVS 15.3.3"}
	RuleRate = check.Rule{ID: "MRL-RATE-001", Property: check.Availability, Severity: check.Medium,
		Title:  "too many requests from one network",
		Why:    "one network must not keep all others from the site",
		Attack: "A flood of cheap requests that each cost the server something.",
		Wrong:  `thousands of requests a second`, Right: `wait until the time named in Retry-After; the event says of what there were too many: requests, files, forms of visitors who are not signed in, or bodies (bytes that are under way)`,
		Source: "RFC 6585 4; OWASP ASVS 2.4.1"}
	RulePlain = check.Rule{ID: "MRL-TLS-001", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "a request without TLS that is no page",
		Why:    "what it carries was readable on the way, and a silent redirect would let it go on like this",
		Attack: "A program posts its key to http://; the network reads it, the redirect makes it work, and nobody notices.",
		Wrong:  `curl -d key=… http://example.org/hook`,
		Right:  `curl -d key=… https://example.org/hook`,
		Source: "OWASP ASVS 5.0 4.1.2, 12.2.1; RFC 6797"}
	RuleDenied = check.Rule{ID: "MRL-AUTH-001", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "a visitor who may not come in",
		Why:    "the route's access rule said no",
		Attack: "Addresses of others' pages are tried one after the other.",
		Wrong:  `GET /board without the role`, Right: `sign in as somebody who may`,
		Source: "OWASP ASVS 8.2.1, 16.3.2"}
	RulePanic = check.Rule{ID: "MRL-SITE-010", Property: check.Availability, Severity: check.High,
		Title:  "a handler failed",
		Why:    "it returned an error or panicked; nothing of it was stored and nothing of it was shown",
		Attack: "Input that makes a handler fail half-way leaves half of the data behind, elsewhere.",
		Wrong:  `an error that no code expected`, Right: `read the log line with the request id`,
		Source: "OWASP ASVS 16.5.1, 16.5.3"}
	RuleRedirect = check.Rule{ID: "MRL-REDIR-001", Property: check.Integrity, Severity: check.High,
		Title:  "a redirect to a path that is no page",
		Why:    "a redirect leads to a GET route of this site and nowhere else",
		Attack: "An address from the query sends a visitor to another site that looks like this one (open redirect).",
		Wrong:  `merlon.Redirect("/nots")`, Right: `merlon.Redirect("/notes"), merlon.Redirect("/notes/{id}", id)`,
		Source: "CWE-601; OWASP ASVS 3.7.2"}
	RuleNext = check.Rule{ID: "MRL-REDIR-002", Property: check.Integrity, Severity: check.Low,
		Title:  "a return address that is no page of this site, or one that other sites may not link to",
		Why:    "after sign-in a visitor goes to a page of this site only; to a mounted handler or a page with OwnLinksOnly only who was on the way there",
		Attack: "A link to /sign-in?next=//evil.example sends the visitor there after a real sign-in; one to /sign-in?next=/tool/delete-all makes the sign-in's own redirect do what a link may not.",
		Wrong:  `/sign-in?next=https://evil.example/`, Right: `/sign-in?next=/notes`,
		Source: "CWE-601; WHATWG URL 4.4 (slashes and backslashes)"}
	RuleBody = check.Rule{ID: "MRL-HTTP-002", Property: check.Availability, Severity: check.Low,
		Title:  "a request that cannot be read",
		Why:    "its address or body is not of the form that the route takes",
		Attack: "Malformed input is where two parsers disagree (request smuggling, parameter pollution).",
		Wrong:  `/notes?page=1;x=2`, Right: `/notes?page=1&x=2`,
		Source: "WHATWG URL 5.1; OWASP ASVS 2.2.1, 4.2.1"}
	RuleEnded = check.Rule{ID: "MRL-SESS-020", Property: check.Confidentiality, Severity: check.Low,
		Title:  "a post of a session that has just ended",
		Why:    "the session was signed out, replaced or ran out while the post was on its way; nothing was changed",
		Attack: "A stolen cookie is used on after its owner signed out.",
		Wrong:  `a post in flight during sign-out`, Right: `sign in again`,
		Source: "OWASP ASVS 7.4.1"}
	RuleInsecure = check.Rule{ID: "MRL-SITE-020", Property: check.Integrity, Severity: check.Low,
		Title:  "a guard that was opened by name",
		Why:    "each opening is listed with its reason, so that someone reads it",
		Attack: "What is open on purpose is still open.",
		Wrong:  `merlon.InsecureNoToken("…")`, Right: `keep it only while its reason holds`,
		Source: "OWASP ASVS 15.2.1"}
	RuleData = check.Rule{ID: "MRL-SITE-021", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "a data folder that others on the machine can read",
		Why:    "the database and the keys lie in it",
		Attack: "Another account of the same machine copies the database and the key ring.",
		Wrong:  `drwxr-xr-x data`, Right: `chmod 700 data`,
		Source: "OWASP ASVS 13.3.1; CWE-732"}
	RuleNotice = check.Rule{ID: "MRL-SITE-006", Property: check.Integrity, Severity: check.High,
		Title:  "a layout that shows no notices",
		Why:    "what a form has done is told on the next page, by the layout; a visitor who is told nothing does it again",
		Attack: "No attack: visitors send twice what was kept the first time, and never read that their password was changed.",
		Wrong:  `<main>{{block "main" .}}{{end}}</main>`,
		Right:  `<main>{{if $site.Notice}}<p role="status">{{$site.Notice}}</p>{{end}}{{block "main" .}}{{end}}</main>`,
		Source: "WCAG 2.2 4.1.3 (status messages)"}
	RuleOtherSite = check.Rule{ID: "MRL-SITE-022", Property: check.Integrity, Severity: check.High,
		Title:  "the data folder of another site",
		Why:    "its keys, its mark of maintenance and its backups are the other site's: each would change what is not its own",
		Attack: "No attack: two programs started in one folder; maintenance of the one closes the other.",
		Wrong:  `club serve; guestbook serve   # both with ./data`,
		Right:  `guestbook serve --data data-guestbook`,
		Source: "CWE-668; OWASP ASVS 5.0 13.4"}
	RuleGone = check.Rule{ID: "MRL-SITE-025", Property: check.Availability, Severity: check.High,
		Title:  "the database is gone, and the keys of its site are there",
		Why:    "a start would make an empty site in its place, without an account, and the next backups would be of that one",
		Attack: "No attack: a clean-up or a volume that was not mounted takes the file away; whoever then reads the first start's link is\nthe administrator of an empty site under the old name.",
		Wrong:  "rm data/club.db; club serve --production",
		Right:  "club restore …   # the newest point; or a new folder for a new site",
		Source: "CWE-636 (not failing securely); OWASP ASVS 5.0 13.4"}
	RuleFolder = check.Rule{ID: "MRL-SITE-026", Property: check.Availability, Severity: check.High,
		Title:  "the data folder cannot be used",
		Why:    "the site keeps its database and its keys there, and serves nothing without them",
		Attack: "No attack: a full disk, a file that root has made, or a disk that the kernel has mounted for reading only. What was\nacknowledged before is there.",
		Wrong:  "sudo touch data/club.db-wal; club serve",
		Right:  "chown -R club data   # the user that serves the site; or as the finding says",
		Source: "CWE-636 (not failing securely); OWASP ASVS 5.0 13.4"}
	RuleCSPReport = check.Rule{ID: "MRL-CSP-001", Property: check.Integrity, Severity: check.Low,
		Title:  "a browser refused something on a page",
		Why:    "the page's policy does not allow it: an extension of the visitor's, or an injection that was stopped",
		Attack: "Injected markup tries to load or run what the policy forbids.",
		Wrong:  `<script> in stored text`, Right: `find out where the page got it from`,
		Source: "W3C CSP3 5.3 (report-uri)"}
)

// Rules returns the rules of this room.
func Rules() []check.Rule {
	return append([]check.Rule{RuleName, RuleRoute, RuleAccess, RuleInline, RuleReason, RuleOption, RuleRowForm, RulePageForm, RuleLink, RuleDeadLink, RuleLoad, RuleSettings,
		RuleForgotten, RulePart, RuleLacking, RuleMigration, RuleMethod, RuleToken, RuleNoToken, RuleEdited, RuleOtherSite, RuleGone, RuleFolder, RuleNotice, RuleUndeclared, RuleRate, RulePlain, RuleDenied, RulePanic,
		RuleRedirect, RuleNext, RuleBody, RuleEnded, RuleInsecure, RuleCSPReport, RuleData, RuleRestored, RuleDatabase, RuleStores}, slices.Concat(jobRules(), lateJobRules(), deployRules(), routeRules(), []check.Rule{RuleTexts})...)
}
