package checks_test

// rows is the table of the checks.
func rows() []row {
	all := []row{
		{"MRL-SITE-001", "name", "My Shop"}, {"MRL-SITE-002", "language", "xx"}, {"MRL-SITE-004", "forgotten", "Config.Static is empty"},
		{"MRL-SITE-005", "two parts", ""}, {"MRL-SITE-007", "lone part", `part "passkey" needs part "account"`}, {"MRL-ROUTE-005", "routes", "OwnLinksOnly"}, {"MRL-HDR-005", "script cookie", "__Host-theme"},
		{"MRL-SITE-020", "opened", "/live/"}, {"MRL-SITE-021", "folder mode", "0777"}, {"MRL-TEXT-001", "texts", "en.json"},
		{"MRL-ROUTE-001", "routes", "GET /"}, {"MRL-ROUTE-002", "routes", "/closed"}, {"MRL-ROUTE-003", "routes", "/inline"}, {"MRL-ROUTE-004", "routes", "/hook"},
		{"MRL-ROUTE-010", "statements", "rowForm"}, {"MRL-ROUTE-011", "pages", "/nots"}, {"MRL-ROUTE-013", "pages", "/delete"}, {"MRL-ROUTE-015", "pages", "/nowhere"}, {"MRL-ROUTE-014", "pages", "/boat.png"},
		{"MRL-ROUTE-020", "opened", "/admin/users"}, {"MRL-ROUTE-021", "opened", "POST /members"}, {"MRL-ROUTE-022", "opened", "64 MB"}, {"MRL-ROUTE-023", "opened", "/live/"},
		{"MRL-ROUTE-006", "role name", "Chief Librarian"}, {"MRL-ROUTE-024", "page's roles", `notes.html:5:11 the page asks for the role "libarian", and no route does`},
		{"MRL-ROUTE-025", "like roles", `route "GET /desk" asks for the role "libarian", and route "GET /shelf" for "librarian" (`},
		{"MRL-ROUTE-026", "nobody's name", `route "GET /" is public and shows notes.html, which asks who is signed in (account/over/shared/me.html:1:`},
		{"MRL-FORM-001", "routes", "Admin"}, {"MRL-FORM-002", "routes", "boundless"}, {"MRL-FORM-003", "routes", "excluding"}, {"MRL-FORM-004", "routes", "embedding"},
		{"MRL-FORM-005", "routes", "pointing"}, {"MRL-FORM-006", "routes", "misspelt"}, {"MRL-FORM-007", "routes", "uploading"}, {"MRL-FORM-008", "routes", "map"}, {"MRL-FORM-009", "routes", ""}, {"MRL-FORM-010", "routes", "printed"},
		{"MRL-FILE-003", "little room", "1000001"},
		{"MRL-HDR-007", "pages", "scripts.html"}, {"MRL-HDR-008", "routes", "partner.example"},
		{"MRL-SQL-002", "statements", "SELEC"}, {"MRL-SQL-003", "statements", "txet"}, {"MRL-SQL-004", "statements", "itel"}, {"MRL-SQL-005", "statements", "?"}, {"MRL-SQL-006", "statements", ""},
		{"MRL-SQL-007", "statements", ""}, {"MRL-SQL-008", "statements", ""}, {"MRL-SQL-009", "statements", ""}, {"MRL-SQL-010", "statements", ""}, {"MRL-SQL-011", "statements", "anyRow"},
		{"MRL-SQL-012", "migration", "0001_note.sql"}, {"MRL-SQL-013", "no limit", ""}, {"MRL-SQL-018", "statements", "time.Time"}, {"MRL-SQL-022", "schema name", "account"},
		{"MRL-SQL-024", "damage", ""}, {"MRL-SQL-025", "orphan", "row 1 of b names a row of a"},
		{"MRL-SITE-006", "pages", "broken/layout.html:1"}, {"MRL-DEPLOY-010", "demo", "filled in by serve --demo"}, {"MRL-SQL-030", "lax", "laxmigrations/0001_book.sql:2"}, {"MRL-SQL-031", "called", "moveNote.Run is given 1 argument,"}, {"MRL-SQL-031", "called", "moveNotes.All is given 0 arguments"},
		{"MRL-STATIC-001", "files", "help.html"}, {"MRL-STATIC-002", "files", "a..b.txt"}, {"MRL-STATIC-004", "files", "site.css"}, {"MRL-STATIC-005", "files", "site.css"}, {"MRL-STATIC-006", "no files", "static"},
		{"MRL-TRUST-003", "forwarded", "203.0.113.7"}, {"MRL-TRUST-011", "hosts", "*."}, {"MRL-TRUST-012", "proxies", "0.0.0.0/0"}, {"MRL-TRUST-013", "header", "Host"},
		{"MRL-SMTP-001", "mail server", ""}, {"MRL-SMTP-002", "mail plain", ""}, {"MRL-SMTP-003", "mail from", ""}, {"MRL-SMTP-004", "mail password", ""}, {"MRL-SMTP-011", "no mail", ""},
		{"MRL-DEPLOY-001", "no origin", ""}, {"MRL-DEPLOY-002", "plain", "http://"}, {"MRL-DEPLOY-003", "other host", "www."}, {"MRL-DEPLOY-004", "local host", "shop.local"},
		{"MRL-DEPLOY-005", "sender", "mail.example.net"}, {"MRL-DEPLOY-006", "wide proxies", "10.0.0.0/8"}, {"MRL-DEPLOY-007", "nameless", "Config.Name"}, {"MRL-DEPLOY-008", "number", "192.0.2.7"}, {"MRL-DEPLOY-009", "nameless visitors", "100 requests"},
		{"MRL-ACCT-008", "cheap hashes", "1 passes"}, {"MRL-ACCT-057", "no contact", ""}, {"MRL-ACCT-058", "no hooks", "no Export: they are in nobody's download; no Deleted"}, {"MRL-ACCT-080", "no admin", ""}, {"MRL-ACCT-081", "admins", "user 1"}, {"MRL-ACCT-082", "admins", "7 users"},
		{"MRL-ACCT-083", "users", "bord"}, {"MRL-ACCT-084", "users", "never proven"}, {"MRL-ACCT-085", "silent list", "did not answer"},
		{"MRL-PASSWORD-005", "users", "1 users"}, {"MRL-PASSWORD-006", "slow machine", "one hash took"},
		{"MRL-JOB-001", "unlisted", "unlisted/later"}, {"MRL-JOB-002", "jobs", "1 jobs"}, {"MRL-JOB-005", "jobs", "gone"}, {"MRL-JOB-006", "jobs", "more than an hour"}, {"MRL-MAILBOX-004", "mails", "1 mails"},
		{"MRL-JOURNAL-001", "chain", ""}, {"MRL-JOURNAL-002", "tail", ""}, {"MRL-THROTTLE-003", "alarm", ""},
		{"MRL-KEYRING-001", "key mode", "0644"}, {"MRL-KEYRING-002", "key text", ""}, {"MRL-KEYRING-003", "key link", ""}, {"MRL-KEYRING-004", "key age", "days old"}, {"MRL-KEYRING-005", "key gone", ""},
		{"MRL-KEYRING-006", "key in git", "git"}, {"MRL-KEYRING-007", "folder mode", "0777"},
		{"MRL-HOST-001", "root", ""}, {"MRL-HOST-002", "root", "0022"}, {"MRL-HOST-003", "process", "1 MB"}, {"MRL-HOST-004", "environment", "crash"}, {"MRL-HOST-005", "process", "256"}, {"MRL-HOST-006", "process", ""},
		{"MRL-HOST-007", "limit", "4.0 GB"}, {"MRL-HOST-008", "environment", "tls10server=1"}, {"MRL-HOST-009", "environment", "LD_PRELOAD"}, {"MRL-HOST-010", "environment", "MAIL_PASSWORD"},
		{"MRL-HOST-011", "program", "0777"}, {"MRL-HOST-012", "program", "0777"}, {"MRL-HOST-013", "disk", "1 MB"}, {"MRL-HOST-014", "disk", "10 more"}, {"MRL-HOST-015", "disk", ""}, {"MRL-HOST-016", "memory disk", "tmpfs"},
		{"MRL-HOST-017", "layer", ""}, {"MRL-HOST-018", "network", "nfs"}, {"MRL-HOST-019", "open files", "shop.db"}, {"MRL-HOST-020", "clock", ""}, {"MRL-HOST-021", "clock", "1970"}, {"MRL-HOST-022", "process", ""},
		{"MRL-HOST-023", "caps", "1 capabilities"}, {"MRL-HOST-024", "process", ""}, {"MRL-HOST-025", "swap", "/dev/sda2"},
		{"MRL-CERT-003", "certificate due", "two thirds"}, {"MRL-CERT-002", "certificate late", "within a week"}, {"MRL-CERT-001", "certificate ended", "ended"}, {"MRL-CERT-005", "certificate missing", "has given none yet"}, {"MRL-CERT-006", "certificate name", "does not name other.merlon-web.org"}, {"MRL-CERT-006", "further host", "does not name www.merlon-web.org"},
		{"MRL-BUILD-001", "old go", "GO-20"}, {"MRL-BUILD-002", "old modules", "golang.org/x/net"}, {"MRL-BUILD-003", "old list", ""}, {"MRL-BUILD-004", "build", ""}, {"MRL-BUILD-005", "old modules", "../x"},
		{"MRL-BUILD-006", "build", ""}, {"MRL-BUILD-007", "build", ""}, {"MRL-BUILD-008", "build", ""}, {"MRL-BUILD-009", "build", ""}, {"MRL-BUILD-010", "build", "tls3des"}, {"MRL-BUILD-011", "nothing known", ""},
	}
	for _, number := range pageRules {
		place := number + ".html"
		if number == "058" {
			continue
		}
		all = append(all, row{"MRL-PAGE-" + number, "pages", place})
	}
	return append(all, row{"MRL-PAGE-058", "page files", "onclick"})
}
