package attack

import "github.com/merlon-web/merlon/check"

// What the class injection finds.
var (
	RuleSQL = rule("MRL-ATK-040", integ, check.High, "a value is part of a statement of SQL",
		"the visitor writes the statement", "reads or changes any row", "pass values as parameters, choose columns from constants: db.Query, db.Choice", "OWASP ASVS 5.0 1.2.4; CWE-89")
	RuleWildcard = rule("MRL-ATK-041", avail, check.Low, "wildcards of LIKE reach the statement",
		"a search for % reads everything, and many of them cost much", "searches for %_%_%_%", "escape them: db.Contains", "CWE-155")
	RuleShell = rule("MRL-ATK-042", integ, check.High, "a value is run by a shell",
		"the visitor has the server's rights", "runs any program", "run constants with values as arguments: room outbound/command", "OWASP ASVS 5.0 1.2.5; CWE-78")
	RuleOption = rule("MRL-ATK-043", integ, check.High, "a value that begins with - is taken for an option of a program",
		"options write files and run programs", "sends a value such as --output=FILE", "put -- before values: room outbound/command", "CWE-88")
	RuleHeaderLine = rule("MRL-ATK-044", integ, check.High, "a line break of a value reaches a header",
		"the visitor writes headers, or a second answer", "sets cookies and poisons caches by a link", "refuse line breaks in headers", "RFC 9110 5.5; CWE-113")
	RuleLogLine = rule("MRL-ATK-045", integ, check.Medium, "a line break of a value begins a line of the log",
		"who reads the log reads what the visitor wrote", "forges the lines of a sign-in that never was", "log with log/slog, values as attributes", "OWASP ASVS 5.0 16.4.1; CWE-117")
	RuleMailLine = rule("MRL-ATK-046", integ, check.High, "a line break of a value begins a header of a mail",
		"the site mails to whom the visitor likes", "sends unwanted mail through the site by Bcc", "refuse line breaks in addresses and subjects: room mailbox", "OWASP ASVS 5.0 1.3.11; CWE-93")
	RuleFormula = rule("MRL-ATK-047", integ, check.Medium, "a value is a formula in a CSV file",
		"the reader's program runs it", "has the owner open the export", "export through room outbound/export", "OWASP ASVS 5.0 1.2.10; CWE-1236")
	RuleTemplate = rule("MRL-ATK-048", integ, check.High, "a value is run as a template",
		"the visitor reaches what templates reach", "reads the page's data and calls its methods", "let templates be constants", "OWASP ASVS 5.0 1.3.7; CWE-1336")
	RuleFetch = rule("MRL-ATK-049", conf, check.High, "the site fetches an address of its own machine for a visitor",
		"behind the site are machines that trust it", "reads what only the server reaches: cloud metadata, other services", "fetch through room outbound/fetch", "OWASP ASVS 5.0 1.3.6; CWE-918")
	RuleTraversal = rule("MRL-ATK-050", conf, check.High, "a name leads out of the folder of files",
		"every file of the server can be read", "asks for ../../etc/passwd in one of its spellings", "open files through an os.Root", "OWASP ASVS 5.0 5.3.2; CWE-22")
	RuleBackend = rule("MRL-ATK-051", integ, check.High, "a value changes the text of a command to another back end",
		"the visitor writes commands of LDAP, Redis or the like", "adds a command of their own", "pass values as arguments: rooms outbound/ldap and outbound/valkey", "OWASP ASVS 5.0 1.2.6; CWE-74")
)

var injectionRules = []check.Rule{RuleSQL, RuleWildcard, RuleShell, RuleOption, RuleHeaderLine, RuleLogLine, RuleMailLine, RuleFormula, RuleTemplate, RuleFetch, RuleTraversal, RuleBackend}

// What the class output finds.
var (
	RuleMarkup = rule("MRL-ATK-060", integ, check.High, "a value is markup on a page",
		"the visitor's markup is the site's", "runs scripts in the browsers of others (XSS)", "print values through templates that escape for their place: room page", "OWASP ASVS 5.0 1.2.1; CWE-79")
	RuleScriptText = rule("MRL-ATK-061", integ, check.High, "a value ends a text in a script or an event handler",
		"the visitor writes script", "runs scripts in the browsers of others (XSS)", "hand data to scripts in a JSON data block", "OWASP ASVS 5.0 1.2.3; CWE-79")
	RuleScriptAddress = rule("MRL-ATK-062", integ, check.High, "a value becomes an address that runs script",
		"a click runs the visitor's script", "stores javascript: as an address", "allow http and https, or paths of the site", "OWASP ASVS 5.0 1.2.2; CWE-79")
	RulePolicy = rule("MRL-ATK-063", integ, check.Medium, "a page has no Content-Security-Policy that stops scripts",
		"nothing stands behind a mistake in escaping", "uses the first place where escaping was forgotten", "send script-src with hashes or own files, without unsafe-inline", "OWASP ASVS 5.0 3.4.3; W3C CSP 3")
	RuleTrustedTypes = rule("MRL-ATK-064", integ, check.Low, "a page's policy does not ask for Trusted Types",
		"scripts may write markup from text", "uses a script that writes innerHTML", "send require-trusted-types-for 'script'", "W3C Trusted Types")
	RuleFrame = rule("MRL-ATK-065", integ, check.Medium, "a page can be framed by any site",
		"a visitor clicks what they do not see", "lays the page transparent over a game", "send frame-ancestors 'none'", "OWASP ASVS 5.0 3.4.6; CWE-1021")
	RuleSniffed = rule("MRL-ATK-066", integ, check.Medium, "a browser may take an answer for another type",
		"data becomes a page", "has a text with markup opened as HTML", "send the true Content-Type and nosniff", "OWASP ASVS 5.0 3.2.1, 3.4.4; CWE-430")
	RuleRedirect = rule("MRL-ATK-067", integ, check.Medium, "a parameter leads to another site",
		"the link begins with the site's name and ends elsewhere", "sends a link that ends at a false sign-in page", "redirect to paths of the site: merlon.Redirect", "OWASP ASVS 5.0 3.7.2; CWE-601")
	RuleCached = rule("MRL-ATK-068", conf, check.Medium, "a page of one user may be kept by caches",
		"the next visitor may be shown it", "asks the shared cache, or presses Back", "send Cache-Control: no-store", "OWASP ASVS 5.0 14.2.2, 14.3.2; CWE-525")
	RuleSuffix = rule("MRL-ATK-069", conf, check.Medium, "a private page answers under a made-up file name",
		"caches keep what looks like a file", "has a user open /profile/x.css and asks the cache for it", "answer 404 for addresses that are none", "RFC 9111; CWE-525 (web cache deception)")
	RuleInternals = rule("MRL-ATK-070", conf, check.Medium, "an error page shows the inside of the program",
		"it tells how to go on", "reads statements, paths and versions", "show a number, log the rest", "OWASP ASVS 5.0 16.5.1; CWE-209")
	RuleUpload = rule("MRL-ATK-071", integ, check.High, "an uploaded file is served as a page",
		"its scripts run with the site's rights", "uploads HTML or SVG and sends the link", "serve uploads as attachments under a sandbox policy: room outbound/file", "OWASP ASVS 5.0 5.4.1; CWE-434")
)

var outputRules = []check.Rule{RuleMarkup, RuleScriptText, RuleScriptAddress, RulePolicy, RuleTrustedTypes, RuleFrame, RuleSniffed, RuleRedirect, RuleCached, RuleSuffix, RuleInternals, RuleUpload}
