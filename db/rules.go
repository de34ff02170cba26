package db

import "github.com/merlon-web/merlon/check"

// The rules of this package and of the engines behind it.
var (
	RuleSealed = check.Rule{ID: "MRL-SQL-001", Property: check.Integrity, Severity: check.High,
		Title:  "a statement is declared after the site started",
		Why:    "a text that comes into being while visitors are served may hold what a visitor sent",
		Attack: "A helper with a type parameter, or reflection, turns any string into the type of constants. A visitor's\nvalue in it becomes SQL: ' OR 1=1 --",
		Wrong:  "func search(r *merlon.Read[…], in Search) … {\n\tq := db.Query[Note](schema, constant(\"SELECT … \"+in.Text))",
		Right:  "var search = db.Query[Note](schema, \"SELECT … WHERE text LIKE $1 ESCAPE '\\\\'\")   // a package variable\n… search.All(r.DB, db.Contains(in.Text))",
		Source: "CWE-89; OWASP ASVS 5.0 V1.2.4"}
	RulePrepare = check.Rule{ID: "MRL-SQL-002", Property: check.Availability, Severity: check.High,
		Title:  "a statement does not prepare",
		Why:    "it would fail for the first visitor who needs it",
		Attack: "None: but a page that fails on each visit is a page that is not there, and what should be recorded by the\nstatement is not.",
		Wrong:  "db.Query[Note](schema, \"SELEC author FROM note\")",
		Right:  "db.Query[Note](schema, \"SELECT author FROM note LIMIT $1\")",
		Source: "SQLite, sqlite3_prepare_v3; PostgreSQL, PREPARE"}
	RuleUnknown = check.Rule{ID: "MRL-SQL-003", Property: check.Availability, Severity: check.High,
		Title:  "a statement names a table, column or function that does not exist",
		Why:    "the migrations do not make it, so the statement would fail when it runs",
		Attack: "None: the program and its tables disagree, and the first visitor finds out.",
		Wrong:  "\"SELECT titel FROM note\"",
		Right:  "\"SELECT title FROM note\", or a migration that adds the column",
		Source: "SQLite, sqlite3_prepare_v3; PostgreSQL, PREPARE"}
	RuleRow = check.Rule{ID: "MRL-SQL-004", Property: check.Integrity, Severity: check.High,
		Title:  "the columns of a statement are not the fields of its row type",
		Why:    "a field that is never filled stays at its zero value, and a zero may mean public, free or administrator",
		Attack: "A field Hidden that no column fills is false in every row: what was hidden is shown.",
		Wrong:  "type Note struct{ Author, Text string; Hidden bool }\ndb.Query[Note](schema, \"SELECT author, text FROM note\")",
		Right:  "\"SELECT author, text, hidden FROM note\", or the tag `db:\"-\"` on a field that is filled by hand",
		Source: "CWE-665"}
	RuleParams = check.Rule{ID: "MRL-SQL-005", Property: check.Integrity, Severity: check.High,
		Title:  "the parameters of a statement are not exactly $1 to $n",
		Why:    "a parameter that nothing is bound to is NULL, and a comparison with NULL is never what was meant",
		Attack: "$1::int is a name of its own to SQLite: it is bound to nothing, and UPDATE … WHERE owner = $2 and the\nlike change no row or the wrong ones.",
		Wrong:  "\"… WHERE a = ? AND b = :b\", \"… WHERE a = $1 AND b = $3\", \"$1::int\" on SQLite",
		Right:  "\"… WHERE a = $1 AND b = $2\"",
		Source: "https://sqlite.org/lang_expr.html#varparam"}
	RuleOneStatement = check.Rule{ID: "MRL-SQL-006", Property: check.Integrity, Severity: check.High,
		Title:  "a text is not one statement",
		Why:    "what follows the first statement is run by some drivers and dropped by others",
		Attack: "\"SELECT 1; DELETE FROM note\": checked as a query, run as both.",
		Wrong:  "db.Exec(schema, \"DELETE FROM a; DELETE FROM b\")",
		Right:  "two declarations, run in the one transaction of the writer",
		Source: "PostgreSQL, simple query protocol; SQLite, pzTail of sqlite3_prepare_v3"}
	RuleQueryWrites = check.Rule{ID: "MRL-SQL-007", Property: check.Integrity, Severity: check.High,
		Title:  "a query does more than read",
		Why:    "queries run for GET requests, which a link or an image on any page can cause",
		Attack: "<img src=\"https://site.example/notes?delete=7\">: the visitor's browser sends the cookie, the query deletes.\nATTACH and VACUUM INTO write files, PRAGMA takes the guards off.",
		Wrong:  "db.Query[Note](schema, \"DELETE FROM note WHERE id = $1 RETURNING id\")",
		Right:  "db.Returning[Note](schema, \"DELETE …\"), run with the Writer of a POST",
		Source: "RFC 9110 §9.2.1 (safe methods); OWASP ASVS 5.0 V3.5"}
	RuleRows = check.Rule{ID: "MRL-SQL-008", Property: check.Integrity, Severity: check.High,
		Title:  "a statement gives rows and is declared without, or the other way round",
		Why:    "its rows would be dropped, or waited for in vain",
		Attack: "None: but what RETURNING says (the id, whether a row was there) would never be looked at.",
		Wrong:  "db.Exec(schema, \"INSERT … RETURNING id\")",
		Right:  "db.Returning[int64](schema, \"INSERT … RETURNING id\")",
		Source: "https://sqlite.org/lang_returning.html"}
	RuleChoice = check.Rule{ID: "MRL-SQL-009", Property: check.Integrity, Severity: check.High,
		Title:  "a choice and its place in the text do not fit together",
		Why:    "every text that a visitor's key can choose must be whole, and known before the site starts",
		Attack: "A choice without a default leaves the outcome of an unknown key open; one that opens a comment or a\nparenthesis changes what the rest of the statement means.",
		Wrong:  "db.Query[Note](schema, \"… ORDER BY {0}\", db.Choice{\"new\": \"id DESC\"})",
		Right:  "db.Query[Note](schema, \"… ORDER BY {0}\", db.Choice{\"\": \"id\", \"new\": \"id DESC\"})",
		Source: "CWE-89; OWASP ASVS 5.0 V1.2.4"}
	RuleList = check.Rule{ID: "MRL-SQL-010", Property: check.Integrity, Severity: check.High,
		Title:  "a list stands where no list can",
		Why:    "a list is expanded to as many parameters as it has values, which only IN ( ) takes",
		Attack: "None: the statement would not mean what it says.",
		Wrong:  "\"… WHERE id = $1...\", \"VALUES ($1...)\"",
		Right:  "\"… WHERE id IN ($1...)\", with a slice as its argument",
		Source: "CWE-89"}
	RuleRowType = check.Rule{ID: "MRL-SQL-011", Property: check.Integrity, Severity: check.High,
		Title:  "a row type has a field that no column fits into",
		Why:    "the field could not be filled, or only by guessing",
		Attack: "None: but an interface field takes whatever the database holds, and what a page does with it is open.",
		Wrong:  "type Note struct{ Text any }",
		Right:  "type Note struct{ Text string; Tags []string `db:\"tags,json\"` }",
		Source: "CWE-843"}
	RuleMigration = check.Rule{ID: "MRL-SQL-012", Property: check.Availability, Severity: check.High,
		Title:  "a migration does not run",
		Why:    "the tables would be half made",
		Attack: "None: the site does not start, and the database is as it was before the migration that failed.",
		Wrong:  "a file without \"-- +goose Up\", an SQL error, a reference to a row that does not exist",
		Right:  "migrations/00001_note.sql:\n-- +goose Up\nCREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;",
		Source: "https://pressly.github.io/goose/documentation/annotations/"}
	RuleNoLimit = check.Rule{ID: "MRL-SQL-013", Property: check.Availability, Severity: check.Medium,
		Title:  "a query has no LIMIT",
		Why:    "its rows grow with the site until one page takes all memory",
		Attack: "A visitor who may add rows adds a million, then opens the list from a few windows.",
		Wrong:  "\"SELECT author, text FROM note ORDER BY id DESC\"",
		Right:  "\"SELECT author, text FROM note ORDER BY id DESC LIMIT $1\"",
		Source: "CWE-770; OWASP API4:2023"}
	RuleArgument = check.Rule{ID: "MRL-SQL-014", Property: check.Integrity, Severity: check.High,
		Title:  "an argument is of a type that no column takes, or there are too many or too few",
		Why:    "types that belong to a driver change how the statement is run, and a missing value would be NULL",
		Attack: "With pgx the argument pgx.QueryExecModeSimpleProtocol makes two statements run where one was written.",
		Wrong:  "insert.Run(w, sql.NullString{…}), insert.Run(w, struct{…}{})",
		Right:  "insert.Run(w, name, &nickname, db.JSON(tags))   // a pointer is NULL when it is nil",
		Source: "pgx v5, Conn.Query; OWASP ASVS 5.0 V1.2.4"}
	RuleForeign = check.Rule{ID: "MRL-SQL-015", Property: check.Integrity, Severity: check.High,
		Title:  "a statement runs on an engine that does not know its schema",
		Why:    "it was never verified against this database",
		Attack: "None: but a statement of another site's tables finds tables of the same name here, and means others.",
		Wrong:  "using a part's statements without giving the part to the site",
		Right:  "merlon.Config{Schema: schema, Parts: []merlon.Part{{Schema: partSchema}}}",
		Source: "CWE-665; CWE-610"}
	RuleReadOnly = check.Rule{ID: "MRL-SQL-016", Property: check.Integrity, Severity: check.High,
		Title:  "the engine refused to write for a reader",
		Why:    "a reader's connection reads, whatever the statement says",
		Attack: "A text that was never verified (the schema was not given to the site, or it was laundered into a constant\nbefore the start) tries DELETE … RETURNING, PRAGMA, ATTACH or VACUUM INTO through a GET.",
		Right:  "run what writes with the Writer of a POST, a job or a command",
		Source: "https://sqlite.org/c3ref/set_authorizer.html; RFC 9110 §9.2.1"}
	RuleLocked = check.Rule{ID: "MRL-SQL-017", Property: check.Integrity, Severity: check.High,
		Title:  "another process has the database open",
		Why:    "one process per file: each keeps rows in memory that the other would change unseen",
		Attack: "A session that one process ended lives on in the other's memory.",
		Wrong:  "two `serve` on one folder; a second service file; a container that is not gone yet",
		Right:  "stop the other process first (its id is in the lock file), or give this one another folder with --data",
		Source: "https://sqlite.org/howtocorrupt.html"}
	RuleColumnType = check.Rule{ID: "MRL-SQL-018", Property: check.Integrity, Severity: check.High,
		Title:  "a column is declared with a type that its field does not hold",
		Why:    "every row would be refused when it is read",
		Attack: "None: found before the first visitor does.",
		Wrong:  "created INTEGER … with the field Created time.Time",
		Right:  "created TEXT … with time.Time, or INTEGER with int64",
		Source: "https://sqlite.org/datatype3.html"}
	RuleValue = check.Rule{ID: "MRL-SQL-019", Property: check.Integrity, Severity: check.High,
		Title:  "a value in the database does not fit into its field",
		Why:    "a value that is cut or turned into zero is a wrong one, and nobody would know",
		Attack: "A text in a column of numbers reads as 0 in SQLite: price 'free' costs 0.",
		Wrong:  "a column without STRICT and CHECK, a field narrower than the column",
		Right:  "CREATE TABLE … STRICT, NOT NULL where the field is no pointer, fields as wide as the column",
		Source: "https://sqlite.org/stricttables.html; CWE-704"}
	RuleNested = check.Rule{ID: "MRL-SQL-020", Property: check.Availability, Severity: check.High,
		Title:  "a write transaction within a write transaction",
		Why:    "the inner one would wait for the outer one, which waits for it",
		Attack: "One such request stops every writer of the site until it is given up.",
		Wrong:  "engine.Write(ctx, …) in a handler that has a Writer",
		Right:  "use the Writer; what must be kept even if the request fails is written before or after it",
		Source: "sqlite.org/isolation.html (one writer at a time); CWE-833 (deadlock)"}
	RuleRolledBack = check.Rule{ID: "MRL-SQL-021", Property: check.Integrity, Severity: check.High,
		Title:  "a statement runs after the database rolled the transaction back",
		Why:    "it would be kept by itself while what came before is lost: half of a request",
		Attack: "The disk fills up in the middle of a POST; the handler goes on after the error, and the second half of a\ntransfer is kept without the first.",
		Wrong:  "_, err := take.Run(w, …); if err != nil { log(err) }; give.Run(w, …)",
		Right:  "return the first error",
		Source: "https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction"}
	RuleEdited = check.Rule{ID: "MRL-SQL-023", Property: check.Integrity, Severity: check.High,
		Title:  "a migration was changed after it was run",
		Why:    "it is never run again, so this database is another than the one that the statements were proven against",
		Attack: "None: but a NOT NULL or UNIQUE that was added to the file is missing here, and what it was to keep out comes in.",
		Wrong:  "adding a column in migrations/0001_note.sql, which has run",
		Right:  "migrate new note_color   # a file of its own: ALTER TABLE note ADD COLUMN color TEXT",
		Source: "https://pressly.github.io/goose/documentation/annotations/; CWE-1188"}
	RuleSchemaName = check.Rule{ID: "MRL-SQL-022", Property: check.Integrity, Severity: check.High,
		Title:  "a schema's name is not a plain word, or two schemas have the same",
		Why:    "it becomes the name of the table that counts the schema's migrations",
		Attack: "None: but two schemas that count in one table each skip the other's migrations.",
		Wrong:  "db.From(files, \"migrations\").Named(\"my part\")",
		Right:  "db.From(files, \"migrations\").Named(\"mypart\")",
		Source: "SQLite, lang_createtable (table names); CWE-694"}
	RuleDamaged = check.Rule{ID: "MRL-SQL-024", Property: check.Integrity, Severity: check.High,
		Title:  "a database file that is damaged",
		Why:    "its pages or indexes do not fit together: what is read may be wrong, and what is written may be lost",
		Attack: "Nobody needs to attack: a disk that fails, a copy taken of the open file, a file system that drops locks.",
		Wrong:  "cp data/shop.db elsewhere while the site runs",
		Right:  "Stop the site, keep a copy, restore the newest backup; then find out what the disk says.",
		Source: "sqlite.org/howtocorrupt.html; sqlite.org/pragma.html#pragma_quick_check"}
	RuleOrphan = check.Rule{ID: "MRL-SQL-025", Property: check.Integrity, Severity: check.Medium,
		Title:  "rows that name a row which is not there",
		Why:    "a foreign key says that it must be there, so the program does not expect it to be gone",
		Attack: "Nobody needs to attack: a tool that does not keep foreign keys deleted the one and left the other.",
		Wrong:  "sqlite3 data/shop.db 'DELETE FROM author'",
		Right:  "PRAGMA foreign_keys=ON in such a tool; or a migration, which keeps them.",
		Source: "sqlite.org/foreignkeys.html; sqlite.org/pragma.html#pragma_foreign_key_check"}
)

// Rules returns every rule of this package.
func Rules() []check.Rule {
	return append([]check.Rule{RuleSealed, RulePrepare, RuleUnknown, RuleRow, RuleParams, RuleOneStatement, RuleQueryWrites, RuleRows, RuleChoice, RuleList,
		RuleRowType, RuleMigration, RuleNoLimit, RuleArgument, RuleForeign, RuleReadOnly, RuleLocked, RuleColumnType, RuleValue, RuleNested, RuleRolledBack, RuleSchemaName, RuleEdited, RuleDamaged, RuleOrphan}, serverRules()...)
}
