package db

import "github.com/merlon-web/merlon/check"

// The rules of engines whose database is a server's.
var (
	RuleServerTLS = check.Rule{ID: "MRL-SQL-026", Property: check.Confidentiality, Severity: check.High,
		Title:  "the way to the database server is not proven by TLS",
		Why:    "every row and the role's password go over it, and whoever answers is believed",
		Attack: "Somebody on the way answers in the server's place: sslmode=prefer and require take any certificate, or\nnone. They read each row and give back what they like.",
		Wrong:  "postgres://site:…@db.example.org/site?sslmode=require",
		Right:  "postgres://site:…@db.example.org/site?sslmode=verify-full&sslrootcert=/etc/ssl/db.pem",
		Source: "PostgreSQL, libpq-ssl (SSL Mode Descriptions); OWASP ASVS 5.0 V12.3.3"}
	RuleReaderRole = check.Rule{ID: "MRL-SQL-027", Property: check.Integrity, Severity: check.High,
		Title:  "the role of the readers can do more than read",
		Why:    "a read-only transaction can be left by what runs in it; the rights of its role cannot",
		Attack: "A laundered text begins with SET TRANSACTION READ WRITE or ends the transaction by COMMIT; then only the\nmissing right keeps it from DELETE. A superuser also writes files and runs programs by COPY.",
		Wrong:  "Config{URL: \"postgres://site@…\", Reader: \"postgres://site@…\"}",
		Right:  "Config{URL: \"postgres://site@…\", Reader: \"postgres://site_reader@…\"}, the second with SELECT alone",
		Source: "PostgreSQL, SET TRANSACTION and GRANT; CWE-250; OWASP ASVS 5.0 V13.2.2"}
	RuleReaderReach = check.Rule{ID: "MRL-SQL-028", Property: check.Availability, Severity: check.Medium,
		Title:  "the role of the readers may run functions that act",
		Why:    "PostgreSQL lets everybody run functions that lock, notify, store large objects or end connections",
		Attack: "SELECT pg_advisory_lock(…) in a text of a GET takes the lock that writers wait for, and keeps it after its\ntransaction; SELECT pg_terminate_backend(pid) ends the connections of all other readers.",
		Wrong:  "a database as CREATE DATABASE makes it",
		Right:  "run once what postgres.Setup prints, as a superuser",
		Source: "PostgreSQL, Privileges (default PUBLIC privileges); PostgreSQL, Advisory Lock Functions; CWE-250"}
	RuleOwnerRole = check.Rule{ID: "MRL-SQL-029", Property: check.Integrity, Severity: check.High,
		Title:  "the role of the writer is a superuser",
		Why:    "it needs the site's own tables, and has every other database, file and program of the server",
		Attack: "One hole in the site is one in the whole server: COPY … TO PROGRAM runs commands as the server's user.",
		Wrong:  "postgres://postgres@…/site",
		Right:  "a role that owns the site's database and nothing else",
		Source: "PostgreSQL, Role Attributes; PostgreSQL, COPY; CWE-250; OWASP ASVS 5.0 V13.2.2"}
	RuleOutside = check.Rule{ID: "MRL-SQL-032", Property: check.Integrity, Severity: check.High,
		Title:  "a migration reaches out of its own schema",
		Why:    "migrations are tried in a schema of their own, before anything is served and whenever the site is checked",
		Attack: "None is needed: a name that says its schema means the live table also when the migration is only tried.\nDELETE FROM public.note in a file that nobody has run yet empties the table of the site that is up.",
		Wrong:  "ALTER TABLE public.note ADD COLUMN mood text;",
		Right:  "ALTER TABLE note ADD COLUMN mood text;",
		Source: "PostgreSQL, Schemas (The Schema Search Path)"}
	RulePooler = check.Rule{ID: "MRL-SQL-033", Property: check.Integrity, Severity: check.High,
		Title:  "something between the site and the database server changes what a connection is",
		Why:    "limits of time, the read-only default and the search path are set when a connection is opened; a pooler that drops\nthem, or gives out other connections, takes these guards off without a word",
		Attack: "A pooler in transaction mode hands the connection of one transaction to the next client: a lock, a setting or a\nprepared statement is then another's, and a query without its limit of time holds the server.",
		Wrong:  "postgres://site@127.0.0.1:6432/site, where a pooler listens",
		Right:  "the address of the server itself: the site keeps few connections and uses them again",
		Source: "PgBouncer, Features (SQL feature map for pooling modes) and ignore_startup_parameters; CWE-693"}
	RuleReplica = check.Rule{ID: "MRL-SQL-034", Property: check.Integrity, Severity: check.High,
		Title:  "what is named as a replica of the database is none",
		Why:    "pages would show the rows of whatever answers there: of another site, or of a copy that went its own way",
		Attack: "None: the address of the test's server stands in the list of replicas, and half of the members' pages show the\ntest's rows; or a standby was promoted, and shows what it had then for ever.",
		Wrong:  "db.replicas = [\"postgres://db.example.org/club?sslmode=verify-full\"], the address of db.url",
		Right:  "db.replicas = [\"postgres://db2.example.org/club?sslmode=verify-full\"], a standby that streams from the server of db.url",
		Source: "PostgreSQL, Hot Standby; PostgreSQL, pg_control_system (system_identifier); CWE-345"}
	RuleReplicaAway = check.Rule{ID: "MRL-SQL-035", Property: check.Availability, Severity: check.Medium,
		Title:  "no reader goes to a replica",
		Why:    "the server that writes does its work too, and may not stand what came to both",
		Attack: "None is needed: a standby that ended, that replays more slowly than is written, or whose replay is paused shows\nwhat is long past. Nobody is sent there until it has caught up.",
		Wrong:  "a standby five seconds behind, or one that does not answer",
		Right:  "a standby that streams: SELECT now() - pg_last_xact_replay_timestamp() there, pg_stat_replication on the other",
		Source: "PostgreSQL, Monitoring Streaming Replication; PostgreSQL, Handling Query Conflicts"}
	RuleClock = check.Rule{ID: "MRL-SQL-036", Property: check.Integrity, Severity: check.Medium,
		Title:  "this machine's clock and the database server's differ",
		Why:    "sessions, mailed links and counted attempts of several machines are judged by the clock of the one that is asked",
		Attack: "None is needed: a machine that is six minutes ahead makes sessions that the others refuse, and ends links early;\none that is behind keeps what is over.",
		Wrong:  "a clock that is set by hand, or left in local time",
		Right:  "NTP on all machines: timedatectl says \"System clock synchronized: yes\"",
		Source: "OWASP ASVS 5.0 16.2.2; RFC 8633 (Network Time Protocol Best Current Practices)"}
)

// serverRules are the first of this file; the others are in the list of [Rules] by their numbers.
func serverRules() []check.Rule {
	return []check.Rule{RuleServerTLS, RuleReaderRole, RuleReaderReach, RuleOwnerRole}
}
