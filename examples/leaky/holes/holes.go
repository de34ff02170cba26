// Package holes lists what is wrong with the broken twin of the club (examples/leaky/site), and what only looks wrong. The
// tests of this package show by requests that each hole is there and that each sound spot holds.
package holes

// The classes of holes, named as those of the site's own attacker.
const (
	Sessions  = "sessions"
	Forgery   = "forgery"
	Injection = "injection"
	Output    = "output"
	Access    = "access"
	Limits    = "limits"
	Platform  = "platform"
	Backup    = "backup"
)

// A Hole is one thing that is wrong with the site. Routes are method and pattern; "*" is every page.
type Hole struct {
	ID      string
	Class   string
	Routes  []string
	Mistake string // the mistake's id, or the number of the seeded hole where no mistake has one
	Wrong   string
	Exploit string // the request that shows it
}

// Planted are the holes.
var Planted = []Hole{
	{"L01", Sessions, []string{"POST /login", "POST /signup", "POST /api/login"}, "SESS-3", "The session's token is the key of its row: who reads the database can go on as anybody.", "POST /login, then SELECT id FROM sessions: it is the cookie"},
	{"L02", Sessions, []string{"POST /login", "POST /signup", "POST /api/login"}, "SESS-1", "Signing in keeps the session that the browser brought, even one that the site never gave out.", "POST /login with Cookie: sid=chosen; GET /profile/ with the same cookie"},
	{"L03", Sessions, []string{"/logout"}, "SESS-2", "Signing out deletes the cookie, not the session.", "GET /profile/ with the cookie from before POST /logout"},
	{"L04", Sessions, []string{"POST /profile/password"}, "SESS-2", "A new password leaves the other sessions alive.", "GET /profile/ with an older session's cookie after POST /profile/password"},
	{"L05", Sessions, []string{"POST /admin/users/{id}/block"}, "SESS-2", "A blocked member goes on with the session that they have.", "GET /profile/ as Ben after POST /admin/users/4/block"},
	{"L06", Sessions, []string{"POST /login", "GET /signup", "GET /contact"}, "COOK-1", "The session's cookie lacks Secure and SameSite.", "POST /login: Set-Cookie"},
	{"L07", Sessions, []string{"POST /login"}, "COOK-1", "The cookie of \"stay signed in\" is readable by scripts and lacks Secure and SameSite.", "POST /login with remember=1: Set-Cookie"},
	{"L08", Sessions, []string{"POST /login", "*"}, "COOK-2", "The cookie of \"stay signed in\" is the account's number and a hash of its address: anybody can make one.", "GET /admin with Cookie: remember=base64(1:sha1(olga@club.example))"},
	{"L09", Sessions, []string{"POST /login"}, "PASS-2", "A failed sign-in writes the form, with the password, to the log.", "POST /login with a wrong password, then read the log"},
	{"L10", Sessions, []string{"POST /signup", "POST /profile/password", "POST /reset"}, "PASS-1", "Passwords rest as bare SHA-256, which is guessed by the billion.", "POST /signup, then SELECT hash FROM users"},
	{"L11", Sessions, []string{"GET /signup", "GET /contact", "GET /forgot", "GET /reset"}, "SESS-4", "Looking at a public form stores a session: a GET writes, and a flood fills the table.", "GET /contact, then count the rows of sessions"},

	{"L12", Forgery, []string{"/logout"}, "CSRF-3", "Any page can sign a visitor out by an image.", "GET /logout"},
	{"L13", Forgery, []string{"POST /news/{id}/comment"}, "CSRF-1", "The form for comments has no token.", "POST /news/1/comment from another origin"},
	{"L14", Forgery, []string{"/news/{id}/delete"}, "CSRF-3", "News are deleted by a link.", "GET /news/1/delete as an editor"},
	{"L15", Forgery, []string{"POST /profile/edit"}, "CSRF-4", "The token is only looked at when there is one.", "POST /profile/edit without token"},
	{"L16", Forgery, []string{"POST /events/{id}/book"}, "CSRF-4", "The token of any session will do, so the attacker's own.", "POST /events/1/book as Anna with Ben's token"},
	{"L17", Forgery, []string{"/events/{id}"}, "TRUST-4", "The parameter _method makes a GET a DELETE.", "GET /events/1?_method=DELETE as its owner"},
	{"L18", Forgery, []string{"/events/{id}"}, "CSRF-1", "The form that deletes an event has no token.", "POST /events/1 with _method=DELETE from another origin"},
	{"L19", Forgery, []string{"POST /messages"}, "CSRF-4", "The Referer is compared by its beginning, and may be left out.", "POST /messages with Referer: http://club.example.evil.example/"},
	{"L20", Forgery, []string{"POST /api/news/{id}/like"}, "CSRF-4", "A JSON route takes text/plain, which any page's form can send.", "POST /api/news/1/like with Content-Type: text/plain from another origin"},
	{"L21", Forgery, []string{"POST /login"}, "CSRF-5", "Another page can sign a visitor in to the attacker's account.", "POST /login from another origin"},
	{"L22", Forgery, []string{"GET /api/me"}, "TRUST-5", "Every origin may read the answer with the visitor's cookies.", "GET /api/me with Origin: https://evil.example"},

	{"L23", Injection, []string{"GET /search"}, "SQL-1", "The words are joined to the statement.", "GET /search?q=zz%') UNION SELECT email, hash FROM users --"},
	{"L24", Injection, []string{"GET /members"}, "SQL-2", "The order is put into the statement as it comes.", "GET /members?sort=(CASE WHEN 1=1 THEN id ELSE -id END)"},
	{"L25", Injection, []string{"POST /admin/bookings/remove"}, "SQL-3", "The numbers are joined to the IN list.", "POST /admin/bookings/remove with booking=0) OR (1=1"},
	{"L26", Injection, []string{"POST /api/login"}, "SQL-1", "The address is joined to the statement: no password is needed.", "POST /api/login with email: olga@club.example' --"},
	{"L27", Injection, []string{"GET /profile/posts", "POST /profile/edit", "POST /signup"}, "SQL-1", "A name that was stored is joined to a later statement.", "POST /profile/edit with name=x' UNION SELECT email, hash FROM users --, then GET /profile/posts"},
	{"L28", Injection, []string{"GET /files/info"}, "CMD-1", "The file's name becomes part of a shell line.", "GET /files/info?name=x; echo $((6*7))"},
	{"L29", Injection, []string{"GET /handbook/find"}, "CMD-3", "The word can begin with a dash and is an option then.", "GET /handbook/find?q=--version"},
	{"L30", Injection, []string{"POST /contact"}, "MAIL-1", "A line break in the subject adds headers to the mail.", "POST /contact with subject=Hi\\r\\nBcc: all@victims.example"},
	{"L31", Injection, []string{"POST /login"}, "LOG-1", "A line break in the address forges a line of the log.", "POST /login with email=x\\nlocked: olga@club.example"},
	{"L32", Injection, []string{"GET /admin/members.csv", "POST /profile/edit", "PUT /api/me"}, "CSV-1", "A cell that begins with = is a formula to the spreadsheet.", "POST /profile/edit with name==cmd|..., then GET /admin/members.csv"},
	{"L33", Injection, []string{"POST /admin/newsletter"}, "TPL-1", "The letter is a template that is given the whole row.", "POST /admin/newsletter with text={{.Hash}}"},

	{"L34", Output, []string{"GET /search"}, "XSS-2", "The words stand in the heading unescaped.", "GET /search?q=<script>alert(1)</script>"},
	{"L35", Output, []string{"GET /news/{id}", "POST /news/{id}/comment", "POST /comments/{id}/edit"}, "XSS-2", "Comments are shown as HTML.", "POST /news/1/comment with body=<img src=x onerror=alert(1)>"},
	{"L36", Output, []string{"GET /events/{id}/print", "POST /events/new"}, "XSS-3", "The sheet for the notice board is made by text/template.", "POST /events/new with title=<script>alert(1)</script>, then its /print"},
	{"L37", Output, []string{"GET /members/{id}", "POST /profile/edit", "PUT /api/me"}, "XSS-5", "The member's website may be a javascript: address.", "POST /profile/edit with website=javascript:alert(1)"},
	{"L38", Output, []string{"GET /members/{id}", "POST /profile/edit", "PUT /api/me"}, "XSS-9", "What members say about themselves is the document of a frame (srcdoc).", "POST /profile/edit with bio=<script>alert(1)</script>"},
	{"L39", Output, []string{"/"}, "XSS-3", "The page for wrong addresses shows the address unescaped.", "GET /<script>alert(1)</script>"},
	{"L40", Output, []string{"POST /news/preview"}, "XSS-3", "The preview is written by hand, unescaped.", "POST /news/preview with body=<script>alert(1)</script>"},
	{"L41", Output, []string{"GET /api/suggest"}, "XSS-8", "The JSON goes out as text/html.", "GET /api/suggest?q=<script>alert(1)</script>"},
	{"L42", Output, []string{"POST /login", "GET /login"}, "TRUST-3", "After signing in one is led to any host that is spelled //host.", "POST /login with next=//evil.example/"},
	{"L43", Output, []string{"GET /out"}, "TRUST-3", "The address must only contain the partner's name.", "GET /out?to=https://evil.example/?club.example"},
	{"L44", Output, []string{"*"}, "FRAME-1", "Every page can be framed.", "GET /profile/: neither X-Frame-Options nor frame-ancestors"},
	{"L45", Output, []string{"*"}, "M40", "No page has a Content-Security-Policy.", "GET /: headers"},
	{"L46", Output, []string{"*"}, "M43", "Pages lack X-Content-Type-Options.", "GET /: headers"},
	{"L47", Output, []string{"GET /members"}, "CACHE-1", "The list for members may be kept by shared caches.", "GET /members: Cache-Control: public"},
	{"L48", Output, []string{"GET /profile/"}, "M45", "The profile answers below itself, so a cache takes /profile/x.css for a style sheet.", "GET /profile/x.css"},
	{"L49", Output, []string{"GET /search", "GET /members", "*"}, "SECR-2", "Errors show what the database says.", "GET /search?q=')"},
	{"L50", Output, []string{"GET /files/{name}", "POST /files"}, "XSS-7", "An uploaded HTML file is a page of the site.", "POST /files with x.html, then GET /files/x.html"},

	{"L51", Access, []string{"GET /admin/members.csv"}, "AUTH-3", "Only the menu hides the list of all members.", "GET /admin/members.csv as a member"},
	{"L52", Access, []string{"GET /messages/{id}"}, "AUTH-2", "A message is shown to whoever knows its number.", "GET /messages/1 as Carla"},
	{"L53", Access, []string{"POST /comments/{id}/edit"}, "AUTH-2", "Any member can change any comment.", "POST /comments/1/edit as Ben"},
	{"L54", Access, []string{"PUT /api/me"}, "MASS-2", "The JSON is read into the row: the role is a field of it.", "PUT /api/me with {\"Role\":\"admin\"}"},
	{"L55", Access, []string{"GET /api/members"}, "M50", "The answer holds the whole row, the password's hash and the address too.", "GET /api/members"},
	{"L56", Access, []string{"POST /reset", "POST /forgot"}, "AUTH-7", "The code of a new password works again and never ends.", "POST /reset twice with one code"},
	{"L57", Access, []string{"POST /forgot"}, "TRUST-2", "The mailed link is built from the Host header.", "POST /forgot with Host: evil.example"},
	{"L58", Access, []string{"POST /admin/news/new"}, "AUTH-1", "The form asks for the role, its POST does not.", "POST /admin/news/new as a member"},
	{"L59", Access, []string{"POST /profile/email"}, "M52", "The address changes without the password, and with it the account.", "POST /profile/email"},
	{"L60", Access, []string{"GET /news/{id}"}, "AUTH-2", "A draft is only left out of the list.", "GET /news/3"},

	{"L61", Limits, []string{"POST /reset"}, "AUTH-4", "A code of six digits can be guessed without limit.", "POST /reset, thirty wrong codes"},
	{"L62", Limits, []string{"POST /profile/password"}, "AUTH-4", "The old password can be guessed without limit.", "POST /profile/password, thirty wrong passwords"},
	{"L63", Limits, []string{"POST /api/login", "GET /debug/stats"}, "TRUST-1", "Attempts are counted by X-Forwarded-For, which anybody sets; the page of figures believes it too.", "POST /api/login, thirty tries with thirty X-Forwarded-For"},
	{"L64", Limits, []string{"POST /forgot"}, "AUTH-6", "The answer tells whether there is an account.", "POST /forgot with an unknown address: 404"},
	{"L65", Limits, []string{"POST /signup"}, "AUTH-6", "The answer tells whether there is an account.", "POST /signup with anna@club.example"},
	{"L66", Limits, []string{"POST /login"}, "AUTH-5", "Ten wrong passwords lock an account for good.", "POST /login ten times with a wrong password, then with the right one"},
	{"L67", Limits, []string{"PUT /api/me"}, "AVAIL-1", "The JSON body has no limit.", "PUT /api/me with 4 MB"},
	{"L68", Limits, []string{"POST /files"}, "FORM-1", "An upload has no limit of size or kind.", "POST /files with 12 MB"},
	{"L69", Limits, []string{"POST /admin/gallery"}, "M62", "An archive is unpacked whatever it grows to.", "POST /admin/gallery with 40 kB that hold 20 MB"},
	{"L70", Limits, []string{"GET /news"}, "SQL-7", "The visitor says how many rows a page has.", "GET /news?per=1000000"},
	{"L71", Limits, []string{"POST /events/{id}/book"}, "FORM-3", "A double click books twice.", "POST /events/1/book twice, the same body"},
	{"L72", Limits, []string{"POST /events/new"}, "FORM-4", "A wrong guest is refused, and the event is there all the same.", "POST /events/new with invite=3 999"},

	{"L73", Platform, []string{"/debug/request"}, "SECR-2", "A debug page shows the request's headers, cookies included, also for TRACE.", "TRACE /debug/request"},
	{"L74", Platform, []string{"GET /debug/pprof/", "GET /debug/pprof/cmdline"}, "SECR-2", "The profiler is open to the world.", "GET /debug/pprof/"},
	{"L75", Platform, []string{"GET /static/"}, "SECR-1", "The folder of static files lists itself, and an old list of members lies in it.", "GET /static/old/"},
	{"L76", Platform, []string{"POST /profile/picture"}, "URL-1", "The site fetches any address, those of the machine and its network too.", "POST /profile/picture with address=http://127.0.0.1:PORT/"},
	{"L77", Platform, []string{"GET /download"}, "PATH-1", "The name may lead out of the folder.", "GET /download?name=../settings.conf"},
	{"L78", Platform, []string{"POST /admin/gallery"}, "PATH-1", "Names in the archive may lead out of the folder.", "POST /admin/gallery with an entry ../uploads/evil.html"},

	{"L79", Backup, []string{"backups"}, "BACK-1", "The copies lie in the folder of the data.", "Site.Backup, then look into the folder backups"},
	{"L80", Backup, []string{"backups"}, "BACK-1", "The index beside the copies names all members' addresses.", "Site.Backup, then read backups/index.txt"},
	{"L81", Backup, []string{"backups"}, "BACK-1", "The key of the copies stands in the settings beside the data.", "Site.Backup, then Site.Restore with nothing but the folder"},
	{"L82", Backup, []string{"backups"}, "M77", "A copy that was cut is restored as far as it goes.", "Site.Backup, cut the newest copy, Site.Restore: no error"},
	{"L83", Backup, []string{"backups"}, "M78", "Only the database is copied: uploads and pictures of the gallery are not.", "POST /files, Site.Backup, Site.Restore: the file is not there"},
	{"L84", Backup, []string{"backups"}, "BACK-2", "A restore was rehearsed once, when the site was new.", "Site.Rehearsed"},
	{"L85", Backup, []string{"backups"}, "BACK-3", "The site deletes its copies itself, and so can who takes it.", "Site.DeleteBackup"},
	{"L86", Backup, []string{"GET /backups/{name}"}, "SECR-1", "The copies and their index are given to whoever asks.", "GET /backups/index.txt"},
}

