package setting

// A Kind is what a setting takes.
type Kind string

// The kinds of settings.
const (
	Text Kind = "text"
	List Kind = "list of texts" // in a variable with a comma between
	Time Kind = "time"          // a number with its unit: 5s, 1m30s
	Size Kind = "size"          // bytes, a whole number with its unit: 500MB, 2GB
)

// A Setting is one key of merlon.toml.
type Setting struct {
	Key     Key
	Kind    Kind
	Means   string // what it is, in one line
	Default string // what holds when it is left out, in words
	Example string // as it is written in the file, behind the sign =
}

// Settings are all keys of merlon.toml, by table. What reads the file has the same ones: a test holds both together, and
// docs/settings.md is made of these.
var Settings = []Setting{
	{Host, Text, "the name by which visitors find the site; it stands for the origin https:// and that name", "none: serve --production does not start without it or an origin", `"club.example.org"`},
	{Hosts, List, "further names: pages asked for under them are led to the host; all other names are refused (421)", "the host alone", `["www.example.org"]`},
	{Origin, Text, "scheme, name and port, where they are not https:// and the host", "https:// and the host", `"https://club.example.org:8443"`},
	{Proxies, List, "addresses and networks of the proxies in front of the site, whose word on the client is taken; unix is a socket's", "none: nobody is believed", `["10.0.3.7", "10.0.4.0/24", "unix"]`},
	{ClientHeader, Text, "the header in which those proxies write who the client is", "none", `"X-Forwarded-For"`},
	{Owner, Text, "the mail address to which the site writes about itself: certificates that end, backups that are missing", "tls.email", `"ann@example.org"`},

	{"serve.listen", Text, "address and port, or unix: and the path of a socket", ":443, and 127.0.0.1:8080 where tls.mode is proxy", `"127.0.0.1:8080"`},
	{"serve.redirect", Text, "address and port where plain HTTP is led to TLS and ACME is answered; off: nowhere. Nothing listens there where tls.mode is proxy", ":80", `":8080"`},
	{"serve.health", Text, "address and port, on loopback, of /healthz, /readyz and /metrics; off: nowhere", "127.0.0.1:8081", `"off"`},
	{"serve.access", Text, "on: the log has a line for each request; off: it has none", "on", `"off"`},
	{"serve.pre_drain", Time, "how long /readyz is down before the site stops taking visitors, so that whoever sends them here has seen it", "0s", `"5s"`},
	{"serve.memory", Text, "on: Go's soft limit of memory is nine tenths of what the control group allows, unless GOMEMLIMIT says another; off: no limit is taken from it", "on", `"off"`},
	{"serve.skip", List, "findings of check --deploy that do not stop the start, each with its reason behind a sign =; the log and the report name both", "none", `["MRL-SMTP-011=the relay is on this machine"]`},

	{"tls.mode", Text, "acme: certificates are fetched; files: they are in tls.cert and tls.key; proxy: one in front of the site ends TLS (site.trusted_proxies and site.client_header name it)", "none: serve --production does not start without it", `"acme"`},
	{"tls.cert", Text, "the PEM file of the certificate and those between it and its authority; read again when it changes. The credential tls-cert of systemd goes before it", "none: mode files needs it", `"/etc/club/cert.pem"`},
	{"tls.key", Text, "the PEM file of its private key. The credential tls-key of systemd goes before it", "none: mode files needs it", `"/etc/club/key.pem"`},
	{"tls.email", Text, "the mail address that the authority of ACME is given", "none", `"ann@example.org"`},
	{"tls.directory", Text, "the address of the directory of an ACME authority (RFC 8555)", "Let's Encrypt", `"https://ca.example.org/acme/directory"`},
	{"tls.roots", Text, "a PEM file of those who vouch for an authority of one's own", "those of the system", `"/etc/club/roots.pem"`},

	{MailAddress, Text, "the server that sends the mails, with the user's name and without a password: smtps: with TLS from the start, smtp: with STARTTLS", "none: mails wait in the mailbox", `"smtps://club@mail.example.org:465"`},
	{MailFrom, Text, "whom the mails are from", "none: a server needs it", `"Rowing Club <club@example.org>"`},
	{MailPasswordFile, Text, "the file with the mail server's password", "the credential mail-password of systemd, or the variable " + MailPassword, `"/etc/club/mail-password"`},

	{DatabaseURL, Text, "the database on a PostgreSQL server, without a password; the role owns the tables", "none: the rows are in a file of the data folder", `"postgres://club@db.example.org/club?sslmode=verify-full"`},
	{"db.reader", Text, "the role that only reads", "the one of db.url with _reader behind it", `"club_reader"`},
	{DatabaseReplicas, List, "standbys of that server, without role and password: pages read there, and what guards the site from db.url", "none: all is read from db.url", `["postgres://db2.example.org/club?sslmode=verify-full"]`},
	{"db.password_file", Text, "the file with the password of the role of db.url", "the credential db-password of systemd, or the variable " + DatabasePassword, `"/etc/club/db-password"`},
	{"db.reader_password_file", Text, "the file with the password of the role that only reads", "the credential db-reader-password of systemd, or the variable " + DatabaseReaderPassword, `"/etc/club/db-reader-password"`},

	{ValkeyURL, Text, "the Valkey or Redis server that has the sessions and counted attempts, without a password: valkeys: over TLS, valkey: on this machine, unix: a socket", "none: they are in the database", `"valkeys://club@cache.example.org:6379/0"`},
	{"valkey.prefix", Text, "what the keys there begin with, for a server that several sites share", "merlon", `"club"`},
	{"valkey.mode", Text, "cluster: the server is one of a cluster", "none: it is one server", `"cluster"`},
	{"valkey.roots", Text, "a PEM file of those who vouch for an authority of one's own", "those of the system", `"/etc/club/roots.pem"`},
	{"valkey.password_file", Text, "the file with the server's password", "the credential valkey-password of systemd, or the variable " + ValkeyPassword, `"/etc/club/valkey-password"`},

	{"uploads.user", Size, "what the uploads of one user may take in all, each counted as 16 kB at least; what is deleted counts for two more days", "1GB", `"200MB"`},
	{"uploads.visitors", Size, "what those of all visitors without a session may take together", "1GB", `"200MB"`},
	{"uploads.free", Size, "what uploads leave free on the disk of the data folder: below it none is taken", "500MB", `"2GB"`},
}

// Of returns the setting of a key, and whether there is one.
func Of(key Key) (Setting, bool) {
	for _, s := range Settings {
		if s.Key == key {
			return s, true
		}
	}
	return Setting{}, false
}
