package attack

import "github.com/merlon-web/merlon/check"

// What is found on plain handlers, where the attacker is told what a sign-in takes and what the data holds.
var (
	RuleSameCookie = rule("MRL-ATK-017", conf, check.High, "a cookie that signs a user in is the same at every sign-in",
		"what is made of the account alone can be made by others, and cannot be taken back", "makes the cookie from what is known of the account",
		"give each browser a random token and keep its hash", "OWASP ASVS 5.0 7.2.2, 7.2.3; CWE-330")
	RulePasswordLogged = rule("MRL-ATK-018", conf, check.High, "a password that was typed stands in the log",
		"logs travel and are kept; a mistyped password is nearly the right one", "reads the log, or its backup",
		"log what was refused, not what was typed: package secret", "OWASP ASVS 5.0 16.2.5; CWE-532")
	RulePasswordRests = rule("MRL-ATK-019", conf, check.High, "passwords rest as they are, or as a bare fast hash",
		"a stolen database is guessed by the billion a second", "hashes lists of passwords and compares",
		"hash with Argon2id: room password", "OWASP ASVS 5.0 11.4.2; CWE-916")
	RuleShared = rule("MRL-ATK-035", conf, check.High, "any origin may read an answer with the visitor's cookies",
		"every page that a user opens reads the user's data", "fetches the address with credentials from a page of their own",
		"name the origins, and answer them without credentials", "WHATWG Fetch (CORS protocol and credentials); OWASP ASVS 5.0 3.4.2; CWE-942")
	RuleHalf = rule("MRL-ATK-110", integ, check.Medium, "a form that was refused has left data behind",
		"the visitor corrects it and sends it again, and half of it is there twice", "sends forms that fail half-way",
		"do all of a request in one transaction and roll it back: merlon.Post", "OWASP ASVS 5.0 2.3.3; CWE-460")
	RuleUnpacked = rule("MRL-ATK-111", avail, check.Medium, "an archive is unpacked to a thousand times its size",
		"a small upload fills the disk", "uploads an archive of zeros", "count what comes out, and stop: form.Zip", "OWASP ASVS 5.0 5.2.3; CWE-409")
	RuleListing = rule("MRL-ATK-130", conf, check.Medium, "a folder of files lists itself",
		"what nobody was to find is found", "reads the list and takes the copies and drafts that lie there",
		"serve files by name only: room static", "OWASP ASVS 5.0 13.4.3; CWE-548")
)

var plainRules = []check.Rule{RuleSameCookie, RulePasswordLogged, RulePasswordRests, RuleShared, RuleHalf, RuleUnpacked, RuleListing}