// A Spot looks like a hole to a tool or a quick reader, and is right.
type Spot struct {
	ID      string
	Routes  []string
	Looks   string // what it looks like
	Because string // why it is right
}

// Sound are the spots that only look wrong.
var Sound = []Spot{
	{"S01", []string{"GET /events"}, "SQL in ORDER BY by Sprintf", "the parameter chooses one of three constants"},
	{"S02", []string{"GET /members/{id}"}, "data inside a script", "html/template writes it as a JavaScript string"},
	{"S03", []string{"GET /news"}, "LIKE over a visitor's words", "an argument, its wildcards escaped"},
	{"S04", []string{"GET /events/{id}/calendar.ics"}, "Fprintf of user text, HTML in the answer", "text/calendar, nosniff, an attachment, its own escapes"},
	{"S05", []string{"POST /language"}, "a cookie that scripts can read, a form without token", "it holds one of two constants and no session is touched"},
	{"S06", []string{"GET /sponsors/{n}"}, "a redirect to another host", "a number chooses a constant"},
	{"S07", []string{"GET /api/events"}, "Access-Control-Allow-Origin: *", "public data, without credentials"},
	{"S08", []string{"GET /version"}, "a debug page", "one constant line"},
	{"S09", []string{"GET /comments/{id}/raw"}, "user HTML written unescaped", "text/plain, nosniff, sandboxed"},
	{"S10", []string{"POST /unsubscribe", "GET /unsubscribe"}, "a POST without token", "it takes the secret of the mail and no cookie (RFC 8058)"},
	{"S11", []string{"GET /handbook"}, "a file name from the address", "opened in an os.Root"},
	{"S12", []string{"GET /news/{id}"}, "template.HTML over the text of news", "escaped before the line breaks are put in"},
	{"S13", []string{"GET /handbook/count"}, "a visitor's word for a command", "an argument behind -e, fixed text, no shell"},
	{"S14", []string{"GET /events.csv"}, "user text in a CSV file", "cells that begin like a formula get an apostrophe"},
	{"S15", []string{"POST /admin/users/{id}/role"}, "a role from a form", "administrators only, with token, one of three"},
	{"S16", []string{"POST /events/new"}, "a list of numbers from a form", "each one is an argument"},
	{"S17", []string{"GET /members/{id}"}, "another member's page by number", "members see each other's pages; the address is not on it"},
	{"S18", []string{"GET /download"}, "a header with the visitor's file name", "mime.FormatMediaType of its last part"},
	{"S19", []string{"GET /handbook.zip"}, "an archive that a stranger gets", "it holds the handbook, which everybody may read"},
}
